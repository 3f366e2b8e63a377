//! The actions besides read.

use connector::Description;

use super::read::{check_names, require_objects};
use crate::explain::Findings;
use crate::tree::{At, Tree};

/// `write`, `subscribe` and `watchSchema`. `proxy` needs nothing beyond its shape.
pub(crate) fn check(integration: &At<'_>, provider: Option<&Description>, findings: &mut Findings) {
    if let Some(write) = integration.get("write") {
        require_objects(&write, findings);
        check_names(&write, findings);
        for object in write.items_of("objects") {
            check_written(&object, provider, findings);
        }
    }
    for action in ["subscribe", "watchSchema"] {
        let Some(at) = integration.get(action) else {
            continue;
        };
        let message = match provider {
            Some(provider) => format!("`{action}` is not supported for {}", provider.display_name),
            None => format!("`{action}` is not supported"),
        };
        findings.error(
            "unsupported-action",
            &at,
            message,
            format!("Remove `{action}`"),
        );
    }
}

/// No provider says of an object that it can be written.
fn check_written(object: &At<'_>, provider: Option<&Description>, findings: &mut Findings) {
    if object.lacks("objectName") {
        if matches!(object.node.value, Tree::Map(_)) {
            findings.error(
                "object-name",
                object,
                "the write object has no `objectName`",
                "Name an object of the provider",
            );
        }
        return;
    }
    let (Some(at), Some(provider)) = (object.get("objectName"), provider) else {
        return;
    };
    if let Some(name) = at.text() {
        let message = format!(
            "writing `{name}` is not supported yet for {}",
            provider.display_name
        );
        findings.error("unsupported-object", &at, message, "Remove it from `write`");
    }
}
