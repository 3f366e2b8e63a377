//! `ligature delivery list`.

use clap::Args;
use http::Method;
use serde_json::Value;
use store::{DeliveryFilter, DeliveryStatus};

use super::{On, Range, Way, is_status};
use crate::console;

/// The most entries of a page of the API.
const PAGE: u32 = 1_000;

/// List deliveries, newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    on: On,
    /// held, pending, delivered or dead
    #[arg(long, value_name = "STATUS", value_parser = is_status)]
    status: Option<DeliveryStatus>,
    /// Only to this destination, by name or id
    #[arg(long, value_name = "DESTINATION")]
    destination: Option<String>,
    /// Only of this installation
    #[arg(long, value_name = "ID")]
    installation: Option<String>,
    #[command(flatten)]
    range: Range,
    /// How many at most
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        let way = self.on.open().await?;
        loop {
            let left = self.limit.saturating_sub(u32::try_from(found.len())?);
            let (page, next) = self.page(&way, left.min(PAGE), token.as_deref()).await?;
            found.extend(page);
            token = next;
            if token.is_none() || found.len() >= usize::try_from(self.limit)? {
                break;
            }
        }
        if self.on.store.json {
            return Ok(console::line(&Value::Array(found).to_string())?);
        }
        for delivery in &found {
            console::line(&line(delivery))?;
        }
        if found.is_empty() {
            console::error("There are no deliveries that match.");
        }
        Ok(())
    }

    /// One page, in the API's shape, and the token of the next.
    async fn page(
        &self,
        way: &Way,
        size: u32,
        token: Option<&str>,
    ) -> anyhow::Result<(Vec<Value>, Option<String>)> {
        match way {
            Way::Server(server) => {
                let given = [
                    (
                        "status",
                        self.status.map(|status| status.as_str().to_owned()),
                    ),
                    ("destination", self.destination.clone()),
                    ("installation", self.installation.clone()),
                    ("from", self.range.from.map(|at| at.to_string())),
                    ("to", self.range.to.map(|at| at.to_string())),
                    ("pageSize", Some(size.to_string())),
                    ("pageToken", token.map(str::to_owned)),
                ];
                let query: Vec<(&str, String)> = given
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect();
                let mut page = server
                    .call(Method::GET, &["deliveries"], &query, None)
                    .await?;
                let next = page.pointer("/pagination/nextPageToken");
                let next = next.and_then(Value::as_str).map(str::to_owned);
                let results = page.get_mut("results").map(Value::take);
                Ok((
                    results
                        .and_then(|results| match results {
                            Value::Array(results) => Some(results),
                            _ => None,
                        })
                        .unwrap_or_default(),
                    next,
                ))
            }
            Way::Store(node) => {
                let store = &node.engine.store;
                let scope = store.scope(&node.operator(), &self.on.project).await?;
                let tenant = store.within(&scope);
                let mut filter = DeliveryFilter {
                    status: self.status,
                    installation_id: self.installation.clone(),
                    from: self.range.from,
                    to: self.range.to,
                    destination_id: None,
                };
                if let Some(destination) = &self.destination {
                    filter.destination_id = Some(tenant.destination(destination).await?.id);
                }
                let (page, next) = tenant.deliveries(&filter, size, token).await?;
                Ok((page.iter().map(server::delivery_json).collect(), next))
            }
        }
    }
}

/// A delivery on one line.
fn line(delivery: &Value) -> String {
    let text = |name: &str| delivery.get(name).and_then(Value::as_str).unwrap_or("-");
    let attempts = delivery.get("attempts").and_then(Value::as_i64);
    format!(
        "{}  {:9}  {}  {}  attempts {}  {}",
        text("id"),
        text("status"),
        text("createTime"),
        text("destinationName"),
        attempts.unwrap_or_default(),
        text("error"),
    )
}
