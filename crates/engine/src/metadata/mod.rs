//! What the records of an object look like in one customer's account: the
//! connector's table, completed by a record of the account for what the table
//! does not know.
//!
//! The table always holds. A record only adds to it, so a provider that cannot be
//! asked, or has no record, takes nothing away.

mod hydrate;
mod title;

use std::collections::BTreeMap;

use connector::{Connector, Description, Field, Record, ValueType, members};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::Connection;

pub(crate) use hydrate::{Found, hydrate};
pub use hydrate::{
    HydratedField, HydratedIntegration, HydratedRead, HydratedReadObject, HydratedRevision,
    HydratedWrite, HydratedWriteObject, Lack, NamedField,
};
pub(crate) use title::title;

use crate::Engine;
use crate::calls::CallError;
use crate::read::first_record;

/// How long somebody waits for a record in all.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// One field, as the API contract shapes it. What is not known is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldMetadata {
    /// The name in the provider's JSON.
    pub field_name: String,
    /// The name shown to people; never empty.
    pub display_name: String,
    /// The contract's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_type: Option<ValueType>,
    /// The provider's own type name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_type: Option<&'static str>,
    /// Whether the provider sets it and refuses to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// The published values of a select.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<FieldValue>,
}

/// One value of a select.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldValue {
    /// As the provider writes it.
    pub value: &'static str,
    /// As people read it.
    pub display_value: String,
}

/// One object, as the API contract shapes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetadata {
    /// The provider's name.
    pub name: String,
    /// The name shown to people; never empty.
    pub display_name: String,
    /// The app's name, where it has another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_object_name: Option<String>,
    /// By their names.
    pub fields: Fields,
}

/// Fields by their names.
pub type Fields = BTreeMap<String, FieldMetadata>;

/// Why no record was looked at.
#[derive(Debug)]
pub(crate) enum Unseen {
    /// The provider offers the object no more, and was not asked.
    Removed {
        /// Where it was announced.
        announcement: &'static str,
    },
    /// The provider refused, or could not be asked.
    Call(CallError),
    /// It took too long.
    Slow,
}

impl ObjectMetadata {
    /// What the table says of an object; without fields if it has none of that
    /// name.
    pub(crate) fn of_table(description: &Description, object_name: &str) -> Self {
        let object = description.object(object_name);
        let fields = object.map_or(&[][..], |object| object.fields);
        Self {
            name: object_name.to_owned(),
            display_name: object.map_or_else(|| title(object_name), |o| o.display_name.to_owned()),
            mapped_object_name: None,
            fields: fields.iter().map(of_table).collect(),
        }
    }

    /// Adds what a record has and the table does not.
    pub(crate) fn complete(&mut self, record: &Record) {
        for (name, value) in members(&record.raw).into_iter().flatten() {
            let value = serde_json::from_str(value).unwrap_or_default();
            self.add(&name, &value);
        }
        for (name, value) in &record.added {
            self.add(name, value);
        }
    }

    fn add(&mut self, name: &str, value: &Value) {
        if name.is_empty() || self.fields.contains_key(name) {
            return;
        }
        let field = FieldMetadata {
            field_name: name.to_owned(),
            display_name: title(name),
            value_type: type_of(value),
            provider_type: None,
            read_only: None,
            values: Vec::new(),
        };
        self.fields.insert(name.to_owned(), field);
    }
}

/// The metadata of an object in a customer's account, and why it is of the table
/// alone where it is.
pub(crate) async fn describe(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    object_name: &str,
) -> (ObjectMetadata, Option<Unseen>) {
    let description = connector.describe();
    let mut metadata = ObjectMetadata::of_table(description, object_name);
    let removed = description
        .object(object_name)
        .and_then(|object| object.removed);
    if let Some(removed) = removed {
        let announcement = removed.announcement;
        return (metadata, Some(Unseen::Removed { announcement }));
    }
    let look = first_record(engine, connector, connection, object_name);
    let unseen = tokio::select! {
        seen = look => match seen {
            Ok(record) => {
                if let Some(record) = record {
                    metadata.complete(&record);
                }
                None
            }
            Err(error) => Some(Unseen::Call(error)),
        },
        () = engine.clock.sleep(PATIENCE) => Some(Unseen::Slow),
    };
    if let Some(unseen) = &unseen {
        tracing::info!(
            object = object_name,
            ?unseen,
            "the metadata is of the table alone"
        );
    }
    (metadata, unseen)
}

fn of_table(field: &Field) -> (String, FieldMetadata) {
    let values = field.options.iter().map(|option| FieldValue {
        value: option,
        display_value: title(option),
    });
    let metadata = FieldMetadata {
        field_name: field.name.to_owned(),
        display_name: field.display_name.to_owned(),
        value_type: Some(field.value_type),
        provider_type: Some(field.provider_type),
        read_only: Some(field.read_only),
        values: values.collect(),
    };
    (field.name.to_owned(), metadata)
}

/// The contract's type of a value that was seen; a null tells none.
fn type_of(value: &Value) -> Option<ValueType> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(ValueType::Boolean),
        Value::Number(number) if number.is_f64() => Some(ValueType::Float),
        Value::Number(_) => Some(ValueType::Int),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => Some(ValueType::DateTime),
        Value::String(_) => Some(ValueType::String),
        Value::Array(_) | Value::Object(_) => Some(ValueType::Other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_tells_its_type() {
        for (value, expected) in [
            (json!(null), None),
            (json!(true), Some(ValueType::Boolean)),
            (json!(7), Some(ValueType::Int)),
            (json!(7.5), Some(ValueType::Float)),
            (json!("x"), Some(ValueType::String)),
            (
                json!("2013-11-08T01:11:03.222520+00:00"),
                Some(ValueType::DateTime),
            ),
            (json!(["x"]), Some(ValueType::Other)),
            (json!({}), Some(ValueType::Other)),
        ] {
            assert_eq!(type_of(&value), expected, "{value}");
        }
    }
}
