//! The database under test: a file of its own, or a schema of its own on a
//! server that was started for this program and writes as durably as by default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use engine::{Clock as _, SystemClock};
use store::{Settings, Store};
use tempfile::TempDir;

use crate::machine;

/// What secrets are sealed with, in store and server.
pub(crate) const SECRET_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// SQLite, in a new directory
    Sqlite,
    /// PostgreSQL, from the programs on this machine
    Postgres,
}

/// A database of one measurement; its files go with it.
#[derive(Debug)]
pub struct Database {
    directory: TempDir,
    /// The server's URL and this measurement's schema.
    postgres: Option<(String, String)>,
}

impl Database {
    /// An empty one, in the given directory where it is a file. `name` is that of
    /// the schema, which must be new to this program.
    ///
    /// # Errors
    /// When there is no directory or no PostgreSQL.
    pub fn new(kind: Kind, parent: &Path, name: &str) -> Result<Self> {
        std::fs::create_dir_all(parent)?;
        let directory = TempDir::new_in(parent)
            .with_context(|| format!("no directory in {}", parent.display()))?;
        let postgres = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some((server()?.to_owned(), name.to_owned())),
        };
        Ok(Self {
            directory,
            postgres,
        })
    }

    /// Starts the server, if this kind has one. To be called before this process
    /// is put on a core, so that the server has all of them.
    ///
    /// # Errors
    /// When PostgreSQL is not installed.
    pub fn prepare(kind: Kind) -> Result<()> {
        match kind {
            Kind::Sqlite => Ok(()),
            Kind::Postgres => server().map(|_| ()),
        }
    }

    /// Opens it from this process; to be closed before a server starts on it.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn open(&self) -> Result<Store> {
        let settings = Settings {
            url: match &self.postgres {
                None => format!("sqlite:{}", self.file().display()),
                Some((url, _)) => url.clone(),
            },
            schema: self.postgres.as_ref().map(|(_, schema)| schema.clone()),
            keys: store::MasterKeys::parse(&SECRET_KEY.to_owned().into(), None)?,
            max_connections: 8,
        };
        Ok(Store::open(settings, SystemClock::default().now()).await?)
    }

    /// The server's flags and environment for this database.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![
            (
                "LIGATURE_DATA_DIR",
                self.directory.path().display().to_string(),
            ),
            ("LIGATURE_SECRET_KEY", SECRET_KEY.to_owned()),
        ];
        if let Some((url, schema)) = &self.postgres {
            let url = format!("{url}&options[search_path]={schema}");
            environment.push(("LIGATURE_DATABASE_URL", url));
        }
        environment
    }

    /// Time that the processes of the database have spent; zero where it is part
    /// of the server.
    ///
    /// # Errors
    /// When its processes cannot be found.
    pub fn cpu(&self) -> Result<Duration> {
        let Some((url, _)) = &self.postgres else {
            return Ok(Duration::ZERO);
        };
        let (_, base) = url.split_once("host=").context("an odd URL")?;
        let pid = std::fs::read_to_string(Path::new(base).join("data/postmaster.pid"))?;
        let pid = pid.lines().next().context("no pid")?.trim().parse()?;
        machine::cpu_of_family(pid)
    }

    /// Bytes of the database's files; 0 where they are a server's.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.directory.path()).into_iter();
        let sizes = files.flatten().flatten().filter_map(|file| {
            let metadata = file.metadata().ok()?;
            Some(metadata.len())
        });
        sizes.sum()
    }

    /// A file beside those of the database.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.beside("ligature.db")
    }
}

fn server() -> Result<&'static str> {
    testing::durable_postgres_url().context("PostgreSQL is not installed")
}
