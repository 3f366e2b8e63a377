//! Hot statements, in one text for both databases.
//!
//! Parameters are written `$1`, `$2`, … on both; what differs is only how a row
//! is locked.

use sea_orm::sea_query::Value;
use sea_orm::{DbBackend, DbErr, QueryResult, Statement};

use crate::Backend;
use crate::error::{Result, StoreError};

/// How many rows there are in a table under a condition, as an expression; `most` is
/// the number of a parameter beyond which nothing is counted.
pub(crate) fn counted(from: &str, most: usize) -> String {
    format!("(SELECT COUNT(*) FROM (SELECT 1 FROM {from} LIMIT ${most}) AS counted)")
}

/// Most rows in one multi-row statement, well below the databases' limits of
/// 32,766 and 65,535 parameters.
pub(crate) const ROWS_PER_STATEMENT: usize = 1_000;

impl Backend {
    /// The same in sea-orm's words.
    pub(crate) fn db(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// A statement of this database.
    pub(crate) fn sql<const N: usize>(self, sql: &str, values: [Value; N]) -> Statement {
        Statement::from_sql_and_values(self.db(), sql, values)
    }

    /// A statement with any number of values.
    pub(crate) fn sql_many(self, sql: &str, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.db(), sql, values)
    }

    /// `(…, …), (…, …)`: rows of as many parameters, from the first on. On SQLite
    /// they are bare, since it looks for a parameter's name among all others, and
    /// a page of records has hundreds. So all of the statement's parameters must
    /// be of this kind, in the order of their values: see [`Self::bare_parameter`].
    pub(crate) fn bare_rows(self, columns: usize, rows: usize) -> String {
        match self {
            Self::Postgres => self::rows(1, columns, rows),
            Self::Sqlite => {
                let row = format!("({})", vec!["?"; columns].join(", "));
                vec![row.as_str(); rows].join(", ")
            }
        }
    }

    /// One further parameter of that number, of the same kind.
    pub(crate) fn bare_parameter(self, number: usize) -> String {
        match self {
            Self::Postgres => format!("${number}"),
            Self::Sqlite => "?".to_owned(),
        }
    }

    /// Locks the rows of a SELECT. On SQLite the transaction has the one write
    /// lock already.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Locks the rows of a SELECT and passes over those that are locked.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
}

/// `($1, $2), ($3, $4)`: rows of `columns` parameters, the first numbered
/// `first`.
pub(crate) fn rows(first: usize, columns: usize, rows: usize) -> String {
    let row = |row: usize| {
        let cells: Vec<String> = (0..columns)
            .map(|column| format!("${}", first + row * columns + column))
            .collect();
        format!("({})", cells.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// `$1, $2, $3`: a list of parameters, the first numbered `first`.
pub(crate) fn list(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|n| format!("${n}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A page of what was found, which is one more than a page if there is another, and
/// where that other begins.
pub(crate) fn page_of<T>(
    mut found: Vec<T>,
    size: u64,
    token: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(token);
    (found, next)
}

/// Reads a time from a row.
pub(crate) fn time(row: &QueryResult, column: &str) -> std::result::Result<jiff::Timestamp, DbErr> {
    row.try_get::<crate::columns::At>("", column).map(|at| at.0)
}

/// A count that the database keeps as a signed number.
pub(crate) fn count(table: &'static str, n: i64) -> Result<u32> {
    u32::try_from(n).map_err(|_| StoreError::Corrupt {
        table,
        detail: "a count is out of range".to_owned(),
    })
}
