//! Installations: one customer's use of an integration.

use connector::{Connector, Intent, ReadIntent};
use jiff::{SignedDuration, Timestamp};
use manifest::{Backfill, Limits, ReadObject};
use serde_json::Value;
use store::{
    Actor, Connection, ConnectionFilter, Installation, NewInstallation, NewSync, ReadType, Tenant,
};

use super::require_name;
use crate::read::{CLOCK_SKEW, Sampled, inputs_of, sample};
use crate::schedule;
use crate::shape::{InstallationConfig, Selection, chosen, completed};
use crate::{ActionError, Engine};

/// A request for an installation.
#[derive(Debug, Clone)]
pub struct Install {
    /// The integration, by id or name.
    pub integration: String,
    /// The customer.
    pub group_ref: String,
    /// The connection; the group's one for the provider where absent.
    pub connection_id: Option<String>,
    /// The revision that the config was made for; the latest where absent.
    pub revision_id: Option<String>,
    /// Who says so.
    pub created_by: Option<String>,
    /// `config.content`, as the API contract shapes it.
    pub content: Value,
    /// Whether nothing is read before anything is stored.
    pub skip_sampling: bool,
}

/// Installs: stores the config, and starts the backfills that it asks for.
///
/// # Errors
/// [`ActionError::Invalid`] with every cause when the config does not fit the
/// manifest, [`ActionError::Conflict`] when the group has an installation.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    install: Install,
) -> Result<Installation, ActionError> {
    require_name("groupRef", &install.group_ref)?;
    if actor
        .customer()
        .is_some_and(|(group, _)| group != install.group_ref)
    {
        return Err(ActionError::Forbidden {
            detail: "the token is for another group".to_owned(),
        });
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&install.integration).await?;
    let revision_id = match &install.revision_id {
        Some(id) if !id.is_empty() => tenant.revision(id).await?.id,
        _ => integration.latest_revision.id.clone(),
    };
    let connection = connection_for(&tenant, &install, &integration.provider).await?;
    let connector =
        engine
            .registry
            .get(&integration.provider)
            .ok_or_else(|| ActionError::NotFound {
                what: "provider",
                id: integration.provider.clone(),
            })?;
    let config: InstallationConfig =
        serde_json::from_value(install.content.clone()).map_err(|error| {
            ActionError::invalid(
                format!("`config.content` is not as the API says: {error}"),
                "See the API's description",
            )
        })?;
    let manifest: manifest::Integration =
        serde_json::from_value(integration.latest_revision.content.clone())
            .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
    let now = engine.clock.now();
    let planner = Planner {
        tenant: &tenant,
        connector: connector.as_ref(),
        connection: &connection,
        limits: Limits {
            min_schedule_seconds: engine.min_schedule_s,
        },
        now,
    };
    let (objects, sampled) = planner.plan(&manifest, &config).await?;
    if !install.skip_sampling {
        refuse_unknown_fields(engine, connector.as_ref(), &connection, &sampled).await?;
    }
    let installation = tenant
        .install(
            NewInstallation {
                integration_id: integration.id,
                revision_id,
                connection_id: connection.id,
                group_ref: install.group_ref,
                created_by: install.created_by.unwrap_or_else(|| actor.label()),
                config: completed(install.content, &integration.provider),
                objects,
            },
            now,
        )
        .await?;
    tracing::info!(installation = %installation.id, "installed");
    Ok(installation)
}

/// Looks at one record of each object that is to be read on a schedule.
///
/// # Errors
/// [`ActionError::Invalid`] naming each field that does not exist.
async fn refuse_unknown_fields(
    engine: &Engine,
    connector: &dyn Connector,
    connection: &Connection,
    sampled: &[Sampled],
) -> Result<(), ActionError> {
    let causes = sample(engine, connector, connection, sampled).await;
    if causes.is_empty() {
        return Ok(());
    }
    Err(ActionError::Invalid {
        detail: "the config names fields that do not exist".to_owned(),
        causes,
        remedy: Some(
            "Mend the names; if some records have the field, install with ?skipSampling=true"
                .to_owned(),
        ),
    })
}

async fn connection_for(
    tenant: &Tenant<'_>,
    install: &Install,
    provider: &str,
) -> Result<Connection, ActionError> {
    if let Some(id) = install.connection_id.as_ref().filter(|id| !id.is_empty()) {
        let connection = tenant.connection(id).await?;
        if connection.group_ref != install.group_ref || connection.provider != provider {
            return Err(ActionError::invalid(
                format!(
                    "connection `{id}` is not one of group `{}` to {provider}",
                    install.group_ref
                ),
                "Use a connection of the same group and of the integration's provider",
            ));
        }
        return Ok(connection);
    }
    let filter = ConnectionFilter {
        provider: Some(provider.to_owned()),
        group_ref: Some(install.group_ref.clone()),
        consumer_ref: None,
    };
    tenant
        .connections(filter)
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| {
            ActionError::invalid(
                format!(
                    "group `{}` has no connection to {provider}",
                    install.group_ref
                ),
                "Let the customer connect first (POST /oauth-connect)",
            )
        })
}

/// Works out the reads of a new installation, and everything wrong with them.
struct Planner<'a> {
    tenant: &'a Tenant<'a>,
    connector: &'a dyn Connector,
    connection: &'a Connection,
    limits: Limits,
    now: Timestamp,
}

impl Planner<'_> {
    async fn plan(
        &self,
        manifest: &manifest::Integration,
        config: &InstallationConfig,
    ) -> Result<(Vec<NewSync>, Vec<Sampled>), ActionError> {
        let destinations = self.tenant.destinations().await?;
        let mut causes = Vec::new();
        let mut syncs = Vec::new();
        let mut sampled = Vec::new();
        let choices = config.read.as_ref().map(|read| &read.objects);
        for (key, choice) in choices.into_iter().flatten() {
            let name = choice.object_name.as_ref().unwrap_or(key);
            if manifest.read_object(name).is_none() {
                causes.push(format!(
                    "read object `{name}` is not in the integration's manifest"
                ));
            }
        }
        for object in manifest.read_objects() {
            let choice = choices.and_then(|objects| chosen(objects.iter(), object));
            let wanted = choice.is_some_and(|choice| choice.disabled != Some(true))
                || (choice.is_none() && object.is_always_enabled());
            if !wanted {
                continue;
            }
            let selection = match Selection::new(object, choice) {
                Ok(selection) => selection,
                Err(error) => {
                    let name = &object.object_name;
                    let wrong = error.causes().into_iter();
                    causes.extend(wrong.map(|wrong| format!("read object `{name}`: {wrong}")));
                    continue;
                }
            };
            sampled.extend(Sampled::of(&object.object_name, &selection));
            if let Some(wrong) = manifest::explain_schedule(&selection.schedule, self.limits) {
                causes.push(format!("read object `{}`: {wrong}", object.object_name));
            }
            if !destinations.iter().any(|d| d.name == selection.destination) {
                causes.push(format!(
                    "read object `{}` goes to destination `{}`, which does not exist",
                    object.object_name, selection.destination
                ));
            }
            let backfill = choice
                .and_then(|choice| choice.backfill.as_ref())
                .map(|backfill| &backfill.period)
                .or(object.backfill.as_ref());
            let sync = self.sync(object, backfill, &selection.schedule);
            if let Err(failure) = self.connector.start(&self.intent(&sync)) {
                causes.push(format!("read object `{}`: {failure}", object.object_name));
            }
            syncs.push(sync);
        }
        if causes.is_empty() {
            return Ok((syncs, sampled));
        }
        Err(ActionError::Invalid {
            detail: "the config does not fit the integration".to_owned(),
            causes,
            remedy: Some(
                "Mend the config, or create what is missing, and install again".to_owned(),
            ),
        })
    }

    /// `days: N` counts from now; none of it means no backfill, and reading
    /// starts at the install.
    fn sync(&self, object: &ReadObject, backfill: Option<&Backfill>, schedule: &str) -> NewSync {
        let (run, since) = match backfill.map(|backfill| &backfill.default_period) {
            Some(period) if period.full_history == Some(true) => (Some(ReadType::Backfill), None),
            Some(period) if period.days.unwrap_or(0) > 0 => {
                let back = SignedDuration::from_hours(24 * i64::from(period.days.unwrap_or(0)));
                (Some(ReadType::Backfill), self.now.checked_sub(back).ok())
            }
            Some(_) | None => (None, None),
        };
        // The provider's clock may be behind ours.
        let overlap = self.now.checked_sub(CLOCK_SKEW).unwrap_or(self.now);
        let watermark = run.is_none().then_some(overlap);
        let key = schedule::key(&self.connection.id, &object.object_name);
        NewSync {
            object_name: object.object_name.clone(),
            run,
            since,
            watermark,
            due_at: schedule::next_tick(schedule, &key, self.now),
        }
    }

    fn intent(&self, sync: &NewSync) -> Intent {
        Intent::Read(ReadIntent {
            object: sync.object_name.clone(),
            inputs: inputs_of(self.connector, &self.connection.provider_metadata),
            since: sync.since,
            ..ReadIntent::default()
        })
    }
}
