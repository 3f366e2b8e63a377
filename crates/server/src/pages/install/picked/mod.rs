//! What a customer has chosen: from nothing, from a config, or from a form; and the
//! config that it comes to. Pure.
//!
//! What always holds: whatever of a config the page does not show stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Integration, IntegrationField, ReadObject};
use serde_json::{Map, Value, json};

use super::form;
use super::wrong::Wrong;
use crate::pages::form::Fields;

/// All choices.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Picked {
    /// By the provider's names.
    pub(super) objects: BTreeMap<String, PickedObject>,
    /// Objects that are written.
    pub(super) writes: BTreeSet<String>,
    /// Whether calls are passed through.
    pub(super) proxy: bool,
}

/// The choices for one object that is read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PickedObject {
    pub(super) chosen: bool,
    /// Every field that there is.
    pub(super) everything: bool,
    pub(super) fields: BTreeSet<String>,
    /// {name in the app: field of the provider}.
    pub(super) mappings: BTreeMap<String, String>,
}

/// What is to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// `config.content`.
    pub(super) content: Value,
    /// The parts of it that an update replaces.
    pub(super) mask: Vec<String>,
}

impl Picked {
    /// What is ticked when somebody comes first: all that the app asks for, but
    /// what cannot be had any more.
    pub(super) fn fresh(manifest: &Integration, is_removed: impl Fn(&str) -> bool) -> Self {
        let objects = manifest.read_objects().map(|object| {
            let picked = PickedObject {
                chosen: object.is_always_enabled() || !is_removed(&object.object_name),
                ..PickedObject::default()
            };
            (object.object_name.clone(), picked)
        });
        Self {
            objects: objects.collect(),
            writes: writable(manifest).map(str::to_owned).collect(),
            proxy: manifest.is_proxy_enabled(),
        }
    }

    /// What an installation's config says.
    pub(super) fn of_config(manifest: &Integration, config: &Value) -> Self {
        let objects = manifest.read_objects().map(|object| {
            let known = known(config, "read", object.name(), &object.object_name);
            let picked = known.map(|known| of_object(object, known));
            let mut picked = picked.unwrap_or_default();
            picked.chosen |= object.is_always_enabled();
            (object.object_name.clone(), picked)
        });
        // Without a choice everything may be written.
        let any = config.pointer("/write/objects").is_none_or(Value::is_null);
        let is_written = |name: &&str| any || known(config, "write", name, name).is_some();
        let enabled = config.pointer("/proxy/enabled").and_then(Value::as_bool);
        Self {
            objects: objects.collect(),
            writes: writable(manifest)
                .filter(is_written)
                .map(str::to_owned)
                .collect(),
            proxy: enabled == Some(true),
        }
    }

    /// What a form says.
    pub(super) fn of_form(manifest: &Integration, form: &Fields) -> Self {
        let objects = manifest.read_objects().map(|object| {
            let name = &object.object_name;
            let offered = |field: &&str| {
                is_open(object) || existent(object).any(|(known, _)| known == *field)
            };
            let mappings = mappings(object).filter_map(|mapping| {
                let chosen = form.text(&form::mapping_of(name, mapping.name)).to_owned();
                (!chosen.is_empty()).then(|| (mapping.name.to_owned(), chosen))
            });
            let picked = PickedObject {
                // Its checkbox is not there.
                chosen: object.is_always_enabled()
                    || form.every(form::OBJECT).any(|ticked| ticked == name),
                everything: form.has(&form::every_field_of(name)),
                fields: form
                    .every(&form::field_of(name))
                    .filter(offered)
                    .map(str::to_owned)
                    .collect(),
                mappings: mappings.collect(),
            };
            (name.clone(), picked)
        });
        Self {
            objects: objects.collect(),
            writes: writable(manifest)
                .filter(|name| form.every(form::WRITE).any(|ticked| ticked == *name))
                .map(str::to_owned)
                .collect(),
            proxy: manifest.is_proxy_enabled() && form.has(form::PROXY),
        }
    }

    /// The choices for an object; none were made where it is not there.
    pub(super) fn object(&self, name: &str) -> &PickedObject {
        static NONE: PickedObject = PickedObject {
            chosen: false,
            everything: false,
            fields: BTreeSet::new(),
            mappings: BTreeMap::new(),
        };
        self.objects.get(name).unwrap_or(&NONE)
    }

    /// What has to be mended.
    pub(super) fn wrong(&self, manifest: &Integration) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut any = self.proxy || !self.writes.is_empty();
        for object in manifest.read_objects() {
            let picked = self.object(&object.object_name);
            any |= picked.chosen;
            if !picked.chosen {
                continue;
            }
            for mapping in mappings(object).filter(|mapping| mapping.required) {
                let chosen = picked.mappings.get(mapping.name).map(String::as_str);
                if chosen.or(mapping.default).is_none() {
                    wrong.push(Wrong {
                        object: Some(object.object_name.clone()),
                        mapping: Some(mapping.name.to_owned()),
                        field: None,
                        text: "Choose a field".to_owned(),
                    });
                }
            }
        }
        let asks = manifest.read_objects().next().is_some()
            || writable(manifest).next().is_some()
            || manifest.is_proxy_enabled();
        if asks && !any {
            wrong.push(Wrong::in_general(
                "Choose at least one thing that may be read or done",
            ));
        }
        wrong
    }

    /// What is to be stored in the place of `before`.
    pub(super) fn stored(&self, manifest: &Integration, before: Option<&Value>) -> Stored {
        let mut objects = Map::new();
        let mut mask = Vec::new();
        let none = Value::Null;
        let before = before.unwrap_or(&none);
        for object in manifest.read_objects() {
            let name = &object.object_name;
            let picked = self.object(name);
            let known = known(before, "read", object.name(), name);
            if picked.chosen || known.is_some() {
                objects.insert(name.clone(), object_config(object, picked, known));
                mask.push(format!("config.content.read.objects.{name}"));
            }
        }
        let mut content = json!({ "provider": manifest.provider });
        let mut put = |key: &str, value: Value| {
            if let Some(content) = content.as_object_mut() {
                content.insert(key.to_owned(), value);
            }
        };
        if manifest.read_objects().next().is_some() {
            put("read", json!({ "objects": objects }));
        }
        if writable(manifest).next().is_some() {
            let objects: Map<String, Value> = self
                .writes
                .iter()
                .map(|name| {
                    let known = known(before, "write", name, name).cloned();
                    let config = known.unwrap_or_else(|| json!({ "objectName": name }));
                    (name.clone(), config)
                })
                .collect();
            put("write", json!({ "objects": objects }));
            mask.push("config.content.write.objects".to_owned());
        }
        if manifest.is_proxy_enabled() {
            put("proxy", json!({ "enabled": self.proxy }));
            mask.push("config.content.proxy.enabled".to_owned());
        }
        Stored { content, mask }
    }
}

/// A mapping that the customer makes.
pub(super) struct Mapping<'a> {
    /// The app's name.
    pub(super) name: &'a str,
    /// The app's name, for people.
    pub(super) title: Option<&'a str>,
    pub(super) prompt: Option<&'a str>,
    /// The provider's field if none is chosen.
    pub(super) default: Option<&'a str>,
    pub(super) required: bool,
}

/// The mappings of an object, those that must be made first.
pub(super) fn mappings(object: &ReadObject) -> impl Iterator<Item = Mapping<'_>> {
    let required = object.required_fields.iter().flatten().map(|f| (f, true));
    let optional = object.optional_fields.iter().flatten().map(|f| (f, false));
    required
        .chain(optional)
        .filter_map(|(field, required)| match field {
            IntegrationField::Existent { .. } => None,
            IntegrationField::Mapping {
                map_to_name,
                map_to_display_name,
                default,
                prompt,
            } => Some(Mapping {
                name: map_to_name,
                title: map_to_display_name.as_deref(),
                prompt: prompt.as_deref(),
                default: default.as_deref(),
                required,
            }),
        })
}

/// The optional fields that the manifest names, and the app's names for them.
fn existent(object: &ReadObject) -> impl Iterator<Item = (&str, Option<&str>)> {
    let optional = object.optional_fields.iter().flatten();
    optional.filter_map(|field| match field {
        IntegrationField::Existent {
            field_name,
            map_to_name,
            ..
        } => Some((field_name.as_str(), map_to_name.as_deref())),
        IntegrationField::Mapping { .. } => None,
    })
}

/// Whether every field may be chosen.
pub(super) fn is_open(object: &ReadObject) -> bool {
    object.optional_fields_auto.as_deref() == Some("all")
}

/// The objects that the manifest lets be written.
pub(super) fn writable(manifest: &Integration) -> impl Iterator<Item = &str> {
    let objects = manifest.write.iter().flat_map(|write| &write.objects);
    objects.flatten().map(|object| object.object_name.as_str())
}

/// What a config has for an object, by either of its names.
fn known<'a>(config: &'a Value, action: &str, app: &str, provider: &str) -> Option<&'a Value> {
    let objects = config.get(action)?.get("objects")?.as_object()?;
    let named = |(key, object): &(&String, &Value)| {
        let own = object.get("objectName").and_then(Value::as_str);
        let name = own.unwrap_or(key);
        name == app || name == provider
    };
    objects.iter().find(named).map(|(_, object)| object)
}

fn of_object(object: &ReadObject, known: &Value) -> PickedObject {
    let strings = |key: &str| {
        let all = known.get(key).and_then(Value::as_object).into_iter();
        all.flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
    };
    let mapped: BTreeMap<String, String> = strings("selectedFieldMappings").collect();
    let selected = known.get("selectedFields").and_then(Value::as_object);
    let selected = selected.into_iter().flatten();
    let ticked = selected.filter(|(_, on)| **on == Value::Bool(true));
    let mut fields: BTreeSet<String> = ticked.map(|(name, _)| name.clone()).collect();
    // To name the app's name of a field is to select it, too.
    for (field, app) in existent(object) {
        if app.is_some_and(|app| mapped.contains_key(app)) {
            fields.insert(field.to_owned());
        }
    }
    PickedObject {
        chosen: known.get("disabled") != Some(&Value::Bool(true)),
        everything: says_all(known),
        fields,
        mappings: mapped,
    }
}

fn says_all(config: &Value) -> bool {
    config.get("selectedFieldsAuto").and_then(Value::as_str) == Some("all")
}

fn object_config(object: &ReadObject, picked: &PickedObject, before: Option<&Value>) -> Value {
    let before = before.and_then(Value::as_object);
    let mut config = before.cloned().unwrap_or_default();
    config
        .entry("objectName")
        .or_insert_with(|| json!(object.object_name));
    if !picked.chosen {
        // What was chosen, and how far it was read, is kept for another day.
        config.insert("disabled".to_owned(), json!(true));
        return Value::Object(config);
    }
    config.remove("disabled");
    let was_all = config
        .remove("selectedFieldsAuto")
        .is_some_and(|auto| auto == "all");
    let mut fields = Map::new();
    if picked.everything && (is_open(object) || was_all) {
        config.insert("selectedFieldsAuto".to_owned(), json!("all"));
    } else if picked.everything {
        fields.extend(existent(object).map(|(name, _)| (name.to_owned(), json!(true))));
    } else {
        fields.extend(picked.fields.iter().map(|name| (name.clone(), json!(true))));
    }
    let old = config.remove("selectedFieldMappings");
    let old = old.as_ref().and_then(Value::as_object);
    let ours = |name: &str| {
        mappings(object).any(|mapping| mapping.name == name)
            || existent(object).any(|(_, app)| app == Some(name))
    };
    let kept = old.into_iter().flatten().filter(|(name, _)| !ours(name));
    let mut mapped: Map<String, Value> = kept.map(|(n, v)| (n.clone(), v.clone())).collect();
    for mapping in mappings(object) {
        if let Some(field) = picked.mappings.get(mapping.name) {
            mapped.insert(mapping.name.to_owned(), json!(field));
        }
    }
    config.insert("selectedFields".to_owned(), Value::Object(fields));
    config.insert("selectedFieldMappings".to_owned(), Value::Object(mapped));
    Value::Object(config)
}

#[cfg(test)]
mod tests;
