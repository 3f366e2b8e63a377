//! The read action.

use std::collections::HashMap;

use connector::Description;

use super::fields;
use super::schedule::Schedules;
use crate::explain::{Findings, did_you_mean};
use crate::tree::{At, Tree};

/// The longest backfill in days: a hundred years.
const MAX_DAYS: i64 = 36_500;

/// Every rule about `read`.
pub(super) fn check<'a>(
    integration: &At<'a>,
    provider: Option<&Description>,
    schedules: &mut Schedules<'a>,
    findings: &mut Findings,
) {
    let Some(read) = integration.get("read") else {
        return;
    };
    require_objects(&read, findings);
    check_names(&read, findings);
    for object in read.items_of("objects") {
        if !matches!(object.node.value, Tree::Map(_)) {
            continue;
        }
        let row = check_object_name(&object, provider, findings);
        if object.lacks("destination") {
            findings.error(
                "destination",
                &object,
                "the read object has no `destination`",
                "Name the destination that its records go to",
            );
        }
        schedules.check(&object, findings);
        fields::check(&object, row, findings);
        check_backfill(&object, findings);
        check_delivery(&object, findings);
        check_enabled(&object, findings);
    }
}

/// That an action's `objects` is there and not empty.
pub(super) fn require_objects(action: &At<'_>, findings: &mut Findings) {
    let objects = action.get("objects");
    let empty = match &objects {
        None => matches!(action.node.value, Tree::Map(_)),
        Some(list) => matches!(&list.node.value, Tree::List(items) if items.is_empty()),
    };
    if empty {
        let at = objects.as_ref().unwrap_or(action);
        findings.error(
            "empty-objects",
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
        if let Some(first) = objects.insert(text, at.node.at.line) {
            let message = format!("`{text}` is already in line {first}");
            findings.error("repeated-object", &at, message, "Put both into one object");
            continue;
        }
        let mapped = object.get("mapToName");
        let name = mapped.as_ref().and_then(At::text).unwrap_or(text);
        if let Some(first) = names.insert(name, at.node.at.line) {
            let message = format!("the object in line {first} has the name `{name}` already");
            let at = mapped.as_ref().unwrap_or(&at);
            findings.error(
                "repeated-name",
                at,
                message,
                "Map one of them to another name",
            );
        }
    }
}

fn check_object_name(
    object: &At<'_>,
    provider: Option<&Description>,
    findings: &mut Findings,
) -> Option<&'static connector::Object> {
    if object.lacks("objectName") {
        findings.error(
            "object-name",
            object,
            "the read object has no `objectName`",
            "Name an object of the provider",
        );
        return None;
    }
    let at = object.get("objectName")?;
    let (name, provider) = (at.text()?, provider?);
    let row = provider.object(name);
    if row.is_none() {
        let names = || provider.objects.iter().map(|object| object.name);
        let all = names().collect::<Vec<_>>().join(", ");
        let remedy = did_you_mean(name, names(), &format!("Name one of: {all}"));
        let message = format!("{} has no object `{name}` to read", provider.display_name);
        findings.error("unsupported-object", &at, message, remedy);
    }
    row
}

fn check_backfill(object: &At<'_>, findings: &mut Findings) {
    let Some(backfill) = object.get("backfill") else {
        return;
    };
    let remedy = "Give `defaultPeriod` either `days` or `fullHistory`";
    if !matches!(backfill.node.value, Tree::Map(_)) {
        return;
    }
    let Some(period) = backfill.get("defaultPeriod") else {
        findings.error(
            "backfill",
            &backfill,
            "`backfill` has no `defaultPeriod`",
            remedy,
        );
        return;
    };
    match (period.get("days"), period.get("fullHistory")) {
        (None, None) if matches!(period.node.value, Tree::Map(_)) => {
            let message = "`defaultPeriod` has neither `days` nor `fullHistory`";
            findings.error("backfill", &period, message, remedy);
        }
        (Some(_), Some(_)) => {
            let message = "`defaultPeriod` has both `days` and `fullHistory`";
            findings.error("backfill", &period, message, remedy);
        }
        (Some(days), None) => {
            if period
                .whole_of("days")
                .is_some_and(|days| !(0..=MAX_DAYS).contains(&days))
            {
                let message = format!("`days` is not between 0 and {MAX_DAYS}");
                findings.error(
                    "backfill",
                    &days,
                    message,
                    "Use `fullHistory: true` for everything",
                );
            }
        }
        (None, _) => {}
    }
}

fn check_delivery(object: &At<'_>, findings: &mut Findings) {
    let Some(delivery) = object.get("delivery") else {
        return;
    };
    let size = delivery.get("pageSize");
    match delivery.get("mode").as_ref().map_or(Some("auto"), At::text) {
        Some("auto") => {
            if let Some(size) = size {
                let message = "`pageSize` has no meaning unless `mode` is `onRequest`";
                findings.error(
                    "delivery",
                    &size,
                    message,
                    "Remove it, or set `mode: onRequest`",
                );
            }
        }
        Some("onRequest") => {
            let remedy = "Set `pageSize` to a number from 50 to 500";
            match (size, delivery.whole_of("pageSize")) {
                (None, _) => {
                    let message = "`mode: onRequest` needs a `pageSize`";
                    findings.error("delivery", &delivery, message, remedy);
                }
                (Some(at), Some(size)) if !(50..=500).contains(&size) => {
                    findings.error(
                        "delivery",
                        &at,
                        "`pageSize` is not between 50 and 500",
                        remedy,
                    );
                }
                (Some(_), _) => {}
            }
        }
        Some(other) => {
            let message = format!("`mode` is `{other}`");
            let at = delivery.get("mode").unwrap_or(delivery);
            findings.error("delivery", &at, message, "Use `auto` or `onRequest`");
        }
        None => {}
    }
}

/// Without a customer's choice there must be nothing left to choose.
fn check_enabled(object: &At<'_>, findings: &mut Findings) {
    let Some(enabled) = object.get("enabled") else {
        return;
    };
    let Some(text) = enabled.text() else { return };
    if text != "always" {
        let message = format!("`enabled` is `{text}`");
        findings.error("enabled", &enabled, message, "Use `always`, or remove it");
        return;
    }
    if object.lacks("schedule") {
        let message = "`enabled: always` needs a `schedule`";
        findings.error(
            "enabled",
            &enabled,
            message,
            "Add one, such as \"0 * * * *\"",
        );
    }
    if !fields::has_any(object) {
        let message = "`enabled: always` needs fields";
        findings.error(
            "enabled",
            &enabled,
            message,
            "Add `requiredFields`, or `optionalFieldsAuto: all`",
        );
    }
    let all = fields::all(object);
    for mapped in [object.clone()]
        .iter()
        .chain(&all)
        .filter_map(|at| at.get("mapToName"))
    {
        let message = "`enabled: always` allows no `mapToName`";
        findings.error(
            "enabled",
            &mapped,
            message,
            "Remove it, or remove `enabled`",
        );
    }
}
