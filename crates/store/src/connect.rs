//! Opening the database, and the transactions in which everything is written.
//!
//! SQLite: WAL, a pool of one writer and a pool of readers, and a lock file
//! beside the database which keeps a second process out. PostgreSQL: one pool,
//! with the schema as its search path.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Executor, SqliteConnection};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use crate::budget::Books;
use crate::error::{Result, StoreError};
use crate::faults::Moment;
use crate::health::Health;
use crate::migrations::{self, Migrations};
use crate::secrets::MasterKeys;
use crate::wake::{Channels, Listener, WakeKind, Wakes};
use crate::{Backend, Settings, Store, destination, ids, prune, rotation};

/// How long a caller waits for a connection or for a lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a transaction may ask nothing before PostgreSQL ends it, in
/// milliseconds: less than a lease.
const IDLE_MAX_MS: u32 = 20_000;

/// Takes that back for one transaction, which something slow paces.
pub(crate) const MAY_REST: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";

/// The advisory lock under which nodes migrate one after the other.
const MIGRATION_LOCK: i64 = 0x6c69_6761_7475_7265;

/// What the clones of a [`Store`] share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) keys: MasterKeys,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) health: Health,
    pub(crate) books: Books,
    /// Counts what this process has changed of what a call that is passed on needs.
    pub(crate) passages_changed: AtomicU64,
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    channels: Channels,
    _listener: Option<Listener>,
    lock: Option<File>,
}

/// What [`Store::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations that were applied now, oldest first.
    pub applied: Vec<String>,
    /// How many there are in all.
    pub total: usize,
}

impl Store {
    /// Connects, migrates, and checks the keys. The first start also makes the
    /// default organisation.
    ///
    /// # Errors
    /// `Busy` when another process has the SQLite file; `Sealed` when the store
    /// was sealed under other keys; `Newer` when a later version has migrated
    /// it. A version that runs already does not look again.
    pub async fn open(settings: Settings, now: Timestamp) -> Result<Self> {
        let schema = settings.schema.clone();
        let store = Self::connect(settings).await?;
        let applied = store.prepare(schema.as_deref(), now).await?;
        if !applied.is_empty() {
            tracing::info!(migrations = applied.len(), "the database was migrated");
        }
        Ok(store)
    }

    /// Does what [`Store::open`] does and says which migrations that took.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn migrate(settings: Settings, now: Timestamp) -> Result<Migrated> {
        let schema = settings.schema.clone();
        let store = Self::connect(settings).await?;
        let applied = store.prepare(schema.as_deref(), now).await;
        store.close().await;
        Ok(Migrated {
            applied: applied?,
            total: migrations::names().len(),
        })
    }

    /// Connects, and does nothing else.
    pub(crate) async fn connect(settings: Settings) -> Result<Self> {
        let channels = Channels::of(settings.schema.as_deref());
        let wakes = Arc::new(Wakes::default());
        let inner = if let Some(path) = settings.url.strip_prefix("sqlite:") {
            let path = sqlite_path(path)?;
            let lock = lock(&path)?;
            let writer = sqlite(&path, 1, false).await?;
            // The writer creates the file and its journal before readers come.
            let reader = sqlite(&path, settings.max_connections.max(1), true).await?;
            Inner {
                backend: Backend::Sqlite,
                keys: settings.keys,
                wakes,
                health: Health::default(),
                books: Books::default(),
                passages_changed: AtomicU64::new(0),
                reader,
                writer,
                channels,
                _listener: None,
                lock: Some(lock),
            }
        } else if settings.url.starts_with("postgres:") || settings.url.starts_with("postgresql:") {
            let pool = postgres(&settings).await?;
            let listener = Listener::start(&settings.url, &channels, Arc::clone(&wakes)).await?;
            Inner {
                backend: Backend::Postgres,
                keys: settings.keys,
                wakes,
                health: Health::default(),
                books: Books::default(),
                passages_changed: AtomicU64::new(0),
                reader: pool.clone(),
                writer: pool,
                channels,
                _listener: Some(listener),
                lock: None,
            }
        } else {
            return Err(StoreError::Settings(
                "the URL must begin with sqlite: or postgres:".to_owned(),
            ));
        };
        Ok(Self {
            inner: Arc::new(inner),
            faults: None,
        })
    }

    /// Migrates and checks the keys in one transaction, one node at a time.
    async fn prepare(&self, schema: Option<&str>, now: Timestamp) -> Result<Vec<String>> {
        let tx = self.write().await?;
        self.alone(&tx, schema).await?;
        let pending = migrations::pending(tx.db()).await?;
        Migrations::up(tx.db(), None).await?;
        let organization = self.backend().sql(
            "INSERT INTO organization (id, label, create_time) SELECT $1, 'default', $2 \
             WHERE NOT EXISTS (SELECT 1 FROM organization)",
            [ids::new().into(), now.as_millisecond().into()],
        );
        tx.db().execute_raw(organization).await?;
        rotation::check(tx.db(), self.backend(), &self.inner.keys).await?;
        destination::seal_open_headers(&tx, self.backend(), &self.inner.keys).await?;
        prune::plan(&tx, now).await?;
        if self.backend() == Backend::Sqlite {
            forget_owners(&tx, now).await?;
        }
        tx.commit().await?;
        Ok(pending)
    }

    /// Keeps every other node out until the transaction ends, and sees that
    /// there is the schema.
    pub(crate) async fn alone(&self, tx: &Tx<'_>, schema: Option<&str>) -> Result<()> {
        if self.backend() == Backend::Sqlite {
            return Ok(());
        }
        let lock = self
            .backend()
            .sql("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK.into()]);
        tx.db().execute_raw(lock).await?;
        if let Some(schema) = schema {
            let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema));
            tx.db().execute_unprepared(&create).await?;
        }
        Ok(())
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    /// The database's own time; `None` on SQLite, which has none of its own.
    pub async fn database_time(&self) -> Result<Option<Timestamp>> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let statement = self.backend().sql(
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now",
            [],
        );
        let row = self.read().query_one_raw(statement).await?;
        row.map(|row| Ok(crate::statement::time(&row, "now")?))
            .transpose()
    }

    /// Closes every connection and gives the files back. Other clones fail from
    /// then on.
    pub async fn close(self) {
        for pool in [&self.inner.reader, &self.inner.writer] {
            if let Err(error) = pool.close_by_ref().await {
                tracing::warn!(%error, "the database connections did not close cleanly");
            }
        }
        if let Some(Err(error)) = self.inner.lock.as_ref().map(File::unlock) {
            tracing::warn!(%error, "the lock file could not be given back");
        }
    }

    /// Where to read from, outside of transactions.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.inner.reader
    }

    /// Runs a single statement that writes and is whole by itself; says how many
    /// rows it changed.
    pub(crate) async fn write_once(&self, statement: Statement) -> Result<u64> {
        self.pass(Moment::Begin).await?;
        let done = self.inner.writer.execute_raw(statement).await?;
        self.pass(Moment::AfterCommit).await?;
        Ok(done.rows_affected())
    }

    /// Begins a transaction that may write.
    pub(crate) async fn write(&self) -> Result<Tx<'_>> {
        self.pass(Moment::Begin).await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.backend() == Backend::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Tx {
            inner: self.inner.writer.begin_with_options(options).await?,
            store: self,
            wakes: Vec::new(),
            changes_passages: AtomicBool::new(false),
        })
    }
}

/// A transaction that may write. Dropped, it is rolled back.
pub(crate) struct Tx<'a> {
    inner: DatabaseTransaction,
    store: &'a Store,
    wakes: Vec<WakeKind>,
    changes_passages: AtomicBool,
}

impl Tx<'_> {
    /// Where to run statements.
    pub(crate) fn db(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Which database this is.
    pub(crate) fn backend(&self) -> Backend {
        self.store.backend()
    }

    /// The keys to seal with.
    pub(crate) fn keys(&self) -> &MasterKeys {
        &self.store.inner.keys
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute<const N: usize>(
        &self,
        sql: &str,
        values: [sea_orm::Value; N],
    ) -> std::result::Result<u64, DbErr> {
        let statement = self.store.backend().sql(sql, values);
        Ok(self.inner.execute_raw(statement).await?.rows_affected())
    }

    /// Lets the transaction rest for as long as whoever paces it does, on
    /// PostgreSQL, which ends others that ask nothing.
    pub(crate) async fn may_rest(&self) -> Result<()> {
        if self.backend() == Backend::Postgres {
            self.inner.execute_unprepared(MAY_REST).await?;
        }
        Ok(())
    }

    /// What is known of passages is not true any more, once this is committed.
    pub(crate) fn changes_passages(&self) {
        self.changes_passages.store(true, Ordering::Relaxed);
    }

    /// Wakes whoever waits for that, once this is committed.
    pub(crate) async fn wake(&mut self, kind: WakeKind) -> Result<()> {
        if self.wakes.contains(&kind) {
            return Ok(());
        }
        self.wakes.push(kind);
        if self.store.backend() == Backend::Postgres {
            let channel = self.store.inner.channels.name(kind);
            self.execute("SELECT pg_notify($1, '')", [channel.into()])
                .await?;
        }
        Ok(())
    }

    /// Commits.
    pub(crate) async fn commit(self) -> Result<()> {
        self.store.pass(Moment::BeforeCommit).await?;
        let committed = self.inner.commit().await;
        // Also where it is not known whether it is.
        if self.changes_passages.load(Ordering::Relaxed) {
            let changed = &self.store.inner.passages_changed;
            changed.fetch_add(1, Ordering::AcqRel);
        }
        committed?;
        // Whoever is to be woken finds it done, whatever becomes of us.
        if self.store.backend() == Backend::Sqlite {
            for kind in self.wakes {
                self.store.inner.wakes.wake(kind);
            }
        }
        self.store.pass(Moment::AfterCommit).await
    }
}

/// Whoever held something is dead. On SQLite that is so when we open, since the
/// lock file says that we are alone, and so nothing waits for leases to lapse
/// after a crash; and everywhere it is so of what was restored.
pub(crate) async fn forget_owners(tx: &Tx<'_>, now: Timestamp) -> Result<()> {
    let work = "UPDATE work SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL";
    tx.execute(work, []).await?;
    let outbox = "UPDATE outbox SET owner = NULL, next_at = $1 WHERE status = 'pending' AND owner IS NOT NULL";
    tx.execute(outbox, [now.as_millisecond().into()]).await?;
    let refreshes = "UPDATE connection SET refresh_owner = NULL, refresh_until = NULL WHERE refresh_owner IS NOT NULL";
    tx.execute(refreshes, []).await?;
    Ok(())
}

/// The path in `sqlite:PATH` or `sqlite://PATH`.
pub(crate) fn sqlite_path(path: &str) -> Result<PathBuf> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(":memory:") {
        return Err(StoreError::Settings(
            "SQLite needs a file, such as sqlite:ligature-data/ligature.db".to_owned(),
        ));
    }
    Ok(PathBuf::from(path))
}

/// Takes the lock file beside the database, so that a second process learns at
/// once that it is not alone.
fn lock(path: &Path) -> Result<File> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Files { path, source }
    };
    if let Some(directory) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(failed(directory))?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(failed(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(&name)(source)),
    }
}

pub(crate) fn unreachable(error: sea_orm::SqlxError) -> StoreError {
    StoreError::Unreachable(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

async fn sqlite(path: &Path, connections: u32, readers: bool) -> Result<DatabaseConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(!readers)
        .journal_mode(SqliteJournalMode::Wal)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("query_only", if readers { "ON" } else { "OFF" })
        .optimize_on_close(!readers, None);
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .after_release(|connection, _| Box::pin(is_outside_transactions(connection)))
        .connect_with(options)
        .await
        .map_err(unreachable)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Whether a connection may be used again. After some failures, such as a full
/// disk, SQLite ends a transaction by itself; the rollback that follows finds
/// none, and the driver goes on counting it as open. The next transactions would
/// be savepoints within one that nobody commits: they would seem to be committed,
/// and be lost. Such a connection is closed, and another takes its place.
async fn is_outside_transactions(
    connection: &mut SqliteConnection,
) -> std::result::Result<bool, sqlx::Error> {
    // Behind a rollback that is on its way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// A pool with the schema as its search path.
pub(crate) async fn postgres(settings: &Settings) -> Result<DatabaseConnection> {
    let options: PgConnectOptions = settings.url.parse().map_err(|_| {
        // The parser's own words would repeat the URL, password and all.
        StoreError::Settings("the URL is not one of PostgreSQL".to_owned())
    })?;
    // A node that is cut off within a transaction would hold its locks for as long
    // as the system's own time-outs last, which is hours.
    let mut set = format!("SET idle_in_transaction_session_timeout = {IDLE_MAX_MS}");
    if let Some(schema) = &settings.schema {
        set.push_str(&format!("; SET search_path = {}", quoted(schema)));
    }
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections.max(2))
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            let set = set.clone();
            Box::pin(async move {
                connection.execute(AssertSqlSafe(set)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .map_err(unreachable)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// An identifier of SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
