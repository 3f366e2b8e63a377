//! Backups: a consistent copy of the whole store in one file, which either kind
//! of database takes in.
//!
//! The file is zstd over lines of JSON: a header (format, version, migrations,
//! every table with its columns and its number of rows), then each table's rows,
//! then objects of the object store, then a line with the totals and the SHA-256
//! of all that came before. The tables are asked of the database and ordered by
//! their references, so a new table is part of every backup from its first day.
//!
//! What is sealed stays sealed; the master key is not in the file. Messages that
//! are kept are in it as they are: it is as confidential as the database.

mod read;
mod restore;
mod schema;
mod write;

use serde::{Deserialize, Serialize};

pub use read::{Archive, ArchivedObject};
pub use restore::{ObjectPlace, Restored};
pub use write::{Snapshot, Writer};

use schema::ColumnKind;

const FORMAT: &str = "ligature-backup";
const FORMAT_VERSION: u32 = 1;
/// zstd's own default: half the size of level 1, and still faster than a disk.
const ZSTD_LEVEL: i32 = 3;

/// The first line of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    format: String,
    format_version: u32,
    /// The version of Ligature that wrote it.
    pub version: String,
    /// When, in RFC 3339.
    pub created_at: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The migrations that the database had, oldest first.
    pub migrations: Vec<String>,
    /// The tables, in the order of their rows.
    pub tables: Vec<TableHeader>,
    /// Whether the objects of the object store are in it.
    pub has_objects: bool,
}

/// A table in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHeader {
    /// Its name.
    pub name: String,
    /// How many rows follow.
    pub rows: u64,
    columns: Vec<(String, ColumnKind)>,
}

impl Header {
    /// The rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// A line after the header.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// The rows of that table follow.
    Table(String),
    /// One row: its columns' values in order.
    Row(Vec<serde_json::Value>),
    /// One object: its key, and its bytes in base64.
    Object(String, String),
    /// The end.
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    rows: u64,
    objects: u64,
    sha256: String,
}
