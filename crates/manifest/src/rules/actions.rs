//! `write`, and the actions that are not supported. `proxy` needs nothing
//! beyond its shape.

use connector::Description;

use super::objects;
use crate::Rule;
use crate::explain::Findings;
use crate::tree::At;

/// Every rule about `write`.
pub(super) fn check_write(
    integration: &At<'_>,
    provider: Option<&Description>,
    findings: &mut Findings,
) {
    let Some(write) = integration.get("write") else {
        return;
    };
    objects::require(&write, findings);
    objects::check_names(&write, findings);
    for object in write.items_of("objects") {
        if !object.is_map() {
            continue;
        }
        let (Some((at, name)), Some(provider)) =
            (objects::name(&object, "write", findings), provider)
        else {
            continue;
        };
        if !provider.writable.contains(&name) {
            let message = format!(
                "writing `{name}` is not supported for {}",
                provider.display_name
            );
            objects::unsupported(&at, (name, provider.writable), message, findings);
        }
    }
}

/// That there is nothing which no provider has.
pub(super) fn refuse(
    integration: &At<'_>,
    provider: Option<&Description>,
    findings: &mut Findings,
) {
    for action in ["subscribe", "watchSchema"] {
        let Some(at) = integration.get(action) else {
            continue;
        };
        let message = match provider {
            Some(provider) => format!("`{action}` is not supported for {}", provider.display_name),
            None => format!("`{action}` is not supported"),
        };
        let remedy = format!("Remove `{action}`");
        findings.add(Rule::UnsupportedAction, &at, message, remedy);
    }
}
