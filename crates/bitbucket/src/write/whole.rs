//! Whole records, for what Bitbucket replaces: a change that names only some fields
//! is laid over the record as it is.

use connector::Failure;
use serde_json::{Map, Value};

use super::invalid;

/// The fields that a PUT would otherwise empty. A project's picture is none of
/// them: it is told as an address of Bitbucket's own, and kept where it is not sent.
/// A hook's secret is never told, and kept where it is not sent.
fn replaced(object: &str) -> &'static [&'static str] {
    match object {
        "projects" => &["key", "name", "description", "is_private"],
        "hooks" => &["description", "url", "active", "events"],
        "pipelines-config/variables" => &["key", "value", "secured"],
        _ => &[],
    }
}

/// Whether a change can be sent as it is. A project cannot, since a PUT to one that
/// is not there makes it.
pub(super) fn is_whole(object: &str, record: &Map<String, Value>) -> bool {
    object != "projects"
        && replaced(object)
            .iter()
            .all(|name| record.contains_key(*name))
}

/// The change laid over the record.
///
/// # Errors
/// [`Failure::Invalid`] where something would be emptied that nobody can see.
pub(super) fn of(
    object: &str,
    current: &Map<String, Value>,
    change: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let mut whole = change.clone();
    for name in replaced(object) {
        if let Some(value) = current.get(*name) {
            whole.entry(*name).or_insert_with(|| value.clone());
        }
    }
    if object == "pipelines-config/variables" && !whole.contains_key("value") {
        return Err(invalid(
            "the value of a secured variable is never told, so every change of it has to say the value anew",
            Some(("value", "is required, since the variable is secured")),
        ));
    }
    Ok(whole)
}
