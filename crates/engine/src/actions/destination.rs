//! Destinations: where messages go.
//!
//! Manifests and configs name destinations. So one that the latest revision of an
//! integration or the config of an installation names can be neither renamed nor
//! deleted: its reads would end at the next page.

use manifest::ReadObject;
use secrecy::SecretString;
use serde_json::Value;
use store::{
    Actor, Destination, DestinationChange, InstallationFilter, MetadataChange, NewDestination,
    Tenant,
};

use super::{audit, require_full, require_name};
use crate::shape::InstallationConfig;
use crate::{ActionError, Engine, Tested, deliver};

/// The one type there is.
const WEBHOOK: &str = "webhook";
/// What a mask of fields may name.
const MASKS: &str = "name, type, metadata, metadata.url, metadata.headers, metadata.ordered";

/// Some of a destination's fields, those that a mask names.
#[derive(Debug, Clone, Default)]
pub struct DestinationPatch {
    /// The fields that are to be changed, such as `metadata.url`.
    pub update_mask: Vec<String>,
    /// The new name.
    pub name: Option<String>,
    /// The new type; it must be the present one.
    pub kind: Option<String>,
    /// The new metadata, or those keys of it that are to be changed.
    pub metadata: Option<Value>,
}

/// Creates a destination and its signing secret.
///
/// The address is looked at now, so that a builder learns of a mistake here and
/// not from a dead letter; it is looked at again at every attempt.
///
/// # Errors
/// [`ActionError::Invalid`] for another type than `webhook`, for a URL that is
/// none or may not be reached, and for bad names or headers.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewDestination,
) -> Result<Destination, ActionError> {
    require_full(actor)?;
    check_name(&new.name)?;
    check_kind(&new.kind)?;
    check_metadata(engine, &new.metadata).await?;
    let scope = engine.store.scope(actor, project).await?;
    Ok(engine
        .store
        .within(&scope)
        .create_destination(new, engine.clock.now())
        .await?)
}

/// Changes what the mask names. A masked field that the body lacks is left as it
/// is, since the `amp` CLI masks more than it sends; `metadata.headers` and
/// `metadata.ordered` are removed then.
///
/// # Errors
/// As [`create`]; also [`ActionError::Invalid`] for a mask of something else, and
/// [`ActionError::Conflict`] when the new name is taken or the old one in use.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
    patch: DestinationPatch,
) -> Result<Destination, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let current = tenant.destination(destination).await?;
    let change = change_of(patch)?;
    if let Some(name) = &change.name {
        check_name(name)?;
        if *name != current.name {
            require_unused(&tenant, &current.name, "be renamed").await?;
        }
    }
    match &change.metadata {
        None => {}
        Some(MetadataChange::Whole(metadata)) => check_metadata(engine, metadata).await?,
        Some(MetadataChange::Keys(keys)) => {
            for (key, value) in keys {
                check_key(engine, key, value.as_ref()).await?;
            }
        }
    }
    Ok(tenant
        .update_destination(&current.id, change, engine.clock.now())
        .await?)
}

/// Deletes a destination, and with it every message that is kept for it.
///
/// # Errors
/// [`ActionError::Conflict`] while a manifest or a config names it.
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let current = tenant.destination(destination).await?;
    require_unused(&tenant, &current.name, "be deleted").await?;
    let now = engine.clock.now();
    Ok(tenant.delete_destination(&current.id, now).await?)
}

/// Gives a destination a new signing secret and returns it. For 24 hours its
/// messages are signed with both.
///
/// # Errors
/// When there is no such destination.
pub async fn rotate_secret(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<(Destination, SecretString), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let id = tenant.destination(destination).await?.id;
    tenant.rotate_signing_key(&id, engine.clock.now()).await?;
    let secret = tenant.destination_signing_key(&id).await?;
    Ok((tenant.destination(&id).await?, secret))
}

/// The secret that a destination's messages are signed with. That somebody has
/// seen it is written down.
///
/// # Errors
/// When there is no such destination.
pub async fn reveal_secret(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<(Destination, SecretString), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let found = tenant.destination(destination).await?;
    let secret = tenant.destination_signing_key(&found.id).await?;
    let now = engine.clock.now();
    audit(&tenant, actor, "destination.secret.read", &found.id, now).await?;
    Ok((found, secret))
}

/// Sends a message that carries nothing to a destination, disabled or not, and
/// says how it was answered.
///
/// # Errors
/// When there is no such destination.
pub async fn test(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<Tested, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let id = tenant.destination(destination).await?.id;
    let now = engine.clock.now();
    let target = engine.store.delivery_target(&id, now).await?;
    audit(&tenant, actor, "destination.test", &id, now).await?;
    Ok(deliver::send_test(&engine.outbound, &target, scope.project_id(), now).await)
}

/// Sends to a disabled destination again, its waiting messages first.
///
/// # Errors
/// When there is no such destination.
pub async fn enable(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    destination: &str,
) -> Result<Destination, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let id = tenant.destination(destination).await?.id;
    tenant.enable_destination(&id, engine.clock.now()).await?;
    Ok(tenant.destination(&id).await?)
}

/// The change that a patch's mask asks for.
fn change_of(patch: DestinationPatch) -> Result<DestinationChange, ActionError> {
    if patch.update_mask.is_empty() {
        return Err(ActionError::invalid(
            "`updateMask` names nothing to change",
            format!("It may name: {MASKS}"),
        ));
    }
    let mut change = DestinationChange::default();
    let mut keys = Vec::new();
    for field in &patch.update_mask {
        let given = |key: &str| {
            let value = patch.metadata.as_ref().and_then(|all| all.get(key));
            value.filter(|value| !value.is_null()).cloned()
        };
        match field.as_str() {
            "name" => change.name.clone_from(&patch.name),
            "type" => patch.kind.as_deref().map_or(Ok(()), check_kind)?,
            "metadata" => {
                change.metadata = patch.metadata.clone().map(MetadataChange::Whole);
            }
            "metadata.url" => keys.push(("url".to_owned(), given("url"))),
            "metadata.headers" => keys.push(("headers".to_owned(), given("headers"))),
            "metadata.ordered" => keys.push(("ordered".to_owned(), given("ordered"))),
            other => {
                return Err(ActionError::invalid(
                    format!("`{other}` of a webhook destination cannot be changed"),
                    format!("`updateMask` may name: {MASKS}"),
                ));
            }
        }
    }
    // All of it contains every key of it.
    if change.metadata.is_none() && !keys.is_empty() {
        change.metadata = Some(MetadataChange::Keys(keys));
    }
    Ok(change)
}

/// Refuses to touch a name that manifests or configs rely on.
async fn require_unused(tenant: &Tenant<'_>, name: &str, what: &str) -> Result<(), ActionError> {
    let mut users = Vec::new();
    for integration in tenant.integrations().await? {
        let content = integration.latest_revision.content;
        let manifest: Option<manifest::Integration> = serde_json::from_value(content).ok();
        let objects = manifest
            .and_then(|manifest| manifest.read)
            .and_then(|read| read.objects)
            .unwrap_or_default();
        if objects
            .iter()
            .any(|object: &ReadObject| object.destination == name)
        {
            users.push(format!("integration `{}`", integration.name));
        }
    }
    for installation in tenant.installations(InstallationFilter::default()).await? {
        let config: Option<InstallationConfig> = serde_json::from_value(installation.config).ok();
        let objects = config
            .and_then(|config| config.read)
            .map(|read| read.objects);
        let named = |object: &crate::ReadObjectConfig| object.destination.as_deref() == Some(name);
        if objects
            .iter()
            .flat_map(|objects| objects.values())
            .any(named)
        {
            users.push(format!("the config of installation `{}`", installation.id));
        }
        // An object that has left the manifest goes on by its last definition.
        let kept = tenant.syncs(&installation.id).await?;
        let kept = kept.into_iter().filter_map(|sync| sync.definition);
        if kept
            .filter_map(|definition| serde_json::from_value(definition).ok())
            .any(|object: ReadObject| object.destination == name)
        {
            users.push(format!(
                "an object that installation `{}` reads although it has left the manifest",
                installation.id
            ));
        }
    }
    if users.is_empty() {
        return Ok(());
    }
    Err(ActionError::Conflict {
        detail: format!(
            "destination `{name}` cannot {what} while it is named by {}: deploy or configure them with another destination first",
            users.join(", ")
        ),
    })
}

/// The contract's rule for names: letters, numbers and dashes.
fn check_name(name: &str) -> Result<(), ActionError> {
    require_name("name", name)?;
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(());
    }
    Err(ActionError::invalid(
        format!("`{name}` is not a name for a destination"),
        "Use letters, numbers and dashes only",
    ))
}

fn check_kind(kind: &str) -> Result<(), ActionError> {
    if kind == WEBHOOK {
        return Ok(());
    }
    Err(ActionError::invalid(
        format!("destinations of type `{kind}` are not supported"),
        format!("Supported types: {WEBHOOK}"),
    ))
}

async fn check_metadata(engine: &Engine, metadata: &Value) -> Result<(), ActionError> {
    for key in ["url", "headers", "ordered"] {
        check_key(engine, key, metadata.get(key)).await?;
    }
    Ok(())
}

async fn check_key(engine: &Engine, key: &str, value: Option<&Value>) -> Result<(), ActionError> {
    match key {
        "url" => check_url(engine, value).await,
        "headers" => check_headers(value),
        _ => match value {
            None | Some(Value::Null | Value::Bool(_)) => Ok(()),
            Some(_) => Err(ActionError::invalid(
                format!("`metadata.{key}` is neither true nor false"),
                "Write true for messages in order, one at a time; else false",
            )),
        },
    }
}

async fn check_url(engine: &Engine, url: Option<&Value>) -> Result<(), ActionError> {
    let url = url.and_then(Value::as_str).filter(|url| !url.is_empty());
    let Some(url) = url else {
        return Err(ActionError::invalid(
            "`metadata.url` is missing",
            "Give the URL that messages are posted to",
        ));
    };
    engine.outbound.check_destination(url).await.map_err(|error| {
        ActionError::invalid(
            format!("`metadata.url` cannot be used: {error}"),
            "Use a public https:// URL; for a private network set LIGATURE_ALLOW_PRIVATE_NETWORKS on the server",
        )
    })
}

fn check_headers(headers: Option<&Value>) -> Result<(), ActionError> {
    let headers = match headers {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(headers)) if headers.values().all(Value::is_string) => headers,
        Some(_) => {
            return Err(ActionError::invalid(
                "`metadata.headers` is not a map of names to texts",
                "Write it as {\"X-Name\": \"value\"}",
            ));
        }
    };
    match headers
        .keys()
        .find(|name| !outbound::custom_header_allowed(name))
    {
        None => Ok(()),
        Some(name) => Err(ActionError::invalid(
            format!("`{name}` cannot be a custom header"),
            "Choose a name that HTTP or the signature does not use itself",
        )),
    }
}
