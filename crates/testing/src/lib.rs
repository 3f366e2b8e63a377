//! Databases for tests, so that every test of the store runs on both kinds; and
//! libraries of other languages, for tests with the clients that people have.
//!
//! Only ever a dev-dependency. A test is an `async fn(TestStore)` named in
//! [`both!`]; it gets a store of its own: a file in a temporary directory, or a
//! schema in the PostgreSQL cluster that this test program has started.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this crate, and they fail by panicking"
)]

mod cluster;
pub mod packages;

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use secrecy::SecretString;
use store::{MasterKeys, Settings, Store};
use tempfile::TempDir;

/// The time at which test stores are opened.
pub const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// A store of a test's own.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    /// What it was opened with, to open it again.
    pub settings: Settings,
    _directory: Option<TempDir>,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    async fn open(settings: Settings, directory: Option<TempDir>) -> Self {
        let store = Store::open(settings.clone(), START)
            .await
            .expect("a new store opens");
        Self {
            store,
            settings,
            _directory: directory,
        }
    }

    /// Closes the store and opens it again.
    pub async fn reopen(self) -> Self {
        self.store.close().await;
        Self::open(self.settings, self._directory).await
    }
}

/// The keys of test stores.
#[must_use]
pub fn keys() -> MasterKeys {
    MasterKeys::new([7; 32], None)
}

/// A store on SQLite.
pub async fn sqlite() -> TestStore {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("ligature.db");
    let settings = Settings {
        url: format!("sqlite:{}", path.display()),
        schema: None,
        keys: keys(),
        max_connections: 4,
    };
    TestStore::open(settings, Some(directory)).await
}

/// A store on PostgreSQL; `None`, with a note, where it is not installed.
pub async fn postgres() -> Option<TestStore> {
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    let url = cluster::url()?;
    let settings = Settings {
        url: url.to_owned(),
        schema: Some(format!("test_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed))),
        keys: keys(),
        max_connections: 8,
    };
    Some(TestStore::open(settings, None).await)
}

/// The default database of this test program's PostgreSQL cluster, for a test of
/// whole processes; no other test touches its `public` schema. `None`, with a
/// note, where PostgreSQL is not installed.
#[must_use]
pub fn postgres_url() -> Option<&'static str> {
    cluster::url()
}

/// A database of a test's own in that cluster, by its URL. `None` where
/// PostgreSQL is not installed.
#[must_use]
pub fn new_postgres_database(name: &str) -> Option<String> {
    cluster::new_database(name)
}

/// A new schema in this program's PostgreSQL cluster, for several whole processes
/// that seal with `key`: the URL names the schema. `None`, with a note, where
/// PostgreSQL is not installed.
pub async fn postgres_schema(name: &str, key: &str) -> Option<String> {
    let url = cluster::url()?;
    let key = SecretString::from(key);
    let settings = Settings {
        url: url.to_owned(),
        schema: Some(name.to_owned()),
        keys: MasterKeys::parse(&key, None).expect("a key of 32 bytes in base64"),
        max_connections: 2,
    };
    let store = Store::open(settings, START).await.expect("a new schema");
    store.close().await;
    Some(format!("{url}&options=-csearch_path%3D{name}"))
}

/// A database on a cluster that is started for measurements, with PostgreSQL's
/// own default of durability, which tests do without. `None`, with a note, where
/// PostgreSQL is not installed.
#[must_use]
pub fn durable_postgres_url() -> Option<&'static str> {
    cluster::durable_url()
}

/// Says that a test, or its half on one database, does nothing for want of `what`.
/// In CI it fails.
#[allow(
    clippy::print_stderr,
    reason = "whoever runs the tests should see that some did nothing"
)]
pub fn missing(what: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "CI needs {what}"
    );
    eprintln!("note: some tests do nothing for want of {what}");
}

/// Makes tests of `async fn(TestStore)`, each once on SQLite and once on
/// PostgreSQL, in modules of these names.
#[macro_export]
macro_rules! both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::sqlite().await).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    if let Some(store) = $crate::postgres().await {
                        super::$test(store).await;
                    }
                }
            )*
        }
    };
}
