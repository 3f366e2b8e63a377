//! Hydrated revisions and the metadata of objects, for the description. The engine
//! makes them, and knows nothing of descriptions: what is here is there for its
//! shape, and the tests hold the answers themselves to the contract.

use std::collections::BTreeMap;

use engine::metadata::{HydratedRevision, ObjectMetadata};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A revision with every field that there is to choose from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = HydratedRevisionAnswer, value_type = Revision)]
pub(crate) struct HydratedRevisionJson(pub(super) HydratedRevision);

/// An object and its fields.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ObjectMetadataAnswer, value_type = AnObject)]
pub(crate) struct ObjectMetadataJson(pub(super) ObjectMetadata);

macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident as $word:ident { $($field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(ToSchema)]
            #[schema(as = $word, rename_all = "camelCase")]
            #[allow(dead_code, reason = "it is there for its shape")]
            struct $name {
                $($field: $type,)+
            }
        )+
    };
}

shapes! {
    Revision as HydratedRevision {
        id: String,
        spec_version: String,
        create_time: Timestamp,
        content: Integration,
    }

    Integration as HydratedIntegration {
        name: String,
        display_name: Option<String>,
        module: Option<String>,
        provider: String,
        read: Option<Read>,
        write: Option<Write>,
        proxy: Option<Proxy>,
    }

    Read as HydratedIntegrationRead {
        objects: Vec<ReadObject>,
    }

    ReadObject as HydratedIntegrationObject {
        object_name: String,
        display_name: String,
        map_to_name: Option<String>,
        map_to_display_name: Option<String>,
        destination: String,
        schedule: String,
        required_fields: Vec<ChosenField>,
        optional_fields: Vec<ChosenField>,
        optional_fields_auto: Option<OptionalFieldsAuto>,
        all_fields: Vec<NamedField>,
        all_fields_metadata: BTreeMap<String, Field>,
        backfill: Option<Backfill>,
        error: Option<String>,
    }

    Existent as HydratedIntegrationFieldExistent {
        field_name: String,
        display_name: String,
        map_to_name: Option<String>,
        map_to_display_name: Option<String>,
    }

    Mapping as IntegrationFieldMapping {
        map_to_name: String,
        map_to_display_name: Option<String>,
        default: Option<String>,
        prompt: Option<String>,
    }

    NamedField as HydratedNamedField {
        field_name: String,
        display_name: String,
    }

    Backfill as Backfill {
        default_period: DefaultPeriod,
    }

    DefaultPeriod as DefaultPeriod {
        days: Option<u32>,
        full_history: Option<bool>,
    }

    Write as HydratedIntegrationWrite {
        objects: Vec<WriteObject>,
    }

    WriteObject as HydratedIntegrationWriteObject {
        object_name: String,
        display_name: String,
        value_defaults: Option<ValueDefaults>,
    }

    ValueDefaults as ValueDefaults {
        allow_any_fields: Option<bool>,
    }

    Proxy as HydratedIntegrationProxy {
        enabled: Option<bool>,
        use_module: Option<bool>,
    }

    AnObject as ObjectMetadata {
        name: String,
        display_name: String,
        mapped_object_name: Option<String>,
        fields: BTreeMap<String, Field>,
    }

    Field as FieldMetadata {
        field_name: String,
        display_name: String,
        value_type: Option<ValueType>,
        provider_type: Option<String>,
        read_only: Option<bool>,
        values: Option<Vec<FieldValue>>,
    }

    FieldValue as FieldValue {
        value: String,
        display_value: String,
    }
}

/// A field of the provider, or one of the app that is mapped to one.
#[derive(ToSchema)]
#[schema(as = HydratedIntegrationField)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for its shape")]
enum ChosenField {
    Existent(Existent),
    Mapping(Mapping),
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
enum OptionalFieldsAuto {
    All,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
enum ValueType {
    String,
    Boolean,
    SingleSelect,
    MultiSelect,
    Date,
    #[schema(rename = "datetime")]
    DateTime,
    Int,
    Float,
    Reference,
    Other,
}
