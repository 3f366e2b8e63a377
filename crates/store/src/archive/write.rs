//! Taking a backup: one snapshot of the database, while others go on using it,
//! written out table by table.

use std::io::Write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    AccessMode, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, IsolationLevel,
    SqlxSqliteConnector, StreamTrait as _, TransactionTrait as _,
};
use sha2::{Digest as _, Sha256};

use super::schema::{self, MIGRATIONS_TABLE, Table};
use super::{End, FORMAT, FORMAT_VERSION, Header, Line, TableHeader, ZSTD_LEVEL};
use crate::connect::{MAY_REST, postgres, sqlite_path, unreachable};
use crate::error::{Result, StoreError};
use crate::{Backend, Settings};

/// The whole store as it was at one moment. Nobody is kept from writing
/// meanwhile, and on SQLite the process that serves is not disturbed.
#[derive(Debug)]
pub struct Snapshot {
    tx: DatabaseTransaction,
    _connection: DatabaseConnection,
    backend: Backend,
    tables: Vec<Table>,
    /// The header of its backup.
    pub header: Header,
}

impl Snapshot {
    /// Takes the snapshot. `has_objects` says whether the objects it names will
    /// be written too; `version` is ours.
    ///
    /// # Errors
    /// When there is no store, or it cannot be read.
    pub async fn take(
        settings: &Settings,
        has_objects: bool,
        version: &str,
        now: Timestamp,
    ) -> Result<Self> {
        let (connection, backend) = match settings.url.strip_prefix("sqlite:") {
            Some(path) => (sqlite(path).await?, Backend::Sqlite),
            None => (postgres(settings).await?, Backend::Postgres),
        };
        let tx = match backend {
            // The first statement settles what is seen until the end.
            Backend::Sqlite => connection.begin().await?,
            Backend::Postgres => {
                let tx = connection
                    .begin_with_config(
                        Some(IsolationLevel::RepeatableRead),
                        Some(AccessMode::ReadOnly),
                    )
                    .await?;
                // It holds no locks, and goes as slowly as whatever takes it.
                tx.execute_unprepared(MAY_REST).await?;
                tx
            }
        };
        let tables = schema::tables(&tx, backend).await?;
        if tables.is_empty() {
            return Err(StoreError::Archive(
                "there is no store yet: nothing has ever been started on this database".to_owned(),
            ));
        }
        let migrations = format!("SELECT version FROM {MIGRATIONS_TABLE} ORDER BY version");
        let migrations = tx.query_all_raw(backend.sql(&migrations, [])).await?;
        let migrations: std::result::Result<Vec<String>, _> = migrations
            .iter()
            .map(|row| row.try_get("", "version"))
            .collect();
        let mut headers = Vec::with_capacity(tables.len());
        for table in &tables {
            let count = format!("SELECT COUNT(*) AS n FROM \"{}\"", table.name);
            let row = tx.query_one_raw(backend.sql(&count, [])).await?;
            let rows: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
            headers.push(TableHeader {
                name: table.name.clone(),
                rows: u64::try_from(rows).unwrap_or_default(),
                columns: table.columns.clone(),
            });
        }
        let header = Header {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            version: version.to_owned(),
            created_at: now.to_string(),
            database: match backend {
                Backend::Sqlite => "sqlite",
                Backend::Postgres => "postgres",
            }
            .to_owned(),
            migrations: migrations?,
            tables: headers,
            has_objects,
        };
        Ok(Self {
            tx,
            _connection: connection,
            backend,
            tables,
            header,
        })
    }

    /// The keys of the objects that its messages name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn object_keys(&self) -> Result<Vec<String>> {
        let outbox = self.tables.iter().find(|table| table.name == "outbox");
        // A store that was not migrated yet has no objects.
        let has_objects = outbox.is_some_and(|table| {
            table
                .columns
                .iter()
                .any(|(column, _)| column == "object_key")
        });
        if !has_objects {
            return Ok(Vec::new());
        }
        let select = self.backend.sql(
            "SELECT object_key FROM outbox WHERE object_key IS NOT NULL ORDER BY object_key",
            [],
        );
        let rows = self.tx.query_all_raw(select).await?;
        let keys: std::result::Result<Vec<String>, _> = rows
            .iter()
            .map(|row| row.try_get("", "object_key"))
            .collect();
        Ok(keys?)
    }
}

/// Opens an SQLite file to read only, beside whoever has it.
async fn sqlite(path: &str) -> Result<DatabaseConnection> {
    let path = sqlite_path(path)?;
    if !path.is_file() {
        return Err(StoreError::Archive(format!(
            "there is no database at {}",
            path.display()
        )));
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .pragma("query_only", "ON")
        .busy_timeout(std::time::Duration::from_secs(10));
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(unreachable)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// A backup being written.
pub struct Writer<W: Write> {
    out: zstd::stream::write::Encoder<'static, W>,
    hash: Sha256,
    rows: u64,
    objects: u64,
}

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("rows", &self.rows)
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins a backup with its header.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn begin(out: W, snapshot: &Snapshot) -> Result<Self> {
        let mut out = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL).map_err(unwritten)?;
        out.include_checksum(true).map_err(unwritten)?;
        let mut writer = Self {
            out,
            hash: Sha256::new(),
            rows: 0,
            objects: 0,
        };
        writer.line(&snapshot.header)?;
        Ok(writer)
    }

    /// Writes every row; `progress` is told how many there were so far.
    ///
    /// # Errors
    /// When the database fails or the file cannot be written.
    pub async fn rows(&mut self, snapshot: &Snapshot, mut progress: impl FnMut(u64)) -> Result<()> {
        for table in &snapshot.tables {
            self.line(&Line::Table(table.name.clone()))?;
            let select = format!("SELECT {} FROM \"{}\"", table.column_list(), table.name);
            let select = snapshot.backend.sql(&select, []);
            let mut rows = snapshot.tx.stream_raw(select).await?;
            while let Some(row) = rows.next().await {
                let row = row?;
                let values: Result<Vec<_>> = table
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(index, (_, kind))| kind.read(&row, index))
                    .collect();
                self.line(&Line::Row(values?))?;
                self.rows += 1;
                progress(self.rows);
            }
        }
        Ok(())
    }

    /// Writes an object.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn object(&mut self, key: &str, bytes: &[u8]) -> Result<()> {
        self.objects += 1;
        self.line(&Line::Object(key.to_owned(), BASE64_STANDARD.encode(bytes)))
    }

    /// Ends the backup and hands back where it was written to. Only now it is one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<W> {
        let end = End {
            rows: self.rows,
            objects: self.objects,
            sha256: hex::encode(self.hash.clone().finalize()),
        };
        self.line(&Line::End(end))?;
        self.out.finish().map_err(unwritten)
    }

    fn line(&mut self, line: &impl serde::Serialize) -> Result<()> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| StoreError::Archive(error.to_string()))?;
        text.push(b'\n');
        self.hash.update(&text);
        self.out.write_all(&text).map_err(unwritten)
    }
}

fn unwritten(error: std::io::Error) -> StoreError {
    StoreError::Archive(format!("it cannot be written: {error}"))
}
