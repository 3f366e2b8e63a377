//! As much of JSON Schema as the contract uses.

use std::path::PathBuf;

use serde_json::Value;

/// One document of the contract.
#[derive(Debug)]
pub(crate) struct Document(Value);

impl Document {
    /// Opens a document; `None` where the contract is absent.
    pub(crate) fn open(name: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract");
        match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => Some(Self(serde_json::from_str(&text).unwrap())),
            Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
                panic!("CI needs the contract: {name}: {error}")
            }
            Err(_) => None,
        }
    }

    /// A document that is at hand.
    pub(crate) fn of(whole: Value) -> Self {
        Self(whole)
    }

    /// All of it.
    pub(crate) fn whole(&self) -> &Value {
        &self.0
    }

    /// What a reference leads to.
    pub(crate) fn at(&self, reference: &str) -> Option<&Value> {
        self.0.pointer(reference.trim_start_matches('#'))
    }

    /// A value, or what it refers to.
    pub(crate) fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let found = self.at(reference);
                self.followed(found.expect("a reference that leads somewhere"))
            }
            None => value,
        }
    }

    /// Every operation: its method, in lower case, and its path.
    pub(crate) fn operations(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for method in ["get", "post", "put", "patch", "delete"] {
                if item[method].is_object() {
                    all.push((method.to_owned(), path.clone()));
                }
            }
        }
        all
    }

    /// An operation, with the parameters of its path.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Value> {
        let item = self.0["paths"].get(path)?;
        let mut operation = item.get(method)?.clone();
        let shared = item["parameters"].as_array().cloned().unwrap_or_default();
        let own = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        operation["parameters"] = Value::Array([shared, own].concat());
        Some(operation)
    }

    /// A schema with its parts put together: all that `allOf` adds; of `oneOf` and
    /// `anyOf`, everything that may be there, and what is required by each.
    pub(crate) fn flat(&self, schema: &Value) -> Value {
        let mut flat = self.followed(schema).clone();
        let Some(own) = flat.as_object_mut() else {
            return flat;
        };
        let take = |own: &mut serde_json::Map<String, Value>, word: &str| -> Vec<Value> {
            let parts = own.remove(word);
            let parts = parts.as_ref().and_then(Value::as_array).cloned();
            parts
                .unwrap_or_default()
                .iter()
                .map(|part| self.flat(part))
                .collect()
        };
        let all = take(own, "allOf");
        let mut choices = take(own, "oneOf");
        choices.extend(take(own, "anyOf"));
        let common: Vec<Value> = choices.first().map_or_else(Vec::new, |first| {
            let required = first["required"].as_array().cloned().unwrap_or_default();
            let everywhere = |name: &Value| {
                choices.iter().all(|choice| {
                    choice["required"]
                        .as_array()
                        .is_some_and(|all| all.contains(name))
                })
            };
            required.into_iter().filter(everywhere).collect()
        });
        for choice in &mut choices {
            choice["required"] = Value::Array(common.clone());
        }
        for part in all.into_iter().chain(choices) {
            let Value::Object(part) = part else { continue };
            for (word, value) in part {
                merge(own, word, value);
            }
        }
        flat
    }

    /// The schema of that name.
    pub(crate) fn component(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// The schemas by their names.
    pub(crate) fn components(&self) -> &serde_json::Map<String, Value> {
        self.0["components"]["schemas"].as_object().unwrap()
    }

    /// The schema of an answer that the contract knows.
    #[track_caller]
    pub(crate) fn answer(&self, method: &str, template: &str, status: u16) -> &Value {
        let operation = &self.0["paths"][template][method];
        assert!(
            operation.is_object(),
            "the contract has no {method} {template}"
        );
        let answer = &operation["responses"][status.to_string()];
        assert!(
            answer.is_object(),
            "the contract has no {status} for {method} {template}"
        );
        &answer["content"]["application/json"]["schema"]
    }

    /// The answers of an operation, by their status.
    pub(crate) fn answers(&self, method: &str, template: &str) -> &serde_json::Map<String, Value> {
        let operation = &self.0["paths"][template][method];
        operation["responses"].as_object().unwrap()
    }

    /// Everything about a value that is not as the schema says.
    pub(crate) fn problems(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        assert!(schema.is_object(), "no schema");
        self.walk(schema, value, "$", &mut wrong);
        wrong
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        if let Some(pointer) = schema["$ref"].as_str() {
            let found = self.0.pointer(pointer.trim_start_matches('#'));
            return self.walk(
                found.expect("a reference that leads somewhere"),
                value,
                at,
                wrong,
            );
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.walk(part, value, at, wrong);
        }
        for word in ["oneOf", "anyOf"] {
            let Some(choices) = schema[word].as_array() else {
                continue;
            };
            let fits = |choice: &&Value| {
                let mut inside = Vec::new();
                self.walk(choice, value, at, &mut inside);
                inside.is_empty()
            };
            // Where they only name keys, one of these is meant; else the
            // contract's choices overlap.
            let names_keys = |choice: &Value| choice.as_object().unwrap().keys().eq(["required"]);
            let exclusive = choices.iter().all(names_keys);
            let fitting = choices.iter().filter(fits).count();
            if fitting == 0 || (exclusive && fitting > 1) {
                wrong.push(format!("{at}: fits {fitting} of the {word}: {value}"));
            }
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            wrong.push(format!("{at}: {value} is none of {allowed:?}"));
        }
        if !is_of_type(schema, value) {
            return wrong.push(format!("{at}: {value} is not of type {}", schema["type"]));
        }
        if schema["format"] == "date-time" || at.ends_with("Time") {
            check_time(value, at, wrong);
        }
        self.walk_inside(schema, value, at, wrong);
    }

    fn walk_inside(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if schema["items"].is_object() {
                self.walk(&schema["items"], item, &format!("{at}[{index}]"), wrong);
            }
        }
        let Some(object) = value.as_object() else {
            return;
        };
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            if object.get(name).is_none_or(Value::is_null) {
                wrong.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, item) in object {
            let own = &schema["properties"][name];
            let schema = if own.is_object() {
                own
            } else {
                &schema["additionalProperties"]
            };
            if schema.is_object() && !item.is_null() {
                self.walk(schema, item, &format!("{at}.{name}"), wrong);
            }
        }
    }
}

/// Adds a part's word to a schema: properties, required names and enums add up.
fn merge(own: &mut serde_json::Map<String, Value>, word: String, value: Value) {
    match (own.get_mut(&word), value) {
        (Some(Value::Object(own)), Value::Object(more)) => {
            for (name, schema) in more {
                own.entry(name).or_insert(schema);
            }
        }
        (Some(Value::Array(own)), Value::Array(more)) => {
            for item in more {
                if !own.contains(&item) {
                    own.push(item);
                }
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            own.insert(word, value);
        }
    }
}

fn is_of_type(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    }
}

/// RFC 3339, in UTC, written with `Z`.
fn check_time(value: &Value, at: &str, wrong: &mut Vec<String>) {
    let text = value.as_str().unwrap_or_default();
    if !text.ends_with('Z') || text.parse::<jiff::Timestamp>().is_err() {
        wrong.push(format!("{at}: {value} is not a time in UTC"));
    }
}
