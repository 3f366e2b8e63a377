//! JSON Patch (RFC 6902), of which the API takes `add`, `remove` and `replace`.
//! Pure: all steps are taken, or the first that cannot be is told.

use serde::Deserialize;
use serde_json::Value;

use crate::ActionError;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Puts a value in; of an object's member it replaces the one there is.
    Add,
    /// Takes a value out, which must be there.
    Remove,
    /// Puts a value in the place of one that must be there.
    Replace,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// What it does.
    pub op: Operation,
    /// Where: a JSON Pointer (RFC 6901); "" is the whole document.
    pub path: String,
    /// What to put in. A null counts as a value, absence does not.
    #[serde(default, deserialize_with = "present")]
    pub value: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Takes the steps in their order.
///
/// # Errors
/// [`ActionError::BadRequest`] about the first step that cannot be taken.
pub(super) fn apply(document: &mut Value, steps: &[Step]) -> Result<(), ActionError> {
    for step in steps {
        take(document, step).map_err(|why| {
            ActionError::bad_request(
                format!("change `{}`: {why}", step.path),
                "Look at the config as it is now, and send changes that fit it",
            )
        })?;
    }
    Ok(())
}

fn take(document: &mut Value, step: &Step) -> Result<(), String> {
    let value = match (step.op, &step.value) {
        (Operation::Remove, _) => None,
        (Operation::Add | Operation::Replace, Some(value)) => Some(value.clone()),
        (Operation::Add | Operation::Replace, None) => return Err("there is no `value`".to_owned()),
    };
    if step.path.is_empty() {
        *document = value.unwrap_or(Value::Null);
        return Ok(());
    }
    let Some((parent, last)) = step
        .path
        .rsplit_once('/')
        .filter(|_| step.path.starts_with('/'))
    else {
        return Err("a path begins with `/`".to_owned());
    };
    let last = last.replace("~1", "/").replace("~0", "~");
    let absent = || format!("there is nothing at `{}`", step.path);
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => match (step.op, value) {
            (Operation::Add, Some(value)) => {
                members.insert(last, value);
            }
            (_, Some(value)) => *members.get_mut(&last).ok_or_else(absent)? = value,
            (_, None) => {
                members.remove(&last).ok_or_else(absent)?;
            }
        },
        Some(Value::Array(items)) => {
            let index = if last == "-" {
                items.len()
            } else {
                last.parse().map_err(|_| absent())?
            };
            match (step.op, value) {
                (Operation::Add, Some(value)) if index <= items.len() => items.insert(index, value),
                (Operation::Replace, Some(value)) if index < items.len() => {
                    *items.get_mut(index).ok_or_else(absent)? = value;
                }
                (Operation::Remove, None) if index < items.len() => {
                    items.remove(index);
                }
                _ => return Err(absent()),
            }
        }
        Some(_) | None => return Err(format!("there is nothing at `{parent}`")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(mut document: Value, steps: Value) -> Result<Value, String> {
        let steps: Vec<Step> = serde_json::from_value(steps).unwrap();
        apply(&mut document, &steps).map_err(|error| error.to_string())?;
        Ok(document)
    }

    #[test]
    fn steps_are_taken_in_their_order() {
        let document = json!({ "a": { "b/c": 1, "d": 2 }, "list": [1, 3] });
        let steps = json!([
            { "op": "replace", "path": "/a/b~1c", "value": null },
            { "op": "add", "path": "/a/e", "value": { "f": 1 } },
            { "op": "add", "path": "/a/e/f", "value": 2 },
            { "op": "remove", "path": "/a/d" },
            { "op": "add", "path": "/list/1", "value": 2 },
            { "op": "add", "path": "/list/-", "value": 4 },
            { "op": "remove", "path": "/list/0" },
        ]);
        let expected = json!({ "a": { "b/c": null, "e": { "f": 2 } }, "list": [2, 3, 4] });
        assert_eq!(patched(document, steps), Ok(expected));
        let gone = patched(json!({ "a": 1 }), json!([{ "op": "remove", "path": "" }]));
        assert_eq!(gone, Ok(Value::Null));
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        for (step, why) in [
            (
                json!({ "op": "remove", "path": "/none" }),
                "nothing at `/none`",
            ),
            (
                json!({ "op": "replace", "path": "/none", "value": 1 }),
                "nothing at `/none`",
            ),
            (
                json!({ "op": "add", "path": "/none/x", "value": 1 }),
                "nothing at `/none`",
            ),
            (json!({ "op": "add", "path": "/a" }), "no `value`"),
            (
                json!({ "op": "add", "path": "a", "value": 1 }),
                "begins with `/`",
            ),
            (
                json!({ "op": "add", "path": "/list/9", "value": 1 }),
                "nothing at `/list/9`",
            ),
            (
                json!({ "op": "remove", "path": "/list/-" }),
                "nothing at `/list/-`",
            ),
        ] {
            let refused = patched(json!({ "a": 1, "list": [1] }), json!([step]));
            assert!(
                refused.as_ref().is_err_and(|e| e.contains(why)),
                "{refused:?}"
            );
        }
    }
}
