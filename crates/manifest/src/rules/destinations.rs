//! Where messages go: that an object says it, and, when it is known, that it exists.

use crate::explain::{Findings, did_you_mean};
use crate::tree::At;
use crate::{KnownDestination, Rule};

/// The rules about an object's `destination`. `kind` is `read` or `subscribe`.
pub(super) fn check(
    object: &At<'_>,
    kind: &str,
    known: Option<&[KnownDestination]>,
    findings: &mut Findings,
) {
    if object.lacks("destination") {
        let message = format!("the {kind} object has no `destination`");
        let remedy = "Name the destination that its messages go to";
        findings.add(Rule::Destination, object, message, remedy);
        return;
    }
    let (Some(at), Some(known)) = (object.get("destination"), known) else {
        return;
    };
    let Some(name) = at.text() else { return };
    match known.iter().find(|destination| destination.name == name) {
        None => {
            let names = known.iter().map(|destination| destination.name.as_str());
            let otherwise = "Create it before the first installation";
            let remedy = did_you_mean(name, names, otherwise);
            let message = format!("the project has no destination `{name}` yet");
            findings.add(Rule::UnknownDestination, &at, message, remedy);
        }
        Some(destination) if destination.disabled => {
            let message = format!("the destination `{name}` is disabled");
            let remedy = "Enable it; until then its messages wait";
            findings.add(Rule::DisabledDestination, &at, message, remedy);
        }
        Some(_) => {}
    }
}
