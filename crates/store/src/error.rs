//! Why the store did not do what it was asked.
//!
//! No text here ever holds a secret, a bound value or a customer's data, so
//! every error may be logged as it is.

use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr, SqlErr, SqlxError};

/// What every function of this crate returns.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row, or not one that the caller may see: the two look alike.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The kind of thing, such as `project`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Something else already has the name, or the place.
    #[error("{what} already exists: {detail}")]
    Conflict {
        /// The kind of thing, such as `destination`.
        what: &'static str,
        /// Which value is taken.
        detail: String,
    },
    /// What a change was planned by has changed meanwhile, so nothing was written.
    #[error("it was changed meanwhile; nothing was written")]
    Outdated,
    /// The lease has passed on, so nothing was written.
    #[error("the lease on this work has passed on; nothing was written")]
    LeaseLost,
    /// A sealed value cannot be opened with the keys at hand.
    #[error("cannot open a sealed value: {0}")]
    Sealed(String),
    /// Another process uses the SQLite file.
    #[error(
        "{} is in use by another process; stop it, or move to PostgreSQL for more than one",
        path.display()
    )]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The settings name no database that can be used.
    #[error("the database settings cannot be used: {0}")]
    Settings(String),
    /// The data directory or its lock file cannot be used.
    #[error("cannot use {}", path.display())]
    Files {
        /// What could not be used.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// No connection to the database.
    #[error("the database cannot be reached")]
    Unreachable(#[source] DbErr),
    /// The database takes no writes: its disk is full, or it is a standby.
    #[error("the database cannot be written to; free space on its disk")]
    Unwritable(#[source] DbErr),
    /// The schema has migrations that this version does not know.
    #[error(
        "the database was migrated by a newer version of Ligature ({migration}); \
         run that version or a later one, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The first migration that is not known.
        migration: String,
    },
    /// A backup that cannot be used.
    #[error("the backup cannot be used: {0}")]
    Archive(String),
    /// A backup cannot be restored over what is there.
    #[error(
        "the database is not empty ({table} has rows); restore into a new data directory, \
         database or schema"
    )]
    NotEmpty {
        /// A table with rows.
        table: String,
    },
    /// The database has not answered for too long; whether the statement took
    /// effect is not known.
    #[error("the database has not answered for {after_s} seconds")]
    Silent {
        /// How long it was waited for.
        after_s: u64,
    },
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Database(#[source] DbErr),
    /// A row holds what this version never writes.
    #[error("a row of {table} cannot be understood: {detail}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong, without the value.
        detail: String,
    },
}

impl StoreError {
    /// Nothing of that kind under that name, as far as the caller may see.
    pub(crate) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            id: id.into(),
        }
    }
}

/// What a failure says about the database as a whole.
enum Condition {
    /// It answers and refuses.
    Refused,
    /// It does not answer.
    Gone,
    /// It answers and takes no writes.
    ReadOnly,
}

impl Condition {
    fn of(error: &DbErr) -> Self {
        let cause = match error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => return Self::Gone,
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
            _ => return Self::Refused,
        };
        match &**cause {
            SqlxError::Io(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed => Self::Gone,
            SqlxError::Database(refusal) => {
                let code = refusal.code().unwrap_or_default();
                match code.parse::<u32>().map(|code| code & 0xff) {
                    // https://www.sqlite.org/rescode.html: IOERR, READONLY, FULL.
                    Ok(8 | 10 | 13) if code.len() < 5 => Self::ReadOnly,
                    _ => Self::of_postgres(&code),
                }
            }
            _ => Self::Refused,
        }
    }

    /// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
    fn of_postgres(code: &str) -> Self {
        match code {
            // disk_full, io_error, read_only_sql_transaction
            "53100" | "58030" | "25006" => Self::ReadOnly,
            // idle_in_transaction_session_timeout: we were frozen, or cut off.
            "25P03" => Self::Gone,
            // connection_exception; admin_shutdown, crash_shutdown, cannot_connect_now
            _ if code.starts_with("08") || code.starts_with("57P0") => Self::Gone,
            _ => Self::Refused,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match Condition::of(&error) {
            // What the row hangs on was there when it was looked for, and has been
            // deleted since.
            Condition::Refused
                if matches!(
                    error.sql_err(),
                    Some(SqlErr::ForeignKeyConstraintViolation(_))
                ) =>
            {
                Self::Outdated
            }
            Condition::Refused => Self::Database(error),
            Condition::Gone => Self::Unreachable(error),
            Condition::ReadOnly => Self::Unwritable(error),
        }
    }
}

/// Turns a unique violation into the [`StoreError::Conflict`] that `conflict`
/// describes and leaves every other error as it is.
pub(crate) fn or_conflict(
    error: DbErr,
    what: &'static str,
    detail: impl FnOnce() -> String,
) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict {
            what,
            detail: detail(),
        },
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, Database};

    use super::StoreError;

    #[tokio::test]
    async fn what_hangs_on_a_row_that_is_gone_is_outdated() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        let tables = "PRAGMA foreign_keys = ON;
            CREATE TABLE parent (id TEXT PRIMARY KEY);
            CREATE TABLE child (parent_id TEXT NOT NULL REFERENCES parent (id));";
        db.execute_unprepared(tables).await.unwrap();
        let insert = "INSERT INTO child (parent_id) VALUES ('gone')";
        let error = db.execute_unprepared(insert).await.unwrap_err();
        assert!(matches!(StoreError::from(error), StoreError::Outdated));
    }
}
