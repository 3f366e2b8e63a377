//! What a customer chose: the installation's config, as the API contract shapes
//! it (`config.content`). Only what the engine acts on is typed; the rest is kept
//! and given back as it came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `config.content`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationConfig {
    /// The provider, if named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadConfig>,
    /// Everything else, such as `write` and `proxy`.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// `config.content.read`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct ReadConfig {
    /// By object name. A null, which some clients send, counts as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub objects: BTreeMap<String, ReadObjectConfig>,
}

/// One object's choices.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadObjectConfig {
    /// The object; the map's key where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_name: Option<String>,
    /// Overrides the manifest's destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Overrides the manifest's schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Not read at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Optional fields: chosen or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_fields: Option<BTreeMap<String, bool>>,
    /// `all`: every field the record has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_fields_auto: Option<String>,
    /// {name in the app: field of the provider}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_field_mappings: Option<BTreeMap<String, String>>,
    /// {field of the provider: {value in the app: value of the provider}}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_value_mappings: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Mappings that the app offers to this customer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_mappings_input: Option<Vec<DynamicMapping>>,
    /// Only records that fulfil all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_filters: Option<Vec<ReadFilter>>,
    /// Overrides the manifest's backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillConfig>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// How a backfill differs from what the manifest says, and from other reads.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackfillConfig {
    /// How far back.
    #[serde(flatten)]
    pub period: manifest::Backfill,
    /// In place of the object's other filters while the backfill runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_filters: Option<Vec<ReadFilter>>,
}

/// A condition on a field, as it was sent: `FieldFilter` is what it
/// means.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadFilter {
    /// The provider's field.
    #[serde(default)]
    pub field_name: String,
    /// `eq`.
    #[serde(default)]
    pub operator: String,
    /// Text, true or false, or a number.
    #[serde(default)]
    pub value: Value,
}

impl ReadFilter {
    /// The one operator that the contract has.
    pub const EQUAL: &str = "eq";
}

/// A mapping that the app offers.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DynamicMapping {
    /// The app's name.
    #[serde(default)]
    pub map_to_name: String,
    /// The provider's field, where the app leaves the customer no choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

/// `config.content` with the keys that the contract requires in answers: clients
/// read through them unasked, and a null would stop them.
pub(crate) fn completed(mut content: Value, provider: &str) -> Value {
    fill(&mut content, "provider", json!(provider));
    if let Some(read) = content.get_mut("read") {
        fill(read, "objects", json!({}));
        let objects = read.get_mut("objects").and_then(Value::as_object_mut);
        for (name, object) in objects.into_iter().flatten() {
            fill(object, "objectName", json!(name));
            fill(object, "selectedFields", json!({}));
            fill(object, "selectedFieldMappings", json!({}));
        }
    }
    content
}

/// Gives an object a key that it lacks or has as null.
fn fill(object: &mut Value, key: &str, default: Value) {
    if let Some(object) = object.as_object_mut()
        && object.get(key).is_none_or(Value::is_null)
    {
        object.insert(key.to_owned(), default);
    }
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ReadObjectConfig>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
