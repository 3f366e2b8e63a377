//! The tables as the database has them, in an order in which whatever a row
//! refers to comes before it.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::{Deserialize, Serialize};

use crate::Backend;
use crate::error::{Result, StoreError};

/// The table in which migrations are written down. It is made anew.
pub(super) const MIGRATIONS_TABLE: &str = "seaql_migrations";

/// How a column's values are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ColumnKind {
    Text,
    Integer,
    Bigint,
    Boolean,
    Double,
    Bytes,
}

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<(String, ColumnKind)>,
    references: Vec<String>,
}

/// Every table but the one of migrations, references first.
pub(super) async fn tables(db: &impl ConnectionTrait, backend: Backend) -> Result<Vec<Table>> {
    let names = match backend {
        Backend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' \
             ORDER BY name"
        }
        Backend::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1"
        }
    };
    let mut tables = Vec::new();
    for row in db.query_all_raw(backend.sql(names, [])).await? {
        let name: String = row.try_get("", "name")?;
        if name != MIGRATIONS_TABLE {
            tables.push(table(db, backend, name).await?);
        }
    }
    in_order(tables)
}

async fn table(db: &impl ConnectionTrait, backend: Backend, name: String) -> Result<Table> {
    let (columns, references) = match backend {
        Backend::Sqlite => (
            "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
            "SELECT DISTINCT \"table\" AS name FROM pragma_foreign_key_list($1)",
        ),
        Backend::Postgres => (
            "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS type \
             FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
            "SELECT DISTINCT CAST(f.relname AS TEXT) AS name FROM pg_constraint c \
             JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid \
             JOIN pg_namespace n ON n.oid = t.relnamespace \
             WHERE c.contype = 'f' AND n.nspname = current_schema() AND t.relname = $1",
        ),
    };
    let mut table = Table {
        name,
        columns: Vec::new(),
        references: Vec::new(),
    };
    for row in db
        .query_all_raw(backend.sql(columns, [table.name.as_str().into()]))
        .await?
    {
        let column: String = row.try_get("", "name")?;
        let declared: String = row.try_get("", "type")?;
        let kind = ColumnKind::of(&declared).ok_or_else(|| {
            StoreError::Archive(format!(
                "{}.{column} is of type {declared}, which backups do not know",
                table.name
            ))
        })?;
        table.columns.push((column, kind));
    }
    for row in db
        .query_all_raw(backend.sql(references, [table.name.as_str().into()]))
        .await?
    {
        table.references.push(row.try_get("", "name")?);
    }
    Ok(table)
}

/// Takes, again and again, the tables whose references have been taken.
fn in_order(mut left: Vec<Table>) -> Result<Vec<Table>> {
    let mut taken: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let known = |table: &Table| {
            let is_taken = |name: &String| taken.iter().any(|taken| taken.name == *name);
            table.references.iter().all(is_taken)
        };
        let (ready, rest): (Vec<Table>, Vec<Table>) = left.into_iter().partition(known);
        if ready.is_empty() {
            let names: Vec<&str> = rest.iter().map(|table| table.name.as_str()).collect();
            return Err(StoreError::Archive(format!(
                "the tables {} refer to each other in a circle",
                names.join(", ")
            )));
        }
        taken.extend(ready);
        left = rest;
    }
    Ok(taken)
}

impl Table {
    /// The names of its columns, quoted, separated by commas.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        names.join(", ")
    }
}

impl ColumnKind {
    /// The kind of a declared type, in the words of either database.
    fn of(declared: &str) -> Option<Self> {
        Some(match declared.to_ascii_lowercase().as_str() {
            "text" | "character varying" | "varchar" => Self::Text,
            "integer" => Self::Integer,
            "bigint" => Self::Bigint,
            "boolean" => Self::Boolean,
            "double precision" | "real" => Self::Double,
            "bytea" | "blob" => Self::Bytes,
            _ => return None,
        })
    }

    /// A value out of a row.
    pub(super) fn read(self, row: &QueryResult, index: usize) -> Result<serde_json::Value> {
        use base64::Engine as _;
        let base64 = base64::prelude::BASE64_STANDARD;
        Ok(match self {
            Self::Text => row.try_get_by_index::<Option<String>>(index)?.into(),
            Self::Integer => row.try_get_by_index::<Option<i32>>(index)?.into(),
            Self::Bigint => row.try_get_by_index::<Option<i64>>(index)?.into(),
            Self::Boolean => row.try_get_by_index::<Option<bool>>(index)?.into(),
            Self::Double => row.try_get_by_index::<Option<f64>>(index)?.into(),
            Self::Bytes => {
                let bytes = row.try_get_by_index::<Option<Vec<u8>>>(index)?;
                bytes.map(|bytes| base64.encode(bytes)).into()
            }
        })
    }

    /// The same as a parameter; `None` when the value is of another kind.
    pub(super) fn parameter(self, value: &serde_json::Value) -> Option<Value> {
        use base64::Engine as _;
        let base64 = base64::prelude::BASE64_STANDARD;
        let null = value.is_null();
        Some(match self {
            Self::Text if null => Value::String(None),
            Self::Text => value.as_str()?.into(),
            Self::Integer if null => Value::Int(None),
            Self::Integer => i32::try_from(value.as_i64()?).ok()?.into(),
            Self::Bigint if null => Value::BigInt(None),
            Self::Bigint => value.as_i64()?.into(),
            Self::Boolean if null => Value::Bool(None),
            Self::Boolean => value.as_bool()?.into(),
            Self::Double if null => Value::Double(None),
            Self::Double => value.as_f64()?.into(),
            Self::Bytes if null => Value::Bytes(None),
            Self::Bytes => base64.decode(value.as_str()?).ok()?.into(),
        })
    }
}
