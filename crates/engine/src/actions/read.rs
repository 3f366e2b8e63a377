//! Reads that somebody asks for.

use jiff::Timestamp;
use store::{
    Actor, Installation, InstallationFilter, NewTriggeredRead, ReadRange, StoreError, Tenant,
    Triggered,
};

use super::require_full;
use crate::shape::{InstallationConfig, Selection, chosen};
use crate::{ActionError, Engine};

/// A request for a read.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The integration, by id or name.
    pub integration: String,
    /// The object, as the provider or the app names it.
    pub object: String,
    /// The customer.
    pub group_ref: String,
    /// `async`.
    pub mode: String,
    /// Only records of this time (RFC 3339) or later.
    pub since: Option<String>,
    /// Only records before this time (RFC 3339).
    pub until: Option<String>,
}

/// Starts a read, or puts it in the queue of its object; the operation's id.
///
/// # Errors
/// [`ActionError::BadRequest`] for everything that is wrong with the request,
/// [`ActionError::NotFound`] for an unknown project or integration.
pub async fn trigger(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    trigger: Trigger,
) -> Result<String, ActionError> {
    require_full(actor)?;
    if trigger.mode != "async" {
        return Err(ActionError::bad_request(
            format!("the mode `{}` is not supported", trigger.mode),
            "Use `async`: the answer is an operation, and the records go to the destination",
        ));
    }
    let range = range(trigger.since.as_deref(), trigger.until.as_deref())?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let readable = Readable::find(
        &tenant,
        &trigger.integration,
        &trigger.object,
        &trigger.group_ref,
    )
    .await?;
    let new = NewTriggeredRead {
        installation_id: readable.installation.id,
        object_name: readable.object_name,
        range,
    };
    match tenant.trigger_read(new, engine.clock.now()).await {
        Ok(Triggered::Queued { operation_id }) => {
            tracing::info!(operation = %operation_id, "a read was asked for");
            Ok(operation_id)
        }
        Ok(Triggered::Full) => Err(ActionError::bad_request(
            format!("too many reads of `{}` wait already", trigger.object),
            "Wait until some of them have ended",
        )),
        // It is in the manifest, and this customer did not choose it.
        Err(StoreError::NotFound { what: "object", .. }) => {
            Err(disabled(&trigger.object, &trigger.group_ref))
        }
        Err(error) => Err(error.into()),
    }
}

/// An object that a customer has and that may be read.
pub(super) struct Readable {
    pub(super) installation: Installation,
    /// The provider's name.
    pub(super) object_name: String,
    /// What of it goes out.
    pub(super) selection: Selection,
}

impl Readable {
    /// The object of an integration, named as the provider or the app names it, as
    /// a group has installed it.
    ///
    /// # Errors
    /// [`ActionError::BadRequest`] when it is not in the manifest, not installed, not
    /// chosen, or switched off.
    pub(super) async fn find(
        tenant: &Tenant<'_>,
        integration: &str,
        name: &str,
        group_ref: &str,
    ) -> Result<Self, ActionError> {
        let integration = tenant.integration(integration).await?;
        let manifest: manifest::Integration =
            serde_json::from_value(integration.latest_revision.content.clone())
                .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
        let object = manifest.read_object(name).ok_or_else(|| {
            let known: Vec<&str> = manifest.read_objects().map(|o| o.name()).collect();
            ActionError::bad_request(
                format!("the integration reads no object `{name}`"),
                format!("It reads: {}", known.join(", ")),
            )
        })?;
        let filter = InstallationFilter {
            integration_id: Some(integration.id.clone()),
            group_ref: Some(group_ref.to_owned()),
        };
        let installation = tenant.installations(filter).await?.into_iter().next();
        let installation = installation.ok_or_else(|| {
            ActionError::bad_request(
                format!("group `{group_ref}` has not installed the integration"),
                "Let the customer install first, or check `groupRef`",
            )
        })?;
        let config: InstallationConfig = serde_json::from_value(installation.config.clone())
            .map_err(|error| ActionError::Internal(format!("stored config: {error}")))?;
        let choice = config
            .read
            .as_ref()
            .and_then(|read| chosen(read.objects.iter(), object));
        let wanted = choice.is_some() || object.is_always_enabled();
        let selection = Selection::new(object, choice).map_err(|error| {
            ActionError::bad_request(error.to_string(), "Mend the installation's config")
        })?;
        if !wanted || !selection.enabled {
            return Err(disabled(name, group_ref));
        }
        Ok(Self {
            installation,
            object_name: object.object_name.clone(),
            selection,
        })
    }
}

fn disabled(object: &str, group_ref: &str) -> ActionError {
    ActionError::bad_request(
        format!("object `{object}` is not enabled for group `{group_ref}`"),
        "Enable it in the installation's config, and ask again",
    )
}

/// The range between two times.
fn range(since: Option<&str>, until: Option<&str>) -> Result<ReadRange, ActionError> {
    let range = ReadRange {
        since: since.map(|text| time("sinceTimestamp", text)).transpose()?,
        until: until.map(|text| time("untilTimestamp", text)).transpose()?,
    };
    if let (Some(since), Some(until)) = (range.since, range.until)
        && since > until
    {
        return Err(ActionError::bad_request(
            format!("`sinceTimestamp` ({since}) is after `untilTimestamp` ({until})"),
            "Exchange them, or leave one out",
        ));
    }
    Ok(range)
}

fn time(name: &str, text: &str) -> Result<Timestamp, ActionError> {
    text.trim().parse().map_err(|_| {
        ActionError::bad_request(
            format!("`{name}` is not a time"),
            "Write it as RFC 3339 says, such as 2026-07-01T18:22:30Z",
        )
    })
}
