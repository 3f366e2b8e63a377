//! The read action.

use connector::Description;

use super::{Seen, fields, objects};
use crate::Rule;
use crate::explain::{Findings, did_you_mean};
use crate::tree::At;

/// The longest backfill in days: a hundred years.
const MAX_DAYS: i64 = 36_500;

/// Every rule about `read`.
pub(super) fn check<'a>(
    integration: &At<'a>,
    provider: Option<&Description>,
    seen: &mut Seen<'a>,
    findings: &mut Findings,
) {
    let Some(read) = integration.get("read") else {
        return;
    };
    objects::require(&read, findings);
    objects::check_names(&read, findings);
    for object in read.items_of("objects") {
        if !object.is_map() {
            continue;
        }
        let row = check_object_name(&object, provider, findings);
        seen.destinations.check(&object, "read", findings);
        seen.schedules.check(&object, findings);
        fields::check(&object, row, findings);
        check_backfill(&object, findings);
        check_delivery(&object, findings);
        check_enabled(&object, findings);
    }
}

fn check_object_name(
    object: &At<'_>,
    provider: Option<&Description>,
    findings: &mut Findings,
) -> Option<&'static connector::Object> {
    let (at, name) = objects::name(object, "read", findings)?;
    let provider = provider?;
    let row = provider.object(name);
    if row.is_none() {
        let names: Vec<&str> = provider.objects.iter().map(|object| object.name).collect();
        let message = format!("{} has no object `{name}` to read", provider.display_name);
        objects::unsupported(&at, (name, &names), message, findings);
    }
    if let Some(removed) = row.and_then(|row| row.removed) {
        let message = format!("{} does not offer `{name}` any more", provider.display_name);
        let remedy = format!("Remove it; see {}", removed.announcement);
        findings.add(Rule::RemovedObject, &at, message, remedy);
    }
    row
}

fn check_backfill(object: &At<'_>, findings: &mut Findings) {
    let Some(backfill) = object.get("backfill") else {
        return;
    };
    let remedy = "Give `defaultPeriod` either `days` or `fullHistory`";
    if !backfill.is_map() {
        return;
    }
    let Some(period) = backfill.get("defaultPeriod") else {
        findings.add(
            Rule::BackfillPeriod,
            &backfill,
            "`backfill` has no `defaultPeriod`",
            "Put `days` or `fullHistory` below a `defaultPeriod`",
        );
        return;
    };
    match (period.get("days"), period.get("fullHistory")) {
        (None, None) if period.is_map() => {
            let message = "`defaultPeriod` has neither `days` nor `fullHistory`";
            findings.add(Rule::BackfillPeriod, &period, message, remedy);
        }
        (Some(_), Some(_)) => {
            let message = "`defaultPeriod` has both `days` and `fullHistory`";
            findings.add(Rule::BackfillPeriod, &period, message, remedy);
        }
        (Some(days), None) => {
            if period
                .whole_of("days")
                .is_some_and(|days| !(0..=MAX_DAYS).contains(&days))
            {
                let message = format!("`days` is not between 0 and {MAX_DAYS}");
                findings.add(
                    Rule::BackfillDays,
                    &days,
                    message,
                    "Write how many days back, or `fullHistory: true` for everything",
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
                findings.add(
                    Rule::PageSize,
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
                    findings.add(Rule::PageSize, &delivery, message, remedy);
                }
                (Some(at), Some(size)) if !(50..=500).contains(&size) => {
                    findings.add(
                        Rule::PageSize,
                        &at,
                        "`pageSize` is not between 50 and 500",
                        remedy,
                    );
                }
                (Some(_), _) => {}
            }
        }
        Some(other) => {
            let message = format!("`mode` is `{other}`, but can only be `auto` or `onRequest`");
            let at = delivery.get("mode").unwrap_or(delivery);
            findings.add(
                Rule::DeliveryMode,
                &at,
                message,
                did_you_mean(other, ["auto", "onRequest"], "Write one of the two"),
            );
        }
        None => {}
    }
}

/// Without a customer's choice there must be nothing left to choose.
fn check_enabled(object: &At<'_>, findings: &mut Findings) {
    let Some(enabled) = object.get("enabled") else {
        return;
    };
    if !objects::is_always(object, findings) {
        return;
    }
    if object.lacks("schedule") {
        let message = "`enabled: always` needs a `schedule`";
        let remedy = "Add one, such as \"0 * * * *\"";
        findings.add(Rule::AlwaysSchedule, &enabled, message, remedy);
    }
    if !fields::has_any(object) {
        let message = "`enabled: always` needs fields";
        let remedy = "Add `requiredFields`, or `optionalFieldsAuto: all`";
        findings.add(Rule::AlwaysFields, &enabled, message, remedy);
    }
    let all = fields::all(object);
    for mapped in [object.clone()]
        .iter()
        .chain(&all)
        .filter_map(|at| at.get("mapToName"))
    {
        let message = "`enabled: always` allows no `mapToName`";
        let remedy = "Remove it, or remove `enabled`";
        findings.add(Rule::AlwaysMapping, &mapped, message, remedy);
    }
}
