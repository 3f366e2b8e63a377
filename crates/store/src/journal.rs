//! Bringing SQLite's write-ahead journal to the disk.
//!
//! SQLite could do it at each commit (`synchronous = FULL`), and then every page
//! that is read and every message that is delivered waits for the disk several
//! times, to save what would only be done again. So SQLite itself waits only when
//! it moves the journal into the database (`NORMAL`), and each commit says whether
//! it waits. This is what SQLite does under `FULL`: one `fsync` of the journal
//! after the frames of the commit.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Result, StoreError};

/// How long a commit that can be repeated may be on its way to the disk.
const SOON: Duration = Duration::from_secs(1);

/// The journal of one database.
#[derive(Debug)]
pub(crate) struct Journal {
    path: Arc<Path>,
    /// Whether a sync is planned that has not begun.
    planned: Arc<AtomicBool>,
}

impl Journal {
    /// The journal of the database in that file.
    pub(crate) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: PathBuf::from(path).into(),
            planned: Arc::default(),
        }
    }

    /// Returns once everything committed before is on the disk.
    pub(crate) async fn sync(&self) -> Result<()> {
        let path = Arc::clone(&self.path);
        let synced = tokio::task::spawn_blocking(move || sync(&path)).await;
        match synced {
            Ok(synced) => synced,
            // The runtime ends, and with it the process: closing syncs.
            Err(_) => Ok(()),
        }
    }

    /// Sees to it that everything committed before is on the disk within
    /// [`SOON`].
    pub(crate) fn sync_soon(&self) {
        if self.planned.swap(true, Ordering::AcqRel) {
            return;
        }
        let (path, planned) = (Arc::clone(&self.path), Arc::clone(&self.planned));
        tokio::spawn(async move {
            tokio::time::sleep(SOON).await;
            // From here on a new commit plans a sync of its own.
            planned.store(false, Ordering::Release);
            let synced = tokio::task::spawn_blocking(move || sync(&path)).await;
            if let Ok(Err(error)) = synced {
                tracing::error!(%error, "the journal could not be brought to the disk");
            }
        });
    }
}

/// SQLite holds no lock on the journal itself, so that closing this handle takes
/// none from it.
fn sync(path: &Path) -> Result<()> {
    let synced = OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_data());
    match synced {
        Ok(()) => Ok(()),
        // Moved into the database and removed, which syncs more.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::Files {
            path: path.to_owned(),
            source,
        }),
    }
}
