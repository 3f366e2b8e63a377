//! Results too big for a message: where they are kept, and how they are read.
//!
//! Up to a megabyte of JSON stays in the message's own row: compressed it is
//! about the quarter megabyte for which page commits were measured, and the row
//! is one thing less that can be missing. What is bigger goes to the object
//! store, where there is one, before the transaction that names it.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use outbound::{ObjectError, Objects};
use store::{Inflater, LinkedResult, MessageBody, NewMessage, Store, StoreError, compressed};

use crate::error::ActionError;

/// The largest result that stays in its row, as JSON.
const MOST_ROW_BYTES: usize = 1024 * 1024;
/// Objects on their way at once, for one page.
const PARALLEL: usize = 8;

/// Where results are kept.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    pub(crate) store: Store,
    /// `None` keeps them all in their rows.
    pub(crate) objects: Option<Objects>,
}

/// Why a result could not be kept.
#[derive(Debug)]
pub(crate) enum KeepError {
    Store(StoreError),
    Objects(ObjectError),
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A result, as it comes.
pub type ResultStream = BoxStream<'static, std::io::Result<Bytes>>;

impl Results {
    /// Puts what is too big for a row into the object store. What becomes of an
    /// object whose message is never committed, the store knows.
    pub(crate) async fn keep(
        &self,
        mut messages: Vec<NewMessage>,
        now: Timestamp,
    ) -> Result<Vec<NewMessage>, KeepError> {
        let Some(objects) = &self.objects else {
            return Ok(messages);
        };
        let mut big: Vec<Big> = Vec::new();
        for (index, message) in messages.iter_mut().enumerate() {
            if let Some(json) = take_big(&mut message.body) {
                let key = key(&message.id, now);
                big.push(Big { index, key, json });
            }
        }
        if big.is_empty() {
            return Ok(messages);
        }
        let keys: Vec<String> = big.iter().map(|big| big.key.clone()).collect();
        self.store.announce_objects(&keys, now).await?;
        let puts: Vec<_> = big
            .into_iter()
            .map(|big| put(objects.clone(), big))
            .collect();
        let mut puts = stream::iter(puts).buffer_unordered(PARALLEL);
        while let Some(put) = puts.next().await {
            let (index, kept) = put?;
            if let Some(MessageBody::Url { result, .. }) =
                messages.get_mut(index).map(|message| &mut message.body)
            {
                *result = kept;
            }
        }
        Ok(messages)
    }

    /// The array that a message's `result` would have held.
    pub(crate) async fn fetch(&self, message_id: &str) -> Result<ResultStream, ActionError> {
        match self.store.message_result(message_id).await? {
            LinkedResult::InRow(json) => Ok(stream::once(async { Ok(Bytes::from(json)) }).boxed()),
            LinkedResult::InObject { key, .. } => {
                let objects = self.objects.as_ref().ok_or_else(|| {
                    ActionError::Internal(
                        "a result lies in an object store, and LIGATURE_OBJECT_STORE names none"
                            .to_owned(),
                    )
                })?;
                let chunks = objects.stream(&key).await?;
                let inflater = Inflater::new()?;
                Ok(chunks
                    .scan(inflater, |inflater, chunk| {
                        let json = chunk
                            .map_err(std::io::Error::other)
                            .and_then(|chunk| inflater.push(&chunk).map_err(std::io::Error::other));
                        std::future::ready(Some(json.map(Bytes::from)))
                    })
                    .boxed())
            }
        }
    }
}

/// A result on its way out of a message's row.
struct Big {
    index: usize,
    key: String,
    json: Vec<u8>,
}

/// A result that is too big for its row, taken out of it.
fn take_big(body: &mut MessageBody) -> Option<Vec<u8>> {
    match body {
        MessageBody::Url { result, .. } => match result {
            LinkedResult::InRow(json) if json.len() > MOST_ROW_BYTES => Some(std::mem::take(json)),
            LinkedResult::InRow(_) | LinkedResult::InObject { .. } => None,
        },
        MessageBody::Inline(_) => None,
    }
}

async fn put(objects: Objects, big: Big) -> Result<(usize, LinkedResult), KeepError> {
    let Big { index, key, json } = big;
    let body = compressed(&json)?;
    let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    objects
        .put(&key, Bytes::from(body))
        .await
        .map_err(KeepError::Objects)?;
    Ok((index, LinkedResult::InObject { key, bytes }))
}

/// By day, so that no directory grows without end.
fn key(message_id: &str, now: Timestamp) -> String {
    format!("results/{}/{message_id}.json.zst", now.strftime("%Y/%m/%d"))
}
