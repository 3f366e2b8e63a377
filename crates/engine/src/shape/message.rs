//! Entries into messages of bounded size: the contract's webhook message, split
//! so that no message is larger than [`MOST_MESSAGE_BYTES`] as a whole.

use jiff::Timestamp;
use serde::Serialize;
use store::{LinkedResult, MOST_MESSAGE_BYTES, MessageBody, NewMessage, ReadSubject, ReadType};

use super::record::ShapedRecord;
use super::selection::Selection;

/// What every message of one page says besides its records.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    action: &'static str,
    project_id: String,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    group_ref: String,
    group_name: String,
    consumer_ref: String,
    consumer_name: String,
    installation_id: String,
    installation_update_time: String,
    object_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_object_name: Option<String>,
    operation_id: String,
    operation_time: String,
    read_type: &'static str,
}

impl Envelope {
    /// The envelope of a page read now.
    pub(crate) fn new(subject: &ReadSubject, selection: &Selection, now: Timestamp) -> Self {
        let installation = &subject.installation;
        Self {
            action: "read",
            project_id: subject.project.id.clone(),
            provider: subject.connection.provider.clone(),
            workspace: subject.connection.provider_workspace_ref.clone(),
            group_ref: subject.group.group_ref.clone(),
            group_name: subject.group.name.clone(),
            consumer_ref: subject.consumer.consumer_ref.clone(),
            consumer_name: subject.consumer.name.clone(),
            installation_id: installation.id.clone(),
            installation_update_time: installation
                .update_time
                .unwrap_or(installation.create_time)
                .to_string(),
            object_name: selection.object_name.clone(),
            raw_object_name: selection.raw_object_name.clone(),
            operation_id: subject.sync.operation_id.clone().unwrap_or_default(),
            operation_time: now.to_string(),
            read_type: subject
                .sync
                .read_type
                .unwrap_or(ReadType::Backfill)
                .as_str(),
        }
    }

    /// The envelope as an open JSON object with `resultInfo`.
    fn open(&self, kind: &'static str, count: usize) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct With<'a> {
            #[serde(flatten)]
            envelope: &'a Envelope,
            result_info: ResultInfo,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ResultInfo {
            r#type: &'static str,
            num_records: usize,
        }
        let info = ResultInfo {
            r#type: kind,
            num_records: count,
        };
        serde_json::to_vec(&With {
            envelope: self,
            result_info: info,
        })
    }

    /// A whole inline message.
    fn inline(&self, entries: &[Vec<u8>]) -> Result<Vec<u8>, serde_json::Error> {
        let mut body = self.open("inline", entries.len())?;
        body.pop();
        body.reserve(entries.iter().map(|entry| entry.len() + 1).sum::<usize>() + 16);
        body.extend_from_slice(b",\"result\":");
        push_array(&mut body, entries);
        body.push(b'}');
        Ok(body)
    }
}

/// A message without its address.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(super) body: MessageBody,
    pub(super) num_records: u32,
}

impl Shaped {
    /// The message with a new id, for a destination.
    pub(crate) fn addressed(self, destination_id: &str, subject: &ReadSubject) -> NewMessage {
        NewMessage {
            id: format!("msg_{}", uuid::Uuid::now_v7().simple()),
            destination_id: destination_id.to_owned(),
            installation_id: subject.installation.id.clone(),
            operation_id: subject.sync.operation_id.clone().unwrap_or_default(),
            body: self.body,
            num_records: self.num_records,
            hold_for: None,
        }
    }
}

/// Packs records, in order, into as few messages as the limits allow: that of
/// bytes, and `most_records` in each where there is one. A record too big for any
/// message becomes one of its own, to be fetched by link.
pub(crate) fn messages(
    envelope: &Envelope,
    records: Vec<ShapedRecord>,
    most_records: Option<usize>,
) -> Result<Vec<Shaped>, serde_json::Error> {
    // A message without its entries, their commas and their number.
    let bare = envelope.inline(&[])?.len() - 1;
    let size = |count: usize, bytes: usize| {
        bare + count.to_string().len() + bytes + count.saturating_sub(1)
    };
    let mut messages = Vec::new();
    let mut batch: Vec<Vec<u8>> = Vec::new();
    let mut batch_bytes = 0;
    for ShapedRecord(entry) in records {
        if size(1, entry.len()) > MOST_MESSAGE_BYTES {
            flush(envelope, &mut batch, &mut messages)?;
            batch_bytes = 0;
            let body = MessageBody::Url {
                envelope: envelope.open("url", 1)?,
                result: LinkedResult::InRow(array(&[entry])),
            };
            messages.push(Shaped {
                body,
                num_records: 1,
            });
            continue;
        }
        let counted_out = most_records.is_some_and(|most| batch.len() >= most.max(1));
        if counted_out || size(batch.len() + 1, batch_bytes + entry.len()) > MOST_MESSAGE_BYTES {
            flush(envelope, &mut batch, &mut messages)?;
            batch_bytes = 0;
        }
        batch_bytes += entry.len();
        batch.push(entry);
    }
    flush(envelope, &mut batch, &mut messages)?;
    Ok(messages)
}

fn flush(
    envelope: &Envelope,
    batch: &mut Vec<Vec<u8>>,
    messages: &mut Vec<Shaped>,
) -> Result<(), serde_json::Error> {
    if !batch.is_empty() {
        let num_records = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        messages.push(Shaped {
            body: MessageBody::Inline(envelope.inline(batch)?),
            num_records,
        });
        batch.clear();
    }
    Ok(())
}

fn array(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut array = Vec::new();
    push_array(&mut array, entries);
    array
}

fn push_array(to: &mut Vec<u8>, entries: &[Vec<u8>]) {
    to.push(b'[');
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            to.push(b',');
        }
        to.extend_from_slice(entry);
    }
    to.push(b']');
}
