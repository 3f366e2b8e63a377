//! Pausing an installation's reads, and letting them go on.

use serde_json::json;
use store::{Actor, NewLog};

use super::manifest_of;
use super::update::names;
use crate::actions::require_full;
use crate::{ActionError, Engine};

/// The longest note, in bytes.
const LONGEST_NOTE: usize = 1_000;

/// Which reads to pause or to let go on.
#[derive(Debug, Clone)]
pub struct PauseReads {
    /// Whether they pause from now on.
    pub paused: bool,
    /// The objects, by the provider's or the app's names; none are all of them,
    /// those included that the installation gets later.
    pub objects: Vec<String>,
    /// Why, for the log.
    pub note: Option<String>,
}

/// Pauses reads or lets them go on. Paused, nothing scheduled begins, and what is
/// under way keeps its position; from the answer on nothing more of it is
/// delivered. Reads that somebody asks for are not kept from running.
///
/// # Errors
/// [`ActionError::BadRequest`] when an object is none of the installation's.
pub async fn pause(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    installation: &str,
    pause: PauseReads,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let note = pause.note.filter(|note| !note.trim().is_empty());
    if note.as_ref().is_some_and(|note| note.len() > LONGEST_NOTE) {
        return Err(ActionError::bad_request(
            format!("`note` is longer than {LONGEST_NOTE} bytes"),
            "Shorten it",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(integration).await?;
    let installation = tenant.installation(&integration.id, installation).await?;
    let whole = pause.objects.is_empty();
    if whole {
        // First, so that what is added meanwhile is as the rest will be.
        tenant
            .pause_installation(&installation.id, pause.paused)
            .await?;
    }
    let syncs = tenant.syncs(&installation.id).await?;
    let names = names(&manifest_of(&integration)?, &syncs);
    let mut named = Vec::new();
    for object in &pause.objects {
        let name = names.known(object);
        let sync = syncs.iter().find(|sync| name == Some(&sync.object_name));
        let sync = sync.ok_or_else(|| {
            ActionError::bad_request(
                format!("the installation reads no object `{object}`"),
                "Name objects that it reads, or none for all of them",
            )
        })?;
        named.push(sync.id.clone());
    }
    if whole {
        named = syncs.into_iter().map(|sync| sync.id).collect();
    }
    let done = if pause.paused { "paused" } else { "unpaused" };
    let by = actor.label();
    let details = match &note {
        Some(note) => json!({ "by": by, "note": note }),
        None => json!({ "by": by }),
    };
    let log = NewLog {
        severity: "INFO".to_owned(),
        msg: format!("Reads were {done}"),
        error: None,
        details,
    };
    let now = engine.clock.now();
    tenant
        .pause_reads(&installation.id, &named, pause.paused, &log, now)
        .await?;
    tracing::info!(installation = %installation.id, objects = named.len(), by, note, "reads were {done}");
    Ok(())
}
