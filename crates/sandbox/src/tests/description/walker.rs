//! Walks a response along its schema and notes where they part.

use super::super::Answer;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Operations that are described under an implemented path but not offered.
const NOT_OFFERED: &[&str] = &[
    "DELETE /repositories/{}/{}",
    "POST /repositories/{}/{}",
    "PUT /repositories/{}/{}",
];

/// The published description and what departed from it.
#[derive(Debug)]
pub(super) struct Description {
    all: Arc<Value>,
    /// Operations with their path parameters as `{}`, and whether one succeeded.
    operations: BTreeMap<String, Value>,
    succeeded: BTreeSet<String>,
    pub(super) deviations: BTreeSet<String>,
}

/// `/a/{x}/b` and `/a/{*y}/b` become `/a/{}/b`.
fn shape(path: &str) -> String {
    let segment = |segment: &str| {
        if segment.starts_with('{') {
            "{}".to_owned()
        } else {
            segment.to_owned()
        }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A schema with `$ref` and `allOf` resolved.
#[derive(Debug, Default)]
struct Merged<'a> {
    properties: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
    kind: Option<&'a str>,
}

impl Description {
    pub(super) fn new(text: &str) -> Self {
        let all: Value = serde_json::from_str(text).unwrap();
        let mut operations = BTreeMap::new();
        for (path, methods) in all["paths"].as_object().unwrap() {
            let methods = methods.as_object().unwrap().iter();
            for (method, operation) in methods.filter(|(name, _)| *name != "parameters") {
                let name = format!("{} {}", method.to_uppercase(), shape(path));
                operations.insert(name, operation.clone());
            }
        }
        Self {
            all: Arc::new(all),
            operations,
            succeeded: BTreeSet::new(),
            deviations: BTreeSet::new(),
        }
    }

    fn note(&mut self, place: &str, what: &str) {
        self.deviations.insert(format!("{place}: {what}"));
    }

    /// Checks one answer; `path` is that of the description.
    pub(super) fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let name = format!("{method} {}", shape(path));
        let operation = self.operations.get(&name).cloned();
        let operation = operation.unwrap_or_else(|| panic!("{name} is not described"));
        self.scopes(&name, &operation, answer);
        let status = answer.status.as_str();
        let place = format!("{name} {status}");
        if answer.status.is_success() || answer.status.is_redirection() {
            self.succeeded.insert(name);
        }
        let refused = operation["responses"].get("default");
        let default = refused.filter(|_| !answer.status.is_success());
        let Some(response) = operation["responses"].get(status).or(default) else {
            self.note(&place, "status not described");
            if let Ok(body) = serde_json::from_str::<Value>(&answer.text)
                && body["type"] == "error"
            {
                self.walk(
                    &body,
                    &serde_json::json!({"$ref": "#/components/schemas/error"}),
                    "error",
                );
            }
            return;
        };
        for header in response["headers"].as_object().into_iter().flatten() {
            if answer.header(header.0).is_empty() {
                self.note(&place, &format!("no {}", header.0));
            }
        }
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_object() {
            self.walk(&answer.json(), schema, &place);
        }
    }

    /// The scopes demanded are those described, for OAuth and for API tokens.
    fn scopes(&mut self, name: &str, operation: &Value, answer: &Answer) {
        let described = match answer.header("x-credential-type") {
            "" => return,
            "api_token" => &operation["x-atlassian-oauth2-scopes"][0]["scopes"],
            _ => operation["security"]
                .as_array()
                .and_then(|kinds| kinds.iter().find_map(|kind| kind.get("oauth2")))
                .unwrap_or(&Value::Null),
        };
        let described = described.as_array().into_iter().flatten();
        let described: BTreeSet<&str> = described.filter_map(Value::as_str).collect();
        let demanded = answer.header("x-accepted-oauth-scopes").split(", ");
        let demanded: BTreeSet<&str> = demanded.filter(|scope| !scope.is_empty()).collect();
        if demanded != described {
            self.note(
                name,
                &format!("demands {demanded:?} instead of {described:?}"),
            );
        }
    }

    /// Fails when an implemented path has a described operation that never succeeded.
    pub(super) fn demand_all(&self, paths: &[&str]) {
        let shapes: BTreeSet<String> = paths
            .iter()
            .map(|path| shape(path.strip_prefix("/2.0").unwrap()))
            .collect();
        for name in self.operations.keys() {
            let (_, path) = name.split_once(' ').unwrap();
            if shapes.contains(path) && !NOT_OFFERED.contains(&name.as_str()) {
                assert!(self.succeeded.contains(name), "{name} was not tried");
            }
        }
        for shape in shapes {
            let described = self.operations.keys().any(|name| name.ends_with(&shape));
            assert!(described, "{shape} is implemented and not described");
        }
    }

    fn resolved<'a>(all: &'a Value, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
        match schema["$ref"].as_str() {
            None => (None, schema),
            Some(name) => {
                let name = name.rsplit('/').next().unwrap();
                (Some(name), &all["components"]["schemas"][name])
            }
        }
    }

    fn merge<'a>(all: &'a Value, schema: &'a Value, into: &mut Merged<'a>) {
        let (_, schema) = Self::resolved(all, schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            Self::merge(all, part, into);
        }
        into.kind = schema["type"].as_str().or(into.kind);
        let properties = schema["properties"].as_object();
        into.properties.extend(
            properties
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.as_str(), v)),
        );
        let required = schema["required"].as_array().into_iter().flatten();
        into.required.extend(required.filter_map(Value::as_str));
    }

    /// Whether a component is `base` or built upon it.
    fn extends(all: &Value, name: &str, base: &str) -> bool {
        let parts = all["components"]["schemas"][name]["allOf"].as_array();
        name == base
            || parts.into_iter().flatten().any(|part| {
                let next = part["$ref"]
                    .as_str()
                    .and_then(|name| name.rsplit('/').next());
                next.is_some_and(|next| Self::extends(all, next, base))
            })
    }

    /// `place` is a component's name, or the way to here from one.
    fn walk(&mut self, value: &Value, schema: &Value, place: &str) {
        let all = Arc::clone(&self.all);
        self.step(&all, value, schema, place);
    }

    fn step(&mut self, all: &Value, value: &Value, schema: &Value, place: &str) {
        if value.is_null() {
            return self.note(place, "null");
        }
        let (name, mut schema) = Self::resolved(all, schema);
        let mut place = name.unwrap_or(place).to_owned();
        // `type` tells which of the schemas built upon this one is meant.
        if let (Some(base), Some(kind)) = (name, value["type"].as_str())
            && kind != base
            && Self::extends(all, kind, base)
        {
            place = kind.to_owned();
            schema = &all["components"]["schemas"][kind];
        }
        let mut merged = Merged::default();
        Self::merge(all, schema, &mut merged);
        match (merged.kind, value) {
            (Some("object") | None, Value::Object(members)) => {
                self.members(all, members, &merged, &place);
            }
            (Some("array"), Value::Array(items)) => {
                for item in items {
                    self.step(all, item, &schema["items"], &format!("{place}[]"));
                }
                self.list(items, schema, &place);
            }
            (Some("string"), Value::String(text)) => self.text(text, schema, &place),
            (Some("boolean"), Value::Bool(_)) | (Some("number"), Value::Number(_)) => {}
            (Some("integer"), Value::Number(number)) => {
                let least = schema["minimum"].as_i64();
                if number.as_i64().is_none_or(|number| Some(number) < least) {
                    self.note(&place, "number out of range");
                }
            }
            (Some(kind), _) => self.note(&place, &format!("not of type {kind}")),
            (None, _) => {}
        }
    }

    fn members(
        &mut self,
        all: &Value,
        members: &Map<String, Value>,
        merged: &Merged<'_>,
        place: &str,
    ) {
        for missing in merged
            .required
            .iter()
            .filter(|key| !members.contains_key(**key))
        {
            self.note(&format!("{place}.{missing}"), "missing");
        }
        for (key, member) in members {
            let below = format!("{place}.{key}");
            match merged.properties.get(key.as_str()) {
                None => self.note(&below, "not described"),
                Some(schema) => self.step(all, member, schema, &below),
            }
        }
    }

    fn list(&mut self, items: &[Value], schema: &Value, place: &str) {
        let distinct: BTreeSet<String> = items.iter().map(Value::to_string).collect();
        if schema["uniqueItems"] == true && distinct.len() < items.len() {
            self.note(place, "not unique");
        }
        if (items.len() as u64) < schema["minItems"].as_u64().unwrap_or_default() {
            self.note(place, "too few");
        }
    }

    fn text(&mut self, text: &str, schema: &Value, place: &str) {
        let allowed = schema["enum"].as_array();
        if allowed.is_some_and(|allowed| !allowed.iter().any(|one| one == text)) {
            self.note(place, &format!("{text} is not in the enumeration"));
        }
        let fits = match schema["format"].as_str() {
            Some("date-time") => text.parse::<jiff::Timestamp>().is_ok(),
            Some("uri") => url::Url::parse(text).is_ok(),
            _ => true,
        };
        if !fits {
            self.note(place, &format!("not a {}", schema["format"]));
        }
    }
}
