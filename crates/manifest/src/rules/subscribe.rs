//! The subscribe action. No provider has it yet, so it is refused as a whole;
//! its own rules are checked all the same, so that a manifest written for later
//! is right by then.

use std::collections::HashSet;

use super::{Seen, objects};
use crate::Rule;
use crate::explain::Findings;
use crate::tree::{At, Tree};

/// Events that bring records, which are shaped as the read object's are.
const OF_RECORDS: [&str; 4] = [
    "createEvent",
    "updateEvent",
    "deleteEvent",
    "associationChangeEvent",
];

/// Every rule about `subscribe`.
pub(super) fn check<'a>(integration: &At<'a>, seen: &mut Seen<'a>, findings: &mut Findings) {
    let Some(subscribe) = integration.get("subscribe") else {
        return;
    };
    let read = integration.get("read");
    if read.is_none() {
        findings.add(
            Rule::SubscribeRead,
            &subscribe,
            "the integration has `subscribe` but no `read`",
            "Add `read` with the same objects",
        );
    }
    objects::require(&subscribe, findings);
    objects::check_names(&subscribe, findings);
    let twins: Option<HashSet<&str>> = read.map(|read| {
        let objects = read.items_of("objects").into_iter();
        let names = objects.filter_map(|object| object.get("objectName")?.text());
        names.collect()
    });
    for object in subscribe.items_of("objects") {
        if !object.is_map() {
            continue;
        }
        let name = objects::name(&object, "subscribe", findings);
        seen.destinations.check(&object, "subscribe", findings);
        check_events(&object, findings);
        if OF_RECORDS.iter().all(|event| object.get(event).is_none()) {
            continue;
        }
        if let (Some((at, name)), Some(twins)) = (name, &twins)
            && !twins.contains(name)
        {
            let message = format!("`{name}` has events but is not read");
            let remedy = "Add it to `read` too: events bring its fields";
            findings.add(Rule::SubscribeTwin, &at, message, remedy);
        }
        let inherit = object.get("inheritFieldsAndMapping");
        if !inherit.as_ref().is_some_and(At::is_true) {
            findings.add(
                Rule::SubscribeInherit,
                inherit.as_ref().unwrap_or(&object),
                "an object with events needs `inheritFieldsAndMapping: true`",
                "Add it: fields and mapping are those of the read object",
            );
        }
    }
}

fn check_events(object: &At<'_>, findings: &mut Findings) {
    for event in OF_RECORDS.iter().filter_map(|event| object.get(event)) {
        objects::is_always(&event, findings);
    }
    if let Some(update) = object.get("updateEvent") {
        check_update(&update, findings);
    }
    let has_other = !object.items_of("otherEvents").is_empty();
    if !has_other && OF_RECORDS.iter().all(|event| object.get(event).is_none()) {
        findings.add(
            Rule::NoEvent,
            object,
            "the subscribe object has no event",
            "Add `createEvent`, `updateEvent` or `deleteEvent`",
        );
    }
}

fn check_update(update: &At<'_>, findings: &mut Findings) {
    let auto = update.get("watchFieldsAuto");
    if let Some(auto) = &auto
        && let Some(text) = auto
            .text()
            .filter(|text| !matches!(*text, "all" | "selected"))
    {
        let message = format!("`watchFieldsAuto` is `{text}`, but can only be `all` or `selected`");
        let remedy = "Write `all` or `selected`";
        findings.add(Rule::WatchFieldsAuto, auto, message, remedy);
    }
    let required = update.get("requiredWatchFields");
    let required =
        required.filter(|list| !matches!(&list.node.value, Tree::List(l) if l.is_empty()));
    let remedy = "Give it one of the two";
    match (&auto, &required) {
        (None, None) if update.is_map() => {
            let message = "`updateEvent` has neither `watchFieldsAuto` nor `requiredWatchFields`";
            findings.add(Rule::WatchFields, update, message, remedy);
        }
        (Some(_), Some(required)) => {
            let message = "`updateEvent` has both `watchFieldsAuto` and `requiredWatchFields`";
            findings.add(Rule::WatchFields, required, message, remedy);
        }
        (None | Some(_), None) | (None, Some(_)) => {}
    }
    for field in update.items_of("requiredWatchFields") {
        if let Some(text) = field.text().filter(|text| text.contains(['$', '[', '.'])) {
            let message = format!("`{text}` is inside another field, which cannot be watched");
            let remedy = "Name the field at the record's top level";
            findings.add(Rule::NestedWatchField, &field, message, remedy);
        }
    }
}
