//! `ligature backup FILE`: a consistent copy of everything, while the server runs.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use engine::{Clock as _, SystemClock};
use outbound::{ObjectError, Objects};
use serde_json::json;
use store::archive::{Snapshot, Writer};

use super::counter::Counter;
use crate::config::{NodeFlags, StoreFlags};
use crate::console;

/// Write a backup.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not exist yet
    file: PathBuf,
    /// Include the objects of the object store (a directory's are included anyway)
    #[arg(long, conflicts_with = "without_objects")]
    with_objects: bool,
    /// Leave the objects out
    #[arg(long)]
    without_objects: bool,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    node: NodeFlags,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Writes the backup beside its name, and gives it its name once it is whole.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.file.exists(),
            "{} exists already; a backup is not written over",
            self.file.display()
        );
        let located = self.store.locate();
        let objects = self
            .node
            .keep
            .objects(located.own_dir.as_deref(), &self.node.outbound()?)?;
        let objects = objects.filter(|objects| {
            !self.without_objects && (self.with_objects || objects.is_directory())
        });
        let now = SystemClock::default().now();
        let version = env!("CARGO_PKG_VERSION");
        let snapshot = Snapshot::take(&located.settings(), objects.is_some(), version, now).await?;

        let partial = partial(&self.file);
        let written = self.write(&partial, &snapshot, objects.as_ref()).await;
        if written.is_err() {
            std::fs::remove_file(&partial).ok();
        }
        let (kept, missing) = written?;
        std::fs::rename(&partial, &self.file)
            .with_context(|| format!("{} cannot be given its name", self.file.display()))?;
        let bytes = std::fs::metadata(&self.file)?.len();
        let header = &snapshot.header;
        if self.json {
            let result = json!({
                "file": self.file,
                "bytes": bytes,
                "createTime": header.created_at,
                "migrations": header.migrations,
                "rows": header.rows(),
                "objects": kept,
                "missingObjects": missing,
            });
            return Ok(console::line(&result.to_string())?);
        }
        console::line(&format!(
            "{}: {} rows, {kept} objects, {bytes} bytes",
            self.file.display(),
            header.rows()
        ))?;
        if missing > 0 {
            console::error(&format!(
                "{missing} objects were deleted meanwhile, as their time was over"
            ));
        }
        console::error("The secret key is not in it: keep that elsewhere, and keep it.");
        Ok(())
    }

    /// Returns how many objects are in it, and how many were gone.
    async fn write(
        &self,
        path: &Path,
        snapshot: &Snapshot,
        objects: Option<&Objects>,
    ) -> anyhow::Result<(u64, u64)> {
        let file = create(path).with_context(|| format!("{} cannot be made", path.display()))?;
        let mut writer = Writer::begin(BufWriter::new(file), snapshot)?;
        let counter = Counter::start("rows", snapshot.header.rows());
        writer.rows(snapshot, |rows| counter.at(rows)).await?;
        counter.finish();
        let (mut kept, mut missing) = (0, 0);
        if let Some(objects) = objects {
            let keys = snapshot.object_keys().await?;
            let counter = Counter::start("objects", u64::try_from(keys.len())?);
            for key in keys {
                match objects.get(&key).await {
                    Ok(bytes) => {
                        writer.object(&key, &bytes)?;
                        kept += 1;
                    }
                    Err(ObjectError::Missing { .. }) => missing += 1,
                    Err(error) => return Err(error.into()),
                }
                counter.at(kept + missing);
            }
            counter.finish();
        }
        let mut out = writer.finish()?;
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok((kept, missing))
    }
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// A file that only its owner may read: customers' data is in it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
