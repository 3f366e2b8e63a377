//! What a customer's config says about writing an object: defaults, fields that are
//! not to be overwritten, and whether anything may be deleted. Pure.
//!
//! `writeOnCreate` is about the default alone, as the contract describes it;
//! `writeOnUpdate: never` keeps a field from being written at all, and `ifEmpty` asks
//! for the record as it is first. A default is for what the record leaves out: null
//! is a value.

use std::collections::BTreeMap;

use manifest::FieldPath;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::shape::{InstallationConfig, Reverse, at, put, take};

/// `config.content.write`.
#[derive(Debug, Default, Deserialize)]
struct WriteConfig {
    #[serde(default)]
    objects: Option<BTreeMap<String, ObjectSettings>>,
}

/// One object's choices.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectSettings {
    #[serde(default)]
    object_name: Option<String>,
    #[serde(default)]
    deletion_settings: Option<Deletion>,
    #[serde(default)]
    selected_value_defaults: Option<BTreeMap<String, ValueDefault>>,
    #[serde(default)]
    selected_field_settings: Option<BTreeMap<String, FieldSetting>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Deletion {
    #[serde(default)]
    enabled: bool,
}

/// The older form of a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueDefault {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    apply_on_update: Option<When>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldSetting {
    #[serde(default)]
    default: Option<FieldDefault>,
    #[serde(default)]
    write_on_create: Option<When>,
    #[serde(default)]
    write_on_update: Option<When>,
}

/// One of the three is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldDefault {
    #[serde(default)]
    string_value: Option<String>,
    #[serde(default)]
    integer_value: Option<i64>,
    #[serde(default)]
    boolean_value: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum When {
    Always,
    Never,
    IfEmpty,
}

impl FieldDefault {
    fn value(&self) -> Option<Value> {
        let text = self.string_value.clone().map(Value::String);
        let number = self.integer_value.map(Value::from);
        text.or(number).or(self.boolean_value.map(Value::Bool))
    }
}

/// Which writes are shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Create,
    Update,
}

impl ObjectSettings {
    /// The settings of an object, by any of its names. `Ok(None)` when the customer
    /// has chosen what is written, and not this one: nobody who has let go of every
    /// object means all of them.
    ///
    /// # Errors
    /// When the config is not as the contract has it.
    pub(crate) fn of(
        config: &InstallationConfig,
        names: &[&str],
    ) -> Result<Option<Self>, serde_json::Error> {
        let write = config.rest.get("write").filter(|write| !write.is_null());
        let Some(write) = write else {
            return Ok(Some(Self::default()));
        };
        let Some(objects) = WriteConfig::deserialize(write)?.objects else {
            return Ok(Some(Self::default()));
        };
        let mut objects = objects.into_iter();
        let found = objects.find(|(key, object)| {
            let name = object.object_name.as_deref().unwrap_or(key);
            names.contains(&name) || names.contains(&key.as_str())
        });
        Ok(found.map(|(_, object)| object))
    }

    /// Whether records may be deleted.
    pub(crate) fn allows_deletion(&self) -> bool {
        let deletion = self.deletion_settings.as_ref();
        deletion.is_some_and(|deletion| deletion.enabled)
    }

    /// Lays the settings over a record in the provider's names. Returns the fields
    /// that are only to be written where they are empty.
    pub(crate) fn apply(
        &self,
        record: &mut Map<String, Value>,
        reverse: &Reverse,
        writing: Writing,
        takes_defaults: bool,
    ) -> Vec<FieldPath> {
        let mut if_empty = Vec::new();
        for (name, setting) in self.selected_field_settings.iter().flatten() {
            let Some(path) = reverse.place(name) else {
                continue;
            };
            let when = match writing {
                Writing::Create => setting.write_on_create,
                Writing::Update => setting.write_on_update,
            };
            let when = when.unwrap_or(When::Always);
            if (writing, when) == (Writing::Update, When::Never) {
                take(record, &path);
                continue;
            }
            let default = setting.default.as_ref().and_then(FieldDefault::value);
            if when != When::Never && takes_defaults {
                fill(record, &path, default);
            }
            if writing == Writing::Update && when == When::IfEmpty && at(record, &path).is_some() {
                if_empty.push(path);
            }
        }
        for (name, default) in self.selected_value_defaults.iter().flatten() {
            let kept = writing == Writing::Update && default.apply_on_update == Some(When::Never);
            if let (Some(path), true, false) = (reverse.place(name), takes_defaults, kept) {
                fill(record, &path, Some(default.value.clone()));
            }
        }
        if_empty
    }
}

/// Gives a record what it leaves out.
fn fill(record: &mut Map<String, Value>, path: &FieldPath, default: Option<Value>) {
    if let Some(default) = default.filter(|value| !value.is_null())
        && at(record, path).is_none()
    {
        put(record, path, default);
    }
}

/// Leaves out what is only to be written where it is empty, and is not: unset and
/// the empty text are empty.
pub(crate) fn keep_filled(
    record: &mut Map<String, Value>,
    if_empty: &[FieldPath],
    current: &Map<String, Value>,
) {
    for path in if_empty {
        let is_empty = match at(current, path) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        };
        if !is_empty {
            take(record, path);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn of(write: &Value) -> Result<Option<ObjectSettings>, serde_json::Error> {
        let config = serde_json::from_value(json!({ "write": write })).unwrap();
        ObjectSettings::of(&config, &["projects", "teams"])
    }

    #[test]
    fn an_object_is_found_by_any_of_its_names() {
        let deletion = json!({ "deletionSettings": { "enabled": true } });
        let named = json!({ "objectName": "projects", "deletionSettings": { "enabled": true } });
        for (write, expected) in [
            (json!(null), Some(false)),
            (json!({}), Some(false)),
            (json!({ "objects": null }), Some(false)),
            // The customer has chosen none, or another.
            (json!({ "objects": {} }), None),
            (json!({ "objects": { "hooks": deletion } }), None),
            (json!({ "objects": { "projects": {} } }), Some(false)),
            (json!({ "objects": { "projects": deletion } }), Some(true)),
            (json!({ "objects": { "teams": deletion } }), Some(true)),
            (json!({ "objects": { "any": named } }), Some(true)),
        ] {
            let found = of(&write).unwrap();
            let allows = found.map(|settings| settings.allows_deletion());
            assert_eq!(allows, expected, "{write}");
        }
        of(&json!({ "objects": [] })).unwrap_err();
    }

    #[test]
    fn defaults_fill_what_is_left_out_and_some_fields_are_kept() {
        let settings: ObjectSettings = serde_json::from_value(json!({
            "selectedFieldSettings": {
                "note": { "default": { "stringValue": "n" }, "writeOnUpdate": "ifEmpty" },
                "count": { "default": { "integerValue": 3 }, "writeOnCreate": "never" },
                "on": { "default": { "booleanValue": false }, "writeOnUpdate": "never" },
            },
            "selectedValueDefaults": {
                "size": { "value": 5 },
                "kind": { "value": "k", "applyOnUpdate": "never" },
                "gone": { "value": null },
            },
        }))
        .unwrap();
        let (create, update) = (Writing::Create, Writing::Update);
        for (writing, takes_defaults, record, expected, if_empty) in [
            (
                create,
                true,
                json!({}),
                json!({ "note": "n", "on": false, "size": 5, "kind": "k" }),
                &[] as &[&str],
            ),
            // Null is a value.
            (
                create,
                true,
                json!({ "note": null, "count": 1, "on": true, "size": 1, "kind": "" }),
                json!({ "note": null, "count": 1, "on": true, "size": 1, "kind": "" }),
                &[],
            ),
            (
                update,
                true,
                json!({ "on": true }),
                json!({ "note": "n", "count": 3, "size": 5 }),
                &["note"],
            ),
            (create, false, json!({}), json!({}), &[]),
            (
                update,
                false,
                json!({ "note": "x", "on": true }),
                json!({ "note": "x" }),
                &["note"],
            ),
            (update, false, json!({ "a": 1 }), json!({ "a": 1 }), &[]),
        ] {
            let mut shaped = map(&record);
            let paths = settings.apply(&mut shaped, &Reverse::default(), writing, takes_defaults);
            assert_eq!(Value::Object(shaped), expected, "{writing:?} {record}");
            let names: Vec<&str> = paths.iter().map(FieldPath::first_segment).collect();
            assert_eq!(names, if_empty, "{writing:?} {record}");
        }
    }

    #[test]
    fn what_is_filled_is_kept() {
        let paths = ["a", "$['owner']['name']"];
        let paths = paths.map(|path| FieldPath::parse(path).unwrap());
        let record = json!({ "a": 1, "owner": { "name": "x" } });
        for (current, expected) in [
            (json!({}), record.clone()),
            (
                json!({ "a": null, "owner": { "name": "" } }),
                record.clone(),
            ),
            // Nothing is left of the owner.
            (
                json!({ "a": "", "owner": { "name": "y" } }),
                json!({ "a": 1 }),
            ),
            (json!({ "a": 0, "owner": { "name": [] } }), json!({})),
        ] {
            let mut kept = map(&record);
            keep_filled(&mut kept, &paths, &map(&current));
            assert_eq!(Value::Object(kept), expected, "{current}");
        }
    }
}
