//! What the objects of every action have in common.

use std::collections::HashMap;

use crate::Rule;
use crate::explain::{Findings, did_you_mean};
use crate::tree::{At, Tree};

/// That an action's `objects` is there and not empty.
pub(super) fn require(action: &At<'_>, findings: &mut Findings) {
    let objects = action.get("objects");
    let empty = match &objects {
        None => action.is_map(),
        Some(list) => matches!(&list.node.value, Tree::List(items) if items.is_empty()),
    };
    if empty {
        let at = objects.as_ref().unwrap_or(action);
        findings.add(
            Rule::EmptyObjects,
            at,
            "there are no `objects`",
            "Add one, or remove the action",
        );
    }
}

/// That no object is there twice and no two have one name in the app.
pub(super) fn check_names(action: &At<'_>, findings: &mut Findings) {
    let mut objects = HashMap::new();
    let mut names = HashMap::new();
    for object in action.items_of("objects") {
        let Some(at) = object.get("objectName") else {
            continue;
        };
        let Some(text) = at.text().filter(|text| !text.is_empty()) else {
            continue;
        };
        if let Some(first) = objects.insert(text, at.at.line) {
            let message = format!("`{text}` is in line {first} already");
            let remedy = "Put both into one object";
            findings.add(Rule::RepeatedObject, &at, message, remedy);
            continue;
        }
        let mapped = object.get("mapToName");
        let name = mapped.as_ref().and_then(At::text).unwrap_or(text);
        if let Some(first) = names.insert(name, at.at.line) {
            let message = format!("the object in line {first} has the name `{name}` already");
            let at = mapped.as_ref().unwrap_or(&at);
            let remedy = "Map one of them to another name";
            findings.add(Rule::RepeatedName, at, message, remedy);
        }
    }
}

/// The object's name and its place, or that there is none. `kind` is `read`,
/// `write` or `subscribe`.
pub(super) fn name<'a>(
    object: &At<'a>,
    kind: &str,
    findings: &mut Findings,
) -> Option<(At<'a>, &'a str)> {
    if object.lacks("objectName") {
        findings.add(
            Rule::ObjectName,
            object,
            format!("the {kind} object has no `objectName`"),
            "Name an object of the provider",
        );
        return None;
    }
    let at = object.get("objectName")?;
    let text = at.text()?;
    Some((at, text))
}

/// That the provider has an object for an action.
pub(super) fn unsupported(
    at: &At<'_>,
    (written, supported): (&str, &[&str]),
    message: String,
    findings: &mut Findings,
) {
    let all = match supported {
        [] => "Remove it: there is none".to_owned(),
        names => format!("Name one of: {}", names.join(", ")),
    };
    let remedy = did_you_mean(written, supported.iter().copied(), &all);
    findings.add(Rule::UnsupportedObject, at, message, remedy);
}

/// That `enabled` of an object or an event is `always`. Returns whether it is.
pub(super) fn is_always(holder: &At<'_>, findings: &mut Findings) -> bool {
    let Some(enabled) = holder.get("enabled") else {
        return false;
    };
    match enabled.text() {
        Some("always") => true,
        Some(other) => {
            let message = format!("`enabled` is `{other}`, but can only be `always`");
            findings.add(
                Rule::Enabled,
                &enabled,
                message,
                "Write `always`, or remove it",
            );
            false
        }
        None => false,
    }
}
