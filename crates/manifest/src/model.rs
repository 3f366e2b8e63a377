//! The manifest as the API has it.
//!
//! These types take in a manifest's JSON form and give the same back, so that
//! what the API answers is what the builder wrote: absent stays absent, and a
//! field keeps the one of its two forms that it had. The exceptions are
//! `destination` and `schedule` of a read object, which clients require: absent
//! becomes "".

use serde::{Deserialize, Serialize};

/// A whole `amp.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `1.0.0`.
    pub spec_version: String,
    /// At least one.
    pub integrations: Vec<Integration>,
}

impl Manifest {
    /// A manifest of one integration as its revision keeps it.
    #[must_use]
    pub fn of(spec_version: String, integration: Integration) -> Self {
        Self {
            spec_version,
            integrations: vec![integration],
        }
    }

    /// The text of an `amp.yaml` that says this; comments are not kept. `None` where
    /// there is none, which does not happen with what was parsed.
    #[must_use]
    pub fn to_yaml(&self) -> Option<String> {
        serde_saphyr::to_string(self).ok()
    }
}

/// What is done with one provider. The API's `content` of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Unique in the project.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A part of the provider's API, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
    /// What is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<Write>,
    /// Whether calls are passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

impl Integration {
    /// The read objects, in the manifest's order.
    pub fn read_objects(&self) -> impl Iterator<Item = &ReadObject> {
        self.read
            .iter()
            .flat_map(|read| read.objects.iter().flatten())
    }

    /// The read object of that name, the provider's or the mapped one.
    #[must_use]
    pub fn read_object(&self, name: &str) -> Option<&ReadObject> {
        self.read_objects()
            .find(|object| object.object_name == name)
            .or_else(|| self.read_objects().find(|object| object.name() == name))
    }

    /// The objects that may be written, in the manifest's order.
    pub fn write_objects(&self) -> impl Iterator<Item = &WriteObject> {
        self.write
            .iter()
            .flat_map(|write| write.objects.iter().flatten())
    }

    /// The write object of that name: the provider's, or the one that the read object
    /// of it is mapped to.
    #[must_use]
    pub fn write_object(&self, name: &str) -> Option<&WriteObject> {
        let named = |name: &str| {
            self.write_objects()
                .find(|object| object.object_name == name)
        };
        named(name).or_else(|| named(&self.read_object(name)?.object_name))
    }

    /// Whether the manifest lets calls through.
    #[must_use]
    pub fn is_proxy_enabled(&self) -> bool {
        self.proxy
            .as_ref()
            .is_some_and(|proxy| proxy.enabled == Some(true))
    }
}

/// The read action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// At least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<ReadObject>>,
}

/// One object that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadObject {
    /// The provider's name.
    pub object_name: String,
    /// The name of the destination.
    #[serde(default)]
    pub destination: String,
    /// Cron of five parts, in UTC; "" for no schedule.
    #[serde(default)]
    pub schedule: String,
    /// The app's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_to_name: Option<String>,
    /// The app's name for it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_to_display_name: Option<String>,
    /// Always read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_fields: Option<Vec<IntegrationField>>,
    /// Read if the customer chooses so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_fields: Option<Vec<IntegrationField>>,
    /// `all`: every field is optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_fields_auto: Option<String>,
    /// What is read at the install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
    /// How results go out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// `always`: read without the customer's choosing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<String>,
}

impl ReadObject {
    /// The name that the app sees.
    #[must_use]
    pub fn name(&self) -> &str {
        self.map_to_name.as_deref().unwrap_or(&self.object_name)
    }

    /// Whether it is read for every installation.
    #[must_use]
    pub fn is_always_enabled(&self) -> bool {
        self.enabled.as_deref() == Some("always")
    }
}

/// A field, in one of two forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum IntegrationField {
    /// A field of the provider, perhaps under another name.
    Existent {
        /// A name, or a JSONPath of names: see [`crate::FieldPath`].
        field_name: String,
        /// The app's name for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        map_to_name: Option<String>,
        /// The app's name for it, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        map_to_display_name: Option<String>,
        /// Without meaning here, but kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
        /// Shown to the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt: Option<String>,
    },
    /// A field of the app, for which the customer chooses one of the provider.
    Mapping {
        /// The app's name for it.
        map_to_name: String,
        /// The app's name for it, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        map_to_display_name: Option<String>,
        /// The provider's field if the customer chooses none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
        /// Shown to the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt: Option<String>,
    },
}

/// What is read at the install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backfill {
    /// Exactly one of its two keys is there.
    pub default_period: DefaultPeriod,
}

/// How far back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultPeriod {
    /// So many days before the install; 0 for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_history: Option<bool>,
}

/// How results go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// `auto` (also if absent) or `onRequest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Records in a message, 50 to 500; only with `onRequest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}

/// The write action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// At least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<WriteObject>>,
}

/// One object that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteObject {
    /// The provider's name.
    pub object_name: String,
    /// Whether the read object's mapping applies in reverse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherit_mapping: Option<bool>,
    /// Values for what a record leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_defaults: Option<ValueDefaults>,
}

/// Values for what a record leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueDefaults {
    /// Whether the customer may set one for any field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_any_fields: Option<bool>,
}

/// Calls passed through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// Whether they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether they go to the module's base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_module: Option<bool>,
}
