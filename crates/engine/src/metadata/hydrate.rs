//! A revision as a customer's browser needs it to ask for choices: the manifest
//! with the names that people read, and with every field there is to choose from.
//! Pure.
//!
//! What always holds: whatever is shown has a `displayName`, from the connector's
//! table or, where that has none, the name in Title Case.

use std::collections::BTreeMap;

use connector::Description;
use jiff::Timestamp;
use manifest::{FieldPath, IntegrationField, ReadObject};
use serde::Serialize;

use super::{FieldMetadata, Fields, ObjectMetadata, title};

/// A revision with what the provider says of its objects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HydratedRevision {
    /// The revision.
    pub id: String,
    /// The manifest's `specVersion`.
    pub spec_version: String,
    /// When it was deployed.
    pub create_time: Timestamp,
    /// What it says.
    pub content: HydratedIntegration,
}

/// An integration of a manifest, hydrated.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HydratedIntegration {
    /// Unique in the project.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A part of the provider's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// What is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<HydratedRead>,
    /// What is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<HydratedWrite>,
    /// Whether calls are passed through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<manifest::Proxy>,
}

/// The read action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HydratedRead {
    /// In the manifest's order.
    pub objects: Vec<HydratedReadObject>,
}

/// One object that is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HydratedReadObject {
    /// The provider's name.
    pub object_name: String,
    /// The provider's name, for people.
    pub display_name: String,
    /// The app's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_to_name: Option<String>,
    /// The app's name for it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_to_display_name: Option<String>,
    /// The name of the destination.
    pub destination: String,
    /// Cron; "" for no schedule.
    pub schedule: String,
    /// Always read, in the manifest's order.
    pub required_fields: Vec<HydratedField>,
    /// Read if the customer chooses so: those of the manifest and, where it says
    /// `optionalFieldsAuto: all`, all others.
    pub optional_fields: Vec<HydratedField>,
    /// `all`: every field is optional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_fields_auto: Option<String>,
    /// Every field that a mapping can be made to, by the name that people read.
    pub all_fields: Vec<NamedField>,
    /// The same by their names.
    pub all_fields_metadata: Fields,
    /// What is read at the install.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backfill: Option<manifest::Backfill>,
    /// Why there is less here than there could be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same, for our own pages.
    #[serde(skip)]
    pub lack: Option<Lack>,
}

/// What keeps an object from being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The provider offers it no more.
    Removed,
    /// It is not there, as far as the account can see: most likely what the
    /// customer said besides consenting is wrong.
    NotThere,
    /// The account may not see it.
    NotAllowed,
    /// Something that passes.
    Now,
}

/// A field of an object and its name for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedField {
    /// The name in the provider's JSON.
    pub field_name: String,
    /// The name shown to people.
    pub display_name: String,
}

/// A field in one of the manifest's two forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum HydratedField {
    /// A field of the provider, perhaps under another name.
    Existent {
        /// A name, or a JSONPath of names.
        field_name: String,
        /// The provider's name for people.
        display_name: String,
        /// The app's name for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        map_to_name: Option<String>,
        /// The app's name for it, for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        map_to_display_name: Option<String>,
    },
    /// A field of the app, for which the customer chooses one of the provider.
    Mapping {
        /// The app's name for it.
        map_to_name: String,
        /// The app's name for it, for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        map_to_display_name: Option<String>,
        /// The provider's field if the customer chooses none.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<String>,
        /// Shown to the customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        prompt: Option<String>,
    },
}

/// The write action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HydratedWrite {
    /// In the manifest's order.
    pub objects: Vec<HydratedWriteObject>,
}

/// One object that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HydratedWriteObject {
    /// The provider's name.
    pub object_name: String,
    /// The provider's name, for people.
    pub display_name: String,
    /// Values for what a record leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_defaults: Option<manifest::ValueDefaults>,
}

/// What was found out about a read object, and why it is not more.
pub(crate) type Found = (ObjectMetadata, Option<(Lack, String)>);

/// Hydrates an integration. `found` has what was found out about its read
/// objects, by the provider's names.
pub(crate) fn hydrate(
    integration: manifest::Integration,
    description: &Description,
    mut found: BTreeMap<String, Found>,
) -> HydratedIntegration {
    let read = integration.read.map(|read| HydratedRead {
        objects: read
            .objects
            .into_iter()
            .flatten()
            .map(|object| {
                let table = || ObjectMetadata::of_table(description, &object.object_name);
                let (metadata, error) = found
                    .remove(&object.object_name)
                    .unwrap_or_else(|| (table(), None));
                read_object(object, metadata, error)
            })
            .collect(),
    });
    let write = integration.write.map(|write| HydratedWrite {
        objects: write
            .objects
            .into_iter()
            .flatten()
            .map(|object| HydratedWriteObject {
                display_name: ObjectMetadata::of_table(description, &object.object_name)
                    .display_name,
                object_name: object.object_name,
                value_defaults: object.value_defaults,
            })
            .collect(),
    });
    HydratedIntegration {
        name: integration.name,
        display_name: integration.display_name,
        module: integration.module,
        provider: integration.provider,
        read,
        write,
        proxy: integration.proxy,
    }
}

fn read_object(
    object: ReadObject,
    metadata: ObjectMetadata,
    unseen: Option<(Lack, String)>,
) -> HydratedReadObject {
    let (lack, error) = unseen.unzip();
    let required = object.required_fields.unwrap_or_default();
    let optional = object.optional_fields.unwrap_or_default();
    let mut all = metadata.fields;
    let everything = object.optional_fields_auto.as_deref() == Some("all");
    let named: Vec<String> = required
        .iter()
        .chain(&optional)
        .filter_map(|field| source(field).map(str::to_owned))
        .collect();
    let rest: Vec<HydratedField> = by_title(&all)
        .into_iter()
        .filter(|field| everything && !required.iter().chain(&optional).any(|f| is(f, field)))
        .map(|field| HydratedField::Existent {
            field_name: field.field_name,
            display_name: field.display_name,
            map_to_name: None,
            map_to_display_name: None,
        })
        .collect();
    // What the manifest itself names deeper down can be mapped to as well.
    for name in named {
        if !all.contains_key(&name) {
            let field = beneath(&all, &name);
            all.insert(name, field);
        }
    }
    let hydrated = |field| hydrated(field, &all);
    HydratedReadObject {
        required_fields: required.into_iter().map(hydrated).collect(),
        optional_fields: optional.into_iter().map(hydrated).chain(rest).collect(),
        all_fields: by_title(&all),
        all_fields_metadata: all,
        object_name: object.object_name,
        display_name: metadata.display_name,
        map_to_name: object.map_to_name,
        map_to_display_name: object.map_to_display_name,
        destination: object.destination,
        schedule: object.schedule,
        optional_fields_auto: object.optional_fields_auto,
        backfill: object.backfill,
        error,
        lack,
    }
}

fn hydrated(field: IntegrationField, all: &Fields) -> HydratedField {
    match field {
        IntegrationField::Existent {
            field_name,
            map_to_name,
            map_to_display_name,
            default: _,
            prompt: _,
        } => HydratedField::Existent {
            display_name: all
                .get(&field_name)
                .map_or_else(|| title(&field_name), |field| field.display_name.clone()),
            field_name,
            map_to_name,
            map_to_display_name,
        },
        IntegrationField::Mapping {
            map_to_name,
            map_to_display_name,
            default,
            prompt,
        } => HydratedField::Mapping {
            map_to_name,
            map_to_display_name,
            default,
            prompt,
        },
    }
}

/// The provider's field that a field of the manifest is of, or begins with.
fn source(field: &IntegrationField) -> Option<&str> {
    match field {
        IntegrationField::Existent { field_name, .. } => Some(field_name),
        IntegrationField::Mapping { default, .. } => default.as_deref(),
    }
}

/// Whether a field of the manifest is that field of the provider, however it is
/// written.
fn is(field: &IntegrationField, of_provider: &NamedField) -> bool {
    match field {
        IntegrationField::Existent { field_name, .. } => FieldPath::parse(field_name)
            .is_ok_and(|path| path.top_level() == Some(&of_provider.field_name)),
        IntegrationField::Mapping { .. } => false,
    }
}

/// A field that is not at the top, as `$['project']['key']`: `Project Key`.
fn beneath(all: &Fields, name: &str) -> FieldMetadata {
    let path = FieldPath::parse(name).ok();
    let names = path.iter().flat_map(FieldPath::segments);
    let words: Vec<String> = names
        .enumerate()
        .map(|(depth, name)| match all.get(name).filter(|_| depth == 0) {
            Some(field) => field.display_name.clone(),
            None => title(name),
        })
        .collect();
    let display_name = match words.join(" ") {
        empty if empty.is_empty() => title(name),
        words => words,
    };
    FieldMetadata {
        field_name: name.to_owned(),
        display_name,
        value_type: None,
        provider_type: None,
        read_only: None,
        values: Vec::new(),
    }
}

fn by_title(fields: &Fields) -> Vec<NamedField> {
    let mut named: Vec<NamedField> = fields
        .values()
        .map(|field| NamedField {
            field_name: field.field_name.clone(),
            display_name: field.display_name.clone(),
        })
        .collect();
    named.sort_by(|a, b| a.display_name.cmp(&b.display_name));
    named
}
