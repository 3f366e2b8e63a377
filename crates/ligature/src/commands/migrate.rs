//! `ligature migrate`: brings the database to this version, as a start would.

use clap::Args;
use engine::{Clock as _, SystemClock};
use serde_json::json;
use store::Store;

use crate::config::StoreFlags;
use crate::console;

/// Migrate the database.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    store: StoreFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    /// Migrates and says what was done.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let database = self.store.settle(None)?;
        let now = SystemClock::default().now();
        let migrated = Store::migrate(database.settings, now).await?;
        if self.json {
            let result = json!({ "applied": migrated.applied, "total": migrated.total });
            return Ok(console::line(&result.to_string())?);
        }
        for name in &migrated.applied {
            console::line(&format!("applied {name}"))?;
        }
        if migrated.applied.is_empty() {
            console::line(&format!(
                "nothing to do: all {} migrations were applied before",
                migrated.total
            ))?;
        }
        Ok(())
    }
}
