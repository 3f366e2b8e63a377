//! Writing records to a customer's account: the request is understood, mapped to the
//! provider's names, and accepted; what somebody waits for is done at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Connector, Failure};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use store::{
    Accepted, Actor, Connection, Installation, InstallationFilter, NewWrite, RecordAnswer, Tenant,
    WriteJob, WriteKey, WriteMode, WriteState,
};

use super::require_full;
use crate::read::inputs_of;
use crate::shape::{InstallationConfig, Reverse, chosen};
use crate::write::{Action, Done, ObjectSettings, Payload, SyncWrite, Writing};
use crate::{ActionError, Engine};

/// Records of one request.
const MOST_RECORDS: usize = 100;
/// The longest `Idempotency-Key`, in bytes.
const LONGEST_KEY: usize = 255;
/// After so long, others look what became of a write that somebody waited for.
const HOLD: SignedDuration = SignedDuration::from_mins(5);
const HOURS: std::ops::RangeInclusive<i64> = 1..=48;
const MINUTES: std::ops::RangeInclusive<i64> = 1..=1440;

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
    /// Whether associations or headers are asked for, which no provider here takes.
    pub extras: Vec<&'static str>,
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

/// What a write is answered.
#[derive(Debug)]
pub struct Written {
    /// The operation.
    pub operation_id: String,
    /// What came of it; `None` while nobody waits for it.
    pub results: Option<Results>,
}

/// What came of the records, in their order.
#[derive(Debug)]
pub enum Results {
    /// Of the only one.
    One(WrittenRecord),
    /// Of a batch.
    Batch(Vec<WrittenRecord>),
}

/// What came of a record.
#[derive(Debug, Default)]
pub struct WrittenRecord {
    /// What it is called at the provider; of a create or an update that succeeded.
    pub record_id: Option<String>,
    /// The record as the provider has it now.
    pub data: Option<Box<RawValue>>,
    /// Why it was not written.
    pub error: Option<String>,
    /// What the provider answered then.
    pub raw: Option<String>,
}

impl WrittenRecord {
    /// Whether it was written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.error.is_none()
    }
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
    // Deletions are always waited for.
    let plan = Plan::of(&write, action)?;
    let target = Target::find(engine, &tenant, &write).await?;
    let payloads = target.payloads(action, &write)?;
    let now = engine.clock.now();
    let new = target.new_write(&write, action, &plan, &payloads, now)?;
    match tenant.accept_write(&new, now).await? {
        Accepted::New {
            operation_id,
            records,
        } => {
            tracing::info!(operation = %operation_id, object = %new.object_name, action = new.action, records = payloads.len(), "a write was accepted");
            if plan.mode != Mode::Sync {
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

/// The answer to a request that was made before.
async fn known(
    tenant: &Tenant<'_>,
    operation_id: String,
    action: Action,
) -> Result<Written, ActionError> {
    let kept = tenant.write_answer(&operation_id).await?;
    if !kept.is_sync {
        return Ok(Written {
            operation_id,
            results: None,
        });
    }
    if !kept.is_over() {
        return Err(ActionError::Conflict {
            detail: format!(
                "the same request is under way as operation `{operation_id}`; ask again in a while"
            ),
        });
    }
    let records = kept.records.into_iter();
    let mut records: Vec<WrittenRecord> = records.map(|record| of_kept(record, action)).collect();
    let results = match (kept.is_batch, records.len()) {
        (false, 1) => Results::One(records.pop().unwrap_or_default()),
        _ => Results::Batch(records),
    };
    Ok(Written {
        operation_id,
        results: Some(results),
    })
}

fn of_kept(record: RecordAnswer, action: Action) -> WrittenRecord {
    let made = record.state == WriteState::Made;
    WrittenRecord {
        record_id: record
            .record_id
            .filter(|_| made && action != Action::Delete),
        data: record
            .data
            .and_then(|data| RawValue::from_string(data).ok()),
        error: (!made).then(|| {
            record
                .error
                .unwrap_or_else(|| "it was not written".to_owned())
        }),
        raw: record.raw,
    }
}

/// The answer to what has just been done.
fn answer(
    operation_id: String,
    done: Vec<Done>,
    is_batch: bool,
    action: Action,
    now: Timestamp,
) -> Result<Written, ActionError> {
    if let (
        false,
        [
            Done::Failed {
                again_at: Some(at), ..
            },
        ],
    ) = (is_batch, done.as_slice())
    {
        let wait_s = at.duration_since(now).as_secs().max(1);
        return Err(ActionError::Provider(Failure::RateLimited {
            retry_after_s: u64::try_from(wait_s).ok(),
        }));
    }
    let mut records: Vec<WrittenRecord> = done
        .into_iter()
        .map(|done| match done {
            Done::Made { record_id, data } => WrittenRecord {
                record_id: (action != Action::Delete).then_some(record_id),
                data: data.and_then(|data| RawValue::from_string(data).ok()),
                ..WrittenRecord::default()
            },
            Done::Failed { error, raw, .. } => WrittenRecord {
                error: Some(error),
                raw,
                ..WrittenRecord::default()
            },
        })
        .collect();
    let results = match is_batch {
        false => Results::One(records.pop().unwrap_or_default()),
        true => Results::Batch(records),
    };
    Ok(Written {
        operation_id,
        results: Some(results),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sync,
    Async { hours: i64 },
    Collected { minutes: i64, hours: i64 },
}

/// How a request is carried out.
struct Plan {
    mode: Mode,
}

impl Plan {
    /// # Errors
    /// [`ActionError::BadRequest`] for what cannot be done.
    fn of(write: &Write, action: Action) -> Result<Self, ActionError> {
        if let Some(extra) = write.extras.first() {
            return Err(bad(
                format!("`{extra}` are not supported"),
                "No provider of this server takes them: leave them out",
            ));
        }
        if write.all_or_none {
            return Err(bad(
                "`batchPolicy.allOrNone` is not supported",
                "The provider has no transaction that could be undone: leave it out, and look at each result",
            ));
        }
        let is_batch = match &write.records {
            Records::Unclear => {
                return Err(bad(
                    "the request has neither `record` nor `batch`, or both",
                    "Send one record as `record`, several as `batch`",
                ));
            }
            Records::One(_) => false,
            Records::Batch(batch) if batch.is_empty() || batch.len() > MOST_RECORDS => {
                return Err(bad(
                    format!("`batch` has {} records", batch.len()),
                    format!("A batch has 1 to {MOST_RECORDS}"),
                ));
            }
            Records::Batch(_) if action == Action::Delete => {
                return Err(bad(
                    "records are deleted one by one",
                    "Send `record` with the `id` of one",
                ));
            }
            Records::Batch(_) => true,
        };
        Ok(Self {
            mode: mode(write, action, is_batch)?,
        })
    }

    fn write_mode(&self, now: Timestamp) -> WriteMode {
        let after = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        match self.mode {
            Mode::Sync => WriteMode::Sync {
                hold_until: after(HOLD),
            },
            Mode::Async { hours } => WriteMode::Async {
                deadline_at: after(SignedDuration::from_hours(hours)),
            },
            Mode::Collected { minutes, hours } => {
                let delay = SignedDuration::from_mins(minutes);
                WriteMode::Collected {
                    flush_at: after(delay),
                    deadline_at: after(delay + SignedDuration::from_hours(hours)),
                }
            }
        }
    }
}

fn mode(write: &Write, action: Action, is_batch: bool) -> Result<Mode, ActionError> {
    let within = |name: &str, number: i64, range: std::ops::RangeInclusive<i64>| {
        if range.contains(&number) {
            return Ok(number);
        }
        let (least, most) = (range.start(), range.end());
        Err(bad(
            format!("`{name}` is {number}"),
            format!("Use a whole number from {least} to {most}"),
        ))
    };
    let deadline = write.deadline_hours.unwrap_or(1);
    let deadline = within("retryPolicy.deadlineHours", deadline, HOURS);
    let is_async = match write.mode.as_deref() {
        None | Some("synchronous") => false,
        Some("asynchronous") => true,
        Some(_) if action == Action::Delete => false,
        Some(other) => {
            return Err(bad(
                format!("the mode `{other}` is not supported"),
                "Use `synchronous` or `asynchronous`",
            ));
        }
    };
    if action == Action::Delete {
        return Ok(Mode::Sync);
    }
    let Some(auto) = write.auto_batch else {
        return Ok(match is_async {
            true => Mode::Async { hours: deadline? },
            false => Mode::Sync,
        });
    };
    if !is_async || is_batch {
        return Err(bad(
            "`autoBatchPolicy` is for single records and the asynchronous mode",
            "Send one `record` with `mode: asynchronous`, or leave the policy out",
        ));
    }
    let minutes = within(
        "autoBatchPolicy.maxDelayMinutes",
        auto.max_delay_minutes,
        MINUTES,
    )?;
    let hours = auto.retry_deadline_hours.unwrap_or(1);
    let hours = within("autoBatchPolicy.retryDeadlineHours", hours, HOURS)?;
    Ok(Mode::Collected { minutes, hours })
}

/// What is written to, and how.
struct Target {
    installation: Installation,
    connection: Connection,
    connector: Arc<dyn Connector>,
    inputs: BTreeMap<String, String>,
    /// The provider's name.
    object_name: String,
    reverse: Reverse,
    settings: ObjectSettings,
    /// Whether the customer's defaults count.
    takes_defaults: bool,
}

impl Target {
    /// The object of an integration as a group has installed it.
    ///
    /// # Errors
    /// [`ActionError::BadRequest`] when it is not in the manifest, not installed, or
    /// not chosen.
    async fn find(
        engine: &Engine,
        tenant: &Tenant<'_>,
        write: &Write,
    ) -> Result<Self, ActionError> {
        let integration = tenant.integration(&write.integration).await?;
        let manifest: manifest::Integration =
            serde_json::from_value(integration.latest_revision.content.clone())
                .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
        let object = manifest.write_object(&write.object).ok_or_else(|| {
            let known = manifest.write_objects().map(|o| o.object_name.as_str());
            bad(
                format!("the integration writes no object `{}`", write.object),
                format!("It writes: {}", known.collect::<Vec<_>>().join(", ")),
            )
        })?;
        let filter = InstallationFilter {
            integration_id: Some(integration.id.clone()),
            group_ref: Some(write.group_ref.clone()),
        };
        let installation = tenant.installations(filter).await?.into_iter().next();
        let installation = installation.ok_or_else(|| {
            bad(
                format!(
                    "group `{}` has not installed the integration",
                    write.group_ref
                ),
                "Let the customer install first, or check `groupRef`",
            )
        })?;
        let config: InstallationConfig = serde_json::from_value(installation.config.clone())
            .map_err(|error| ActionError::Internal(format!("stored config: {error}")))?;
        let connection = tenant.connection(&installation.connection_id).await?;
        let connector = engine.registry.get(&connection.provider);
        let connector = connector.ok_or_else(|| ActionError::NotFound {
            what: "provider",
            id: connection.provider.clone(),
        })?;
        let read = manifest.read_object(&object.object_name);
        let mut names = vec![object.object_name.as_str()];
        names.extend(read.and_then(|read| read.map_to_name.as_deref()));
        let settings = ObjectSettings::of(&config, &names)
            .map_err(|error| {
                bad(
                    format!("the installation's `write` is not as the API says: {error}"),
                    "Mend the installation's config",
                )
            })?
            .ok_or_else(|| {
                let (object, group) = (&write.object, &write.group_ref);
                bad(
                    format!("object `{object}` is not enabled for writing for group `{group}`"),
                    "Add it to `write.objects` of the installation's config, and ask again",
                )
            })?;
        let inherits = object.inherit_mapping == Some(true);
        let reverse = match read.filter(|_| inherits) {
            None => Reverse::default(),
            Some(read) => {
                let choices = config.read.as_ref();
                let choice = choices.and_then(|choices| chosen(choices.objects.iter(), read));
                let known = connector.describe().object(&read.object_name);
                Reverse::of(read, choice, known)
                    .map_err(|error| bad(error.to_string(), "Mend the installation's config"))?
            }
        };
        let defaults = object.value_defaults.as_ref();
        Ok(Self {
            inputs: inputs_of(connector.as_ref(), &connection.provider_metadata),
            connector: Arc::clone(connector),
            object_name: object.object_name.clone(),
            takes_defaults: defaults.is_none_or(|it| it.allow_any_fields != Some(false)),
            installation,
            connection,
            reverse,
            settings,
        })
    }

    /// The records in the provider's names and words.
    fn payloads(&self, action: Action, write: &Write) -> Result<Vec<Payload>, ActionError> {
        if action == Action::Delete && !self.settings.allows_deletion() {
            return Err(bad(
                format!(
                    "deletion of `{}` is not enabled for group `{}`",
                    write.object, write.group_ref
                ),
                "Set `deletionSettings.enabled` of the object in `write.objects` of the installation's config",
            ));
        }
        let (records, number): (&[_], bool) = match &write.records {
            Records::Unclear => (&[], false),
            Records::One(record) => (std::slice::from_ref(record), false),
            Records::Batch(records) => (records, true),
        };
        let mut payloads = Vec::with_capacity(records.len());
        for (record, n) in records.iter().zip(1..) {
            let payload = self.payload(action, record).map_err(|why| {
                let which = if number {
                    format!("record {n}: ")
                } else {
                    String::new()
                };
                bad(format!("{which}{why}"), "Mend the record, and ask again")
            })?;
            payloads.push(payload);
        }
        Ok(payloads)
    }

    fn payload(&self, action: Action, record: &Map<String, Value>) -> Result<Payload, String> {
        let id = match record.get("id") {
            Some(Value::String(id)) if !id.trim().is_empty() => Some(id.trim().to_owned()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let mut payload = Payload::default();
        let writing = match action {
            Action::Create => Writing::Create,
            Action::Update => Writing::Update,
            Action::Delete => {
                payload.id = id.ok_or_else(|| no_id(action))?;
                return Ok(payload);
            }
        };
        if writing == Writing::Update {
            payload.id = id.ok_or_else(|| no_id(action))?;
        }
        let mut named = record.clone();
        // It says which record, and is none of its fields.
        named.remove("id");
        payload.record = self.reverse.record(&named)?;
        let if_empty = self.settings.apply(
            &mut payload.record,
            &self.reverse,
            writing,
            self.takes_defaults,
        );
        payload.only_if_empty(&if_empty);
        Ok(payload)
    }

    fn new_write(
        &self,
        write: &Write,
        action: Action,
        plan: &Plan,
        payloads: &[Payload],
        now: Timestamp,
    ) -> Result<NewWrite, ActionError> {
        let unwritable = |error: serde_json::Error| ActionError::Internal(error.to_string());
        let records = payloads.iter().map(Payload::stored);
        let is_batch = matches!(write.records, Records::Batch(_));
        Ok(NewWrite {
            installation_id: self.installation.id.clone(),
            object_name: self.object_name.clone(),
            named: write.object.clone(),
            action: action.as_str(),
            records: records.collect::<Result<_, _>>().map_err(unwritable)?,
            is_batch,
            inputs: serde_json::to_value(&self.inputs).map_err(unwritable)?,
            mode: plan.write_mode(now),
            key: self.key(write, action, payloads)?,
        })
    }

    /// By what the request is known again: what it does, and not how it is spelt.
    fn key(
        &self,
        write: &Write,
        action: Action,
        payloads: &[Payload],
    ) -> Result<Option<WriteKey>, ActionError> {
        let Some(key) = write.idempotency_key.clone() else {
            return Ok(None);
        };
        if key.trim().is_empty() || key.len() > LONGEST_KEY {
            return Err(bad(
                "the Idempotency-Key is empty or too long",
                format!("Use 1 to {LONGEST_KEY} characters"),
            ));
        }
        let request = json!({
            "object": self.object_name, "action": action.as_str(), "records": payloads,
            "batch": matches!(write.records, Records::Batch(_)), "mode": write.mode,
        });
        Ok(Some(WriteKey {
            key,
            request: request.to_string(),
        }))
    }

    /// Writes the records now. Whoever asked may go meanwhile: it goes on.
    async fn run(
        &self,
        engine: &Engine,
        operation_id: &str,
        new: &NewWrite,
        action: Action,
        records: Vec<(String, Payload)>,
    ) -> Result<Vec<Done>, ActionError> {
        let sync = SyncWrite {
            store: engine.store.clone(),
            calls: engine.calls.clone(),
            clock: Arc::clone(&engine.clock),
            connector: Arc::clone(&self.connector),
            connection_id: self.connection.id.clone(),
            job: WriteJob {
                id: operation_id.to_owned(),
                installation_id: new.installation_id.clone(),
                object_name: new.object_name.clone(),
                action: new.action.to_owned(),
                is_sync: true,
                is_open: false,
                inputs: new.inputs.clone(),
                deadline_at: None,
                keeps_answer: new.key.is_some(),
            },
            inputs: self.inputs.clone(),
            action,
        };
        let task = tokio::spawn(async move { sync.run(&records).await });
        let done = task
            .await
            .map_err(|error| ActionError::Internal(format!("a write was cut off: {error}")))?;
        Ok(done?)
    }
}

fn no_id(action: Action) -> String {
    format!(
        "`id` is missing: it says which record to {}",
        action.as_str()
    )
}

fn bad(detail: impl Into<String>, remedy: impl Into<String>) -> ActionError {
    ActionError::bad_request(detail, remedy)
}
