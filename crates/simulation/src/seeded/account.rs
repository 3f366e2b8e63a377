//! What must be true at every moment, held against the store, the provider and
//! the receiver.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use jiff::Timestamp;
use store::{Examination, MessageBody, Store};

use super::world::GROUP;
use crate::receiver::{Inbox, records};

/// What has ever been in the outbox.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Every message.
    messages: BTreeSet<String>,
    /// The message that carries each version of each record of each customer.
    carriers: BTreeMap<(String, String, String, String), String>,
}

impl Account {
    /// Holds a look at the store against what was known before.
    pub(super) async fn check(
        &mut self,
        store: &Store,
        seen: &Examination,
        truth: &BTreeMap<(String, String), String>,
    ) -> anyhow::Result<()> {
        let kept: BTreeSet<&String> = seen.messages.iter().map(|message| &message.id).collect();
        for id in &self.messages {
            ensure!(kept.contains(id), "message {id} is gone from the outbox");
        }
        for id in kept {
            if !self.messages.contains(id) {
                self.learn(store, id).await?;
                self.messages.insert(id.clone());
            }
        }
        let watermarks = seen
            .syncs
            .iter()
            .filter(|sync| sync.object_name == "repositories")
            .filter_map(|sync| sync.watermark);
        for watermark in watermarks {
            self.covers(watermark, truth)?;
        }
        Ok(())
    }

    async fn learn(&mut self, store: &Store, id: &str) -> anyhow::Result<()> {
        let body = match store.kept_message(id).await?.body {
            MessageBody::Inline(body) => body,
            MessageBody::Url { .. } => anyhow::bail!("no record here is that big"),
        };
        for ((group, object, key), version) in records(&body) {
            let record = (group, object.clone(), key.clone(), version.clone());
            let carrier = self.carriers.insert(record, id.to_owned());
            ensure!(
                object != "repositories" || carrier.is_none(),
                "{key} of {version} is in {id} and in {carrier:?}: a page was committed twice"
            );
        }
        Ok(())
    }

    /// Everything older than a watermark is in the outbox.
    fn covers(
        &self,
        watermark: Timestamp,
        truth: &BTreeMap<(String, String), String>,
    ) -> anyhow::Result<()> {
        for ((object, key), version) in truth.iter().filter(|((o, _), _)| o == "repositories") {
            let at: Timestamp = version.parse()?;
            let record = (
                GROUP.to_owned(),
                object.clone(),
                key.clone(),
                version.clone(),
            );
            ensure!(
                at >= watermark || self.carriers.contains_key(&record),
                "the watermark {watermark} is ahead: {key} of {version} was never delivered"
            );
        }
        Ok(())
    }
}

/// What counts as delivered was taken.
pub(super) fn settled_truly(seen: &Examination, inbox: &Inbox) -> anyhow::Result<()> {
    ensure!(inbox.forged == 0, "{} messages were forged", inbox.forged);
    for message in seen.messages.iter().filter(|m| m.status == "delivered") {
        ensure!(
            inbox.messages.contains_key(&message.id),
            "message {} counts as delivered, and was never taken",
            message.id
        );
    }
    Ok(())
}
