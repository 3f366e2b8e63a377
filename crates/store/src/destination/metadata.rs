//! The contract's `metadata`, as it lies in the table: without `headers`, which
//! are sealed, and with `ordered` as a column too.

use sea_orm::ConnectionTrait;
use serde_json::{Map, Value};

use crate::Backend;
use crate::connect::Tx;
use crate::entities::destination;
use crate::error::{Result, StoreError};
use crate::secrets::{MasterKeys, Place};

/// The key of the custom headers.
const HEADERS: &str = "headers";
/// The key of the wish for order.
const ORDERED: &str = "ordered";

/// New metadata.
#[derive(Debug, Clone)]
pub enum MetadataChange {
    /// All of it.
    Whole(Value),
    /// These keys; `None` removes one.
    Keys(Vec<(String, Option<Value>)>),
}

impl MetadataChange {
    /// The metadata with the change made.
    pub(super) fn apply(self, current: Value) -> Value {
        match self {
            Self::Whole(metadata) => metadata,
            Self::Keys(keys) => {
                let mut metadata = match current {
                    Value::Object(metadata) => metadata,
                    _ => Map::new(),
                };
                for (key, value) in keys {
                    match value {
                        Some(value) => metadata.insert(key, value),
                        None => metadata.shift_remove(&key),
                    };
                }
                Value::Object(metadata)
            }
        }
    }
}

/// Metadata in the parts that lie in columns of their own.
pub(super) struct Parts {
    pub(super) open: Value,
    pub(super) headers: Option<Vec<u8>>,
    pub(super) ordered: bool,
}

impl Parts {
    /// Takes metadata apart and seals what is secret.
    pub(super) fn of(keys: &MasterKeys, id: &str, mut metadata: Value) -> Result<Self> {
        let ordered = metadata.get(ORDERED).and_then(Value::as_bool);
        let headers = metadata
            .as_object_mut()
            .and_then(|metadata| metadata.shift_remove(HEADERS))
            .filter(|headers| !headers.is_null());
        Ok(Self {
            headers: headers
                .map(|headers| keys.seal(headers_at(id), headers.to_string().as_bytes()))
                .transpose()?,
            ordered: ordered == Some(true),
            open: metadata,
        })
    }
}

/// Where the headers of a destination are sealed.
fn headers_at(row: &str) -> Place<'_> {
    Place {
        table: "destination",
        column: "headers",
        row,
    }
}

/// The metadata put together again.
pub(super) fn opened(keys: &MasterKeys, row: &destination::Model) -> Result<Value> {
    let mut metadata = row.metadata.0.clone();
    if let Some(sealed) = &row.headers {
        let headers = keys.open(headers_at(&row.id), sealed)?;
        let headers: Value = serde_json::from_slice(&headers).map_err(|_| StoreError::Corrupt {
            table: "destination",
            detail: "its headers are no JSON".to_owned(),
        })?;
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert(HEADERS.to_owned(), headers);
        }
    }
    Ok(metadata)
}

/// Seals the headers that an earlier version has left open.
pub(crate) async fn seal_open_headers(
    tx: &Tx<'_>,
    backend: Backend,
    keys: &MasterKeys,
) -> Result<()> {
    let select = backend.sql(
        "SELECT id, metadata FROM destination WHERE headers IS NULL AND metadata LIKE '%\"headers\"%'",
        [],
    );
    for row in tx.db().query_all_raw(select).await? {
        let id: String = row.try_get("", "id")?;
        let metadata: crate::columns::Json = row.try_get("", "metadata")?;
        let parts = Parts::of(keys, &id, metadata.0)?;
        tx.execute(
            "UPDATE destination SET metadata = $2, headers = $3 WHERE id = $1",
            [
                id.as_str().into(),
                crate::columns::Json(parts.open).into(),
                parts.headers.into(),
            ],
        )
        .await?;
    }
    Ok(())
}
