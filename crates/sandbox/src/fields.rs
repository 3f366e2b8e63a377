//! Partial responses: `fields=a,b.c` keeps only these, `-a` drops, `+a` adds, `*` is any key.
//!
//! The envelope is filtered like everything else: `fields=values.uuid` loses `next`.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#partial-response>

use axum::body::to_bytes;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Map, Value};

/// More than any page of this server.
const MAX_BODY_BYTES: usize = 64 << 20;

/// The same response with only the wanted fields; errors, and what is not JSON, stay whole.
pub(crate) async fn narrowed(response: Response, wanted: &str) -> Response {
    let media_type = response.headers().get(CONTENT_TYPE);
    let is_json = media_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !response.status().is_success() || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&whole).unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, apply(value, wanted).to_string().into())
}

/// Records are rendered whole, so `+` changes something only beside fields to keep.
fn apply(value: Value, wanted: &str) -> Value {
    let (mut keep, mut drop, mut narrows) = (Vec::new(), Vec::new(), false);
    for item in wanted.split(',') {
        if let Some(dropped) = item.strip_prefix('-') {
            drop.push(path(dropped));
        } else if let Some(added) = item.strip_prefix('+') {
            keep.push(path(added));
        } else {
            keep.push(path(item));
            narrows = true;
        }
    }
    let mut value = if narrows { kept(value, &keep) } else { value };
    for dropped in &drop {
        remove(&mut value, dropped);
    }
    value
}

fn path(text: &str) -> Vec<&str> {
    text.split('.').collect()
}

/// What follows `key` in each path that begins with it.
fn below<'a>(paths: &'a [Vec<&'a str>], key: &str) -> Vec<Vec<&'a str>> {
    let tails = paths.iter().filter_map(|path| path.split_first());
    tails
        .filter(|(first, _)| **first == key || **first == "*")
        .map(|(_, rest)| rest.to_vec())
        .collect()
}

fn kept(value: Value, paths: &[Vec<&str>]) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| kept(item, paths)).collect(),
        Value::Object(members) => {
            let mut left = Map::new();
            for (key, member) in members {
                let tails = below(paths, &key);
                if tails.iter().any(Vec::is_empty) {
                    left.insert(key, member);
                } else if !tails.is_empty() && (member.is_object() || member.is_array()) {
                    left.insert(key, kept(member, &tails));
                }
            }
            Value::Object(left)
        }
        other => other,
    }
}

fn remove(value: &mut Value, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        Value::Object(members) if rest.is_empty() => {
            members.retain(|key, _| key != first && *first != "*");
        }
        Value::Object(members) => members
            .iter_mut()
            .filter(|(key, _)| key == first || *first == "*")
            .for_each(|(_, member)| remove(member, rest)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_keep_drop_and_reach_into_lists() {
        let page = json!({"next": "n", "values": [{"a": 1, "b": {"c": 2, "d": 3}}]});
        for (wanted, left) in [
            ("values.a", json!({"values": [{"a": 1}]})),
            (
                "next,values.b.c",
                json!({"next": "n", "values": [{"b": {"c": 2}}]}),
            ),
            ("-values.b", json!({"next": "n", "values": [{"a": 1}]})),
            ("*.b.d", json!({"values": [{"b": {"d": 3}}]})),
            (
                "values.*,-values.b.c",
                json!({"values": [{"a": 1, "b": {"d": 3}}]}),
            ),
            ("+values.x", page.clone()),
            ("nothing", json!({})),
        ] {
            assert_eq!(apply(page.clone(), wanted), left, "{wanted}");
        }
    }
}
