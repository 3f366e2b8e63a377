//! Writing records to a customer's account: the request is understood, mapped to the
//! provider's names, and accepted; what somebody waits for is done at once.

mod answer;
mod mode;
mod target;

use serde_json::{Map, Value};
use store::{Accepted, Actor};

pub use answer::{Results, Written, WrittenRecord};

use self::answer::{answer, known};
use self::mode::Mode;
use self::target::Target;
use super::require_full;
use crate::write::Action;
use crate::{ActionError, Engine};

/// A request for a write.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The integration, by id or name.
    pub integration: String,
    /// The object, as the provider or the app names it.
    pub object: String,
    /// The customer.
    pub group_ref: String,
    /// `create`, `update` or `delete`.
    pub action: String,
    /// `synchronous`, as where it is absent, or `asynchronous`.
    pub mode: Option<String>,
    /// The records.
    pub records: Records,
    /// For how many hours an asynchronous one is tried.
    pub deadline_hours: Option<i64>,
    /// Whether it may be written together with others, and when.
    pub auto_batch: Option<AutoBatch>,
    /// Whether all of a batch are to be written or none.
    pub all_or_none: bool,
    /// `associations` or `headers`, if asked for: no provider here takes them.
    pub extra: Option<&'static str>,
    /// By what the same request is known again.
    pub idempotency_key: Option<String>,
}

/// The records of a request.
#[derive(Debug, Clone, Default)]
pub enum Records {
    /// Neither `record` nor `batch`, or both.
    #[default]
    Unclear,
    /// One.
    One(Map<String, Value>),
    /// A batch.
    Batch(Vec<Map<String, Value>>),
}

/// How long a record waits for others.
#[derive(Debug, Clone, Copy)]
pub struct AutoBatch {
    /// At most so long.
    pub max_delay_minutes: i64,
    /// For how many hours the batch is tried.
    pub retry_deadline_hours: Option<i64>,
}

/// Writes records.
///
/// # Errors
/// [`ActionError::BadRequest`] for everything that is wrong with the request;
/// [`ActionError::Provider`] when the provider's limit is reached, and
/// [`ActionError::Conflict`] while the same request is under way. What the provider
/// refuses is a result.
pub async fn write(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    write: Write,
) -> Result<Written, ActionError> {
    require_full(actor)?;
    let action = Action::of_word(&write.action).ok_or_else(|| {
        let words = "`create`, `update` or `delete`";
        bad(
            format!("`type` is `{}`", write.action),
            format!("Use {words}"),
        )
    })?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let mode = Mode::of(&write, action)?;
    let target = Target::find(engine, &tenant, &write).await?;
    let payloads = target.payloads(action, &write)?;
    let now = engine.clock.now();
    let new = target.new_write(&write, action, mode, &payloads, now)?;
    match tenant.accept_write(&new, now).await? {
        Accepted::New {
            operation_id,
            records,
        } => {
            tracing::info!(operation = %operation_id, object = %new.object_name, action = new.action, records = payloads.len(), "a write was accepted");
            if mode != Mode::Sync {
                return Ok(Written {
                    operation_id,
                    results: None,
                });
            }
            let records = records.into_iter().zip(payloads).collect();
            let done = target
                .run(engine, &operation_id, &new, action, records)
                .await?;
            answer(operation_id, done, new.is_batch, action, now)
        }
        Accepted::Known { operation_id } => known(&tenant, operation_id, action).await,
        Accepted::Reused => Err(bad(
            "the Idempotency-Key was used for another request",
            "Use a new key for each request, and the same only to repeat one",
        )),
    }
}

fn bad(detail: impl Into<String>, remedy: impl Into<String>) -> ActionError {
    ActionError::bad_request(detail, remedy)
}
