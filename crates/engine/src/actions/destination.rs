//! Destinations: where messages go.

use serde_json::Value;
use store::{Actor, Destination, NewDestination};

use super::{require_full, require_name};
use crate::{ActionError, Engine};

/// Creates a destination and its signing secret.
///
/// The address is looked at now, so that a builder learns of a mistake here and
/// not from a dead letter; it is looked at again at every attempt.
///
/// # Errors
/// [`ActionError::Invalid`] for another type than `webhook`, for a URL that is
/// none or may not be reached, and for bad headers.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewDestination,
) -> Result<Destination, ActionError> {
    require_full(actor)?;
    require_name("name", &new.name)?;
    if new.kind != "webhook" {
        return Err(ActionError::invalid(
            format!("destinations of type `{}` are not supported", new.kind),
            "Supported types: webhook",
        ));
    }
    check_metadata(engine, &new.metadata).await?;
    let scope = engine.store.scope(actor, project).await?;
    Ok(engine
        .store
        .within(&scope)
        .create_destination(new, engine.clock.now())
        .await?)
}

async fn check_metadata(engine: &Engine, metadata: &Value) -> Result<(), ActionError> {
    let Some(url) = metadata
        .get("url")
        .and_then(Value::as_str)
        .filter(|url| !url.is_empty())
    else {
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
    })?;
    let headers = match metadata.get("headers") {
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
