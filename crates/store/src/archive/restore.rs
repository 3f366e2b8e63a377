//! Taking a backup in: one transaction, into a store that is empty.
//!
//! The schema is brought to what the backup had, the rows are put in, and then
//! the migrations since then run as they would have on the old database. Leases
//! and locks are cleared: whoever held them is not here.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait as _, Value};
use sea_orm_migration::MigratorTrait as _;

use super::read::{ArchivedObject, misfit, object};
use super::schema::{self, MIGRATIONS_TABLE, Table};
use super::{Archive, Line, TableHeader};
use crate::connect::{Tx, forget_owners};
use crate::error::{Result, StoreError};
use crate::migrations::{self, Migrations};
use crate::statement::rows;
use crate::{Backend, Settings, Store, prune, rotation};

/// Tables that a start fills by itself: with nothing in any other, a store is empty.
const SEEDED: [&str; 4] = ["meta", "organization", "probe", "work"];
/// Most rows, and about how many bytes, go into one statement.
const BATCH_ROWS: usize = 100;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What becomes of an archived object.
#[derive(Debug)]
pub enum ObjectPlace {
    /// It was put into the object store.
    Stored,
    /// There is no object store: it goes into its message's row.
    Row(Vec<u8>),
}

/// What was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Rows of all tables.
    pub rows: u64,
    /// Objects.
    pub objects: u64,
}

impl Archive {
    /// Puts everything into the store at `settings`, or nothing. Each object is
    /// handed to `place`; `progress` is told how many rows there were so far.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::Busy`], [`StoreError::Newer`],
    /// and whatever `place` answers.
    pub async fn restore(
        &self,
        settings: Settings,
        now: Timestamp,
        mut place: impl AsyncFnMut(ArchivedObject) -> Result<ObjectPlace>,
        progress: impl FnMut(u64),
    ) -> Result<Restored> {
        let schema = settings.schema.clone();
        let store = Store::connect(settings).await?;
        let restored = self.fill(&store, schema.as_deref(), now, &mut place, progress);
        let restored = restored.await;
        store.close().await;
        restored
    }

    async fn fill(
        &self,
        store: &Store,
        schema: Option<&str>,
        now: Timestamp,
        place: &mut impl AsyncFnMut(ArchivedObject) -> Result<ObjectPlace>,
        mut progress: impl FnMut(u64),
    ) -> Result<Restored> {
        let tx = store.write().await?;
        store.alone(&tx, schema).await?;
        // Between two objects it waits for the first to be put.
        tx.may_rest().await?;
        self.make_room(&tx).await?;
        let tables = schema::tables(tx.db(), tx.backend()).await?;
        let mut done = Restored {
            rows: 0,
            objects: 0,
        };
        let mut lines = self.lines()?;
        let mut batch: Option<Batch<'_>> = None;
        loop {
            match lines.next()? {
                Line::Table(name) => {
                    if let Some(full) = batch.take() {
                        full.insert(&tx).await?;
                    }
                    batch = Some(Batch::of(&name, &self.header.tables, &tables)?);
                }
                Line::Row(values) => {
                    let batch = batch.as_mut().ok_or_else(out_of_place)?;
                    batch.add(&values)?;
                    batch.insert_if_full(&tx).await?;
                    done.rows += 1;
                    progress(done.rows);
                }
                Line::Object(key, bytes) => {
                    if let Some(full) = batch.take() {
                        full.insert(&tx).await?;
                    }
                    done.objects += 1;
                    if let ObjectPlace::Row(body) = place(object(key.clone(), &bytes)?).await? {
                        into_row(&tx, &key, body).await?;
                    }
                }
                Line::End(_) => break,
            }
        }
        if let Some(full) = batch.take() {
            full.insert(&tx).await?;
        }
        Migrations::up(tx.db(), None).await?;
        rotation::check(tx.db(), tx.backend(), &store.inner.keys).await?;
        forget_owners(&tx, now).await?;
        prune::plan(&tx, now).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Sees that the store is empty, and brings it to the backup's schema.
    async fn make_room(&self, tx: &Tx<'_>) -> Result<()> {
        let applied = migrations::applied(tx.db()).await?;
        migrations::pending(tx.db()).await?;
        let there = schema::tables(tx.db(), tx.backend()).await?;
        for table in there.iter().filter(|t| !SEEDED.contains(&t.name.as_str())) {
            let some = format!("SELECT 1 AS some FROM \"{}\" LIMIT 1", table.name);
            let some = tx.backend().sql(&some, []);
            if tx.db().query_one_raw(some).await?.is_some() {
                let table = table.name.clone();
                return Err(StoreError::NotEmpty { table });
            }
        }
        let wanted = &self.header.migrations;
        let known = migrations::names();
        if known.get(..wanted.len()) != Some(wanted.as_slice()) {
            return Err(StoreError::Archive(format!(
                "it was written by a build with other migrations (version {})",
                self.header.version
            )));
        }
        let mut applied = applied.len();
        if applied > wanted.len() {
            // It is empty, and its schema is past the backup's.
            for table in there.iter().rev() {
                drop_table(tx, &table.name).await?;
            }
            drop_table(tx, MIGRATIONS_TABLE).await?;
            applied = 0;
        }
        let steps = wanted.len() - applied;
        if steps > 0 {
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            Migrations::up(tx.db(), Some(steps)).await?;
        }
        // What a start, or a migration, has put in is in the backup too.
        for table in schema::tables(tx.db(), tx.backend()).await?.iter().rev() {
            let delete = format!("DELETE FROM \"{}\"", table.name);
            tx.db().execute_unprepared(&delete).await?;
        }
        Ok(())
    }
}

async fn drop_table(tx: &Tx<'_>, name: &str) -> Result<()> {
    let cascade = match tx.backend() {
        Backend::Sqlite => "",
        Backend::Postgres => " CASCADE",
    };
    let drop = format!("DROP TABLE \"{name}\"{cascade}");
    tx.db().execute_unprepared(&drop).await?;
    Ok(())
}

/// Puts an object's bytes, which are compressed as a row's are, into the row of
/// the message that names it.
async fn into_row(tx: &Tx<'_>, key: &str, body: Vec<u8>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET body = $1, object_key = NULL WHERE object_key = $2",
        [body.into(), key.into()],
    )
    .await?;
    Ok(())
}

fn out_of_place() -> StoreError {
    StoreError::Archive("a row comes before its table".to_owned())
}

/// Rows of one table on their way in.
struct Batch<'a> {
    table: &'a Table,
    values: Vec<Value>,
    rows: usize,
    bytes: usize,
}

impl<'a> Batch<'a> {
    /// For a table of the backup, which must be as the schema has it.
    fn of(name: &str, header: &[TableHeader], tables: &'a [Table]) -> Result<Self> {
        let table = tables.iter().find(|table| table.name == name);
        let columns = header.iter().find(|table| table.name == name);
        match (table, columns) {
            (Some(table), Some(header)) if table.columns == header.columns => Ok(Self {
                table,
                values: Vec::new(),
                rows: 0,
                bytes: 0,
            }),
            _ => Err(StoreError::Archive(format!(
                "its table {name} is not as this version has it"
            ))),
        }
    }

    fn add(&mut self, row: &[serde_json::Value]) -> Result<()> {
        for ((column, kind), value) in self.table.columns.iter().zip(row) {
            let parameter = kind
                .parameter(value)
                .ok_or_else(|| misfit(&self.table.name, column))?;
            self.bytes += value.as_str().map_or(8, str::len);
            self.values.push(parameter);
        }
        self.rows += 1;
        Ok(())
    }

    async fn insert_if_full(&mut self, tx: &Tx<'_>) -> Result<()> {
        if self.rows < BATCH_ROWS && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        let empty = Batch {
            table: self.table,
            values: Vec::new(),
            rows: 0,
            bytes: 0,
        };
        std::mem::replace(self, empty).insert(tx).await
    }

    async fn insert(self, tx: &Tx<'_>) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let insert = format!(
            "INSERT INTO \"{}\" ({}) VALUES {}",
            self.table.name,
            self.table.column_list(),
            rows(1, self.table.columns.len(), self.rows)
        );
        let insert = tx.backend().sql_many(&insert, self.values);
        tx.db().execute_raw(insert).await?;
        Ok(())
    }
}
