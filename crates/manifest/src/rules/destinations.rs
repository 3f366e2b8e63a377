//! Where messages go: that an object says it, and, when it is known, that it exists.

use std::collections::HashSet;

use crate::explain::{Findings, did_you_mean};
use crate::tree::At;
use crate::{KnownDestination, Rule};

/// The destinations of one manifest; each is told of once, where it is named first.
#[derive(Debug)]
pub(super) struct Destinations<'a> {
    known: Option<&'a [KnownDestination]>,
    seen: HashSet<&'a str>,
}

impl<'a> Destinations<'a> {
    pub(super) fn new(known: Option<&'a [KnownDestination]>) -> Self {
        Self {
            known,
            seen: HashSet::new(),
        }
    }

    /// The rules about an object's `destination`. `kind` is `read` or `subscribe`.
    pub(super) fn check(&mut self, object: &At<'a>, kind: &str, findings: &mut Findings) {
        if object.lacks("destination") {
            let message = format!("the {kind} object has no `destination`");
            let remedy = "Name the destination that its messages go to";
            findings.add(Rule::Destination, object, message, remedy);
            return;
        }
        let (Some(at), Some(known)) = (object.get("destination"), self.known) else {
            return;
        };
        let Some(name) = at.text().filter(|name| self.seen.insert(name)) else {
            return;
        };
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
}
