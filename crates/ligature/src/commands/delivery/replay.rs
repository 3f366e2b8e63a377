//! `ligature delivery replay`.

use clap::Args;
use engine::actions;
use engine::actions::delivery::ReplayRange;
use http::Method;
use serde_json::{Value, json};
use store::DeliveryStatus;

use super::{On, Range, Way, is_status};
use crate::console;

/// Send again what is dead or was delivered: by id, or a destination's
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Deliveries to replay, by id
    #[arg(required_unless_present = "destination", value_name = "ID")]
    ids: Vec<String>,
    /// Replay all that match of this destination, by name or id
    #[arg(long, conflicts_with = "ids", value_name = "DESTINATION")]
    destination: Option<String>,
    /// dead (default) or delivered
    #[arg(long, requires = "destination", value_name = "STATUS", value_parser = is_status)]
    status: Option<DeliveryStatus>,
    #[command(flatten)]
    range: Range,
    #[command(flatten)]
    on: On,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.destination.is_some() || (self.range.from.is_none() && self.range.to.is_none()),
            "--from and --to go with --destination"
        );
        let way = self.on.open().await?;
        let replayed = match &self.destination {
            Some(destination) => self.all_of(&way, destination).await?,
            None => {
                let mut replayed = 0;
                for id in &self.ids {
                    self.one(&way, id).await?;
                    replayed += 1;
                }
                replayed
            }
        };
        if self.on.store.json {
            return Ok(console::line(&json!({ "replayed": replayed }).to_string())?);
        }
        Ok(console::line(&format!("Replayed: {replayed}"))?)
    }

    async fn one(&self, way: &Way, id: &str) -> anyhow::Result<()> {
        match way {
            Way::Server(server) => {
                let call = format!("{id}:replay");
                server
                    .call(Method::POST, &["deliveries", &call], &[], None)
                    .await?;
            }
            Way::Store(node) => {
                let project = &self.on.project;
                actions::delivery::replay(&node.engine, &node.operator(), project, id).await?;
            }
        }
        Ok(())
    }

    async fn all_of(&self, way: &Way, destination: &str) -> anyhow::Result<u64> {
        match way {
            Way::Server(server) => {
                let call = format!("{destination}:replay");
                let range = json!({
                    "status": self.status.map(DeliveryStatus::as_str),
                    "from": self.range.from,
                    "to": self.range.to,
                });
                let answer = server
                    .call(Method::POST, &["destinations", &call], &[], Some(&range))
                    .await?;
                let replayed = answer.get("replayed").and_then(Value::as_u64);
                replayed.ok_or_else(|| anyhow::anyhow!("the server does not say how many"))
            }
            Way::Store(node) => {
                let range = ReplayRange {
                    status: self.status,
                    from: self.range.from,
                    to: self.range.to,
                };
                let (engine, operator) = (&node.engine, node.operator());
                let project = &self.on.project;
                let replayed =
                    actions::delivery::replay_range(engine, &operator, project, destination, range);
                Ok(replayed.await?)
            }
        }
    }
}
