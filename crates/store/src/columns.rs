//! How times and JSON lie in columns.

use jiff::{SignedDuration, Timestamp};
use sea_orm::sea_query::{
    ArrayType, ColumnType, Nullable, Value as SqlValue, ValueType, ValueTypeErr,
};
use sea_orm::{ColIdx, DbErr, QueryResult, TryGetError, TryGetable};
use serde_json::Value;

use crate::triggered::ReadRange;

/// A time: BIGINT, milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Timestamp);

/// A JSON document: TEXT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Json(pub(crate) Value);

/// A list of strings: TEXT, a JSON array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<String>);

/// A range of times: TEXT, JSON, as fine as they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) ReadRange);

impl At {
    /// The time in a nullable column.
    pub(crate) fn opt(at: Option<Self>) -> Option<Timestamp> {
        at.map(|at| at.0)
    }
}

/// Milliseconds since 1970.
pub(crate) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Milliseconds that something lasts.
pub(crate) fn span_ms(span: SignedDuration) -> i64 {
    span.as_millis().try_into().unwrap_or(i64::MAX)
}

/// The time that many milliseconds after 1970.
pub(crate) fn at(ms: i64) -> Result<Timestamp, DbErr> {
    Timestamp::from_millisecond(ms).map_err(|error| DbErr::Type(error.to_string()))
}

fn invalid(error: impl std::fmt::Display) -> TryGetError {
    TryGetError::DbErr(DbErr::Type(error.to_string()))
}

impl From<At> for SqlValue {
    fn from(at: At) -> Self {
        Self::BigInt(Some(ms(at.0)))
    }
}

impl TryGetable for At {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        at(i64::try_get_by(row, index)?).map(Self).map_err(invalid)
    }
}

impl ValueType for At {
    fn try_from(value: SqlValue) -> Result<Self, ValueTypeErr> {
        let ms = <i64 as ValueType>::try_from(value)?;
        at(ms).map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "At".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::BigInt
    }

    fn column_type() -> ColumnType {
        ColumnType::BigInteger
    }
}

impl Nullable for At {
    fn null() -> SqlValue {
        SqlValue::BigInt(None)
    }
}

/// A column type that lies as JSON text.
macro_rules! json_text {
    ($name:ident) => {
        impl From<$name> for SqlValue {
            fn from(value: $name) -> Self {
                Self::String(Some(Value::from(value.0).to_string()))
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let text = String::try_get_by(row, index)?;
                serde_json::from_str(&text).map(Self).map_err(invalid)
            }
        }

        impl ValueType for $name {
            fn try_from(value: SqlValue) -> Result<Self, ValueTypeErr> {
                let text = <String as ValueType>::try_from(value)?;
                serde_json::from_str(&text)
                    .map(Self)
                    .map_err(|_| ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::String
            }

            fn column_type() -> ColumnType {
                ColumnType::Text
            }
        }

        impl Nullable for $name {
            fn null() -> SqlValue {
                SqlValue::String(None)
            }
        }
    };
}

json_text!(Json);
json_text!(Words);
json_text!(Span);
