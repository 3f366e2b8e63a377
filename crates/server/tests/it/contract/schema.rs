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
