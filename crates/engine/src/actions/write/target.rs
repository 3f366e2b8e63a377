//! What is written to: an object as a customer has installed it, the records in its
//! provider's names and words, and their way out.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Connector;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use store::{Connection, Installation, InstallationFilter, NewWrite, Tenant, WriteJob, WriteKey};

use super::mode::Mode;
use super::{Records, Write, bad};
use crate::read::inputs_of;
use crate::shape::{InstallationConfig, Reverse, chosen};
use crate::write::{Action, Done, ObjectSettings, Payload, SyncWrite, Writing};
use crate::{ActionError, Engine};

/// The longest `Idempotency-Key`, in bytes.
const LONGEST_KEY: usize = 255;

/// What is written to, and how.
pub(super) struct Target {
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
    pub(super) async fn find(
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
    pub(super) fn payloads(
        &self,
        action: Action,
        write: &Write,
    ) -> Result<Vec<Payload>, ActionError> {
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

    pub(super) fn new_write(
        &self,
        write: &Write,
        action: Action,
        mode: Mode,
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
            mode: mode.write_mode(now),
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
    pub(super) async fn run(
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
