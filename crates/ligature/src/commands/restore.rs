//! `ligature restore FILE`: a backup into an empty store of either kind.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use engine::{Clock as _, SystemClock};
use serde_json::json;
use store::StoreError;
use store::archive::{Archive, ArchivedObject, ObjectPlace};

use super::counter::Counter;
use crate::config::{NodeFlags, StoreFlags};
use crate::console;

/// Restore a backup.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    node: NodeFlags,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    /// Checks the whole file first, then takes it in, all or nothing.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let database = self.store.settle_with_its_key()?;
        let objects = self
            .node
            .keep
            .objects(database.own_dir.as_deref(), &self.node.outbound()?)?;
        let archive = Archive::check(&self.file, &database.settings.keys)?;
        let place = async |object: ArchivedObject| match &objects {
            Some(objects) => {
                let put = objects.put(&object.key, Bytes::from(object.bytes)).await;
                put.map(|()| ObjectPlace::Stored)
                    .map_err(|error| StoreError::Archive(format!("an object of it: {error}")))
            }
            None => Ok(ObjectPlace::Row(object.bytes)),
        };
        let counter = Counter::start("rows", archive.header.rows());
        let now = SystemClock::default().now();
        let restored = archive
            .restore(database.settings, now, place, |rows| counter.at(rows))
            .await?;
        counter.finish();
        let header = &archive.header;
        if self.json {
            let result = json!({
                "rows": restored.rows,
                "objects": restored.objects,
                "createTime": header.created_at,
                "from": { "version": header.version, "database": header.database },
            });
            return Ok(console::line(&result.to_string())?);
        }
        console::line(&format!(
            "Restored {} rows and {} objects as they were at {}.",
            restored.rows, restored.objects, header.created_at
        ))?;
        if !header.has_objects {
            console::error(
                "The objects of the object store are not in this backup: LIGATURE_OBJECT_STORE has to name where they are.",
            );
        }
        Ok(())
    }
}
