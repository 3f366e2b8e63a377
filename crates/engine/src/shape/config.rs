//! What a customer chose: the installation's config, as the API contract shapes
//! it (`config.content`). Only what the engine acts on is typed; the rest is kept
//! and given back as it came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// `config.content.read`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct ReadConfig {
    /// By object name. A null, which some clients send, counts as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub objects: BTreeMap<String, ReadObjectConfig>,
}

/// One object's choices.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadObjectConfig {
    /// The object; the map's key where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_name: Option<String>,
    /// Overrides the manifest's destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
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
    /// Overrides the manifest's backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<manifest::Backfill>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ReadObjectConfig>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
