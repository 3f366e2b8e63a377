//! Links to the hosted install page: whoever opens one acts as one person of one
//! customer, for one integration, without any code of the app.
//!
//! A link is signed, so nobody can make one or alter it; and there is a row for it,
//! so it can be taken back. Whoever has it may connect, choose, change and
//! disconnect for that customer until it ends, and see what was chosen. It shows no
//! credential and no record.

mod connecting;
mod progress;
mod theme;

use jiff::SignedDuration;
use secrecy::SecretString;
use store::{Actor, InstallLink, Integration, NewInstallLink, Scope, StoreError};

use super::{require_full, require_name};
use crate::deliver::{LinkError, LinkKind};
use crate::{ActionError, Engine};

pub(super) use connecting::{Origin, origin_of};
pub use connecting::{change_inputs, connect};
pub use progress::{Installed, Standing, disconnect, standing, unprepared};
pub use theme::Theme;

/// How long a link is good for if nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long it may be good for.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// A request for a link.
#[derive(Debug, Clone, Default)]
pub struct NewLink {
    /// The integration, by id or name.
    pub integration: String,
    /// The customer.
    pub group_ref: String,
    /// The customer's name.
    pub group_name: Option<String>,
    /// The person who will open it; the customer's reference where absent.
    pub consumer_ref: Option<String>,
    /// The person's name.
    pub consumer_name: Option<String>,
    /// How long it is good for; a week where absent.
    pub lifetime: Option<SignedDuration>,
    /// How the page looks.
    pub theme: Theme,
}

/// A link that was made.
#[derive(Debug)]
pub struct Made {
    /// What is kept of it.
    pub link: InstallLink,
    /// The link itself, which is shown this once.
    pub url: SecretString,
}

/// Makes a link.
///
/// # Errors
/// [`ActionError::Invalid`] for a name, a theme or a lifetime that cannot be,
/// [`ActionError::NotFound`] without such an integration.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewLink,
) -> Result<Made, ActionError> {
    require_full(actor)?;
    let named = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
    let consumer_ref = named(new.consumer_ref).unwrap_or_else(|| new.group_ref.clone());
    let (group_name, consumer_name) = (named(new.group_name), named(new.consumer_name));
    require_name("groupRef", &new.group_ref)?;
    require_name("consumerRef", &consumer_ref)?;
    for (what, name) in [("groupName", &group_name), ("consumerName", &consumer_name)] {
        if let Some(name) = name {
            require_name(what, name)?;
        }
    }
    let lifetime = new.lifetime.unwrap_or(USUAL);
    if !(SHORTEST..=LONGEST).contains(&lifetime) {
        return Err(ActionError::invalid(
            "a link is good for a minute at least and for 366 days at most",
            "Choose a time in between, and make a new link when it is over",
        ));
    }
    let theme = theme::checked(new.theme)?;
    let theme = serde_json::to_value(theme);
    let theme = theme.map_err(|error| ActionError::Internal(error.to_string()))?;
    let scope = engine.store.scope(actor, project).await?;
    let now = engine.clock.now();
    let expires_at = now.saturating_add(lifetime).unwrap_or(now);
    let new = NewInstallLink {
        integration_id: new.integration,
        group_ref: new.group_ref,
        group_name,
        consumer_ref,
        consumer_name,
        theme,
        created_by: actor.label(),
        expires_at,
    };
    let link = engine
        .store
        .within(&scope)
        .create_install_link(new, now)
        .await?;
    let place = engine
        .links
        .place(LinkKind::Install, &link.id, link.expires_at);
    let url = SecretString::from(format!("{}{place}", engine.public_url()));
    tracing::info!(install_link = %link.id, by = actor.label(), "an install link was made");
    Ok(Made { link, url })
}

/// Takes a link back: it opens nothing from then on.
///
/// # Errors
/// [`ActionError::NotFound`] when there is none.
pub async fn revoke(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    id: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let now = engine.clock.now();
    engine
        .store
        .within(&scope)
        .revoke_install_link(id, now)
        .await?;
    tracing::info!(
        install_link = id,
        by = actor.label(),
        "an install link was revoked"
    );
    Ok(())
}

/// A link that may be used, and for what.
#[derive(Debug)]
pub struct Opened {
    /// The link.
    pub link: InstallLink,
    /// Its holder: a person of its customer, who sees that customer only.
    pub actor: Actor,
    /// How the page looks; the name is always there.
    pub theme: Theme,
    /// What it is for; `None` when that is gone.
    pub integration: Option<Integration>,
}

impl Opened {
    /// What of the store the link's holder sees.
    async fn scope(&self, engine: &Engine) -> Result<Scope, StoreError> {
        let project = &self.link.project_id;
        engine.store.scope(&self.actor, project).await
    }
}

/// Why a link opens nothing.
#[derive(Debug)]
pub enum Closed {
    /// It is not as this server made it, or too old.
    Link(LinkError),
    /// It was taken back.
    Revoked,
    /// It could not be looked at.
    Failed(ActionError),
}

/// Opens a link that somebody brings.
///
/// # Errors
/// [`Closed`]
pub async fn open(
    engine: &Engine,
    id: &str,
    expires: i64,
    signature: &str,
) -> Result<Opened, Closed> {
    let now = engine.clock.now();
    engine
        .links
        .check(LinkKind::Install, id, expires, signature, now)
        .map_err(Closed::Link)?;
    let link = engine.store.install_link(id).await;
    let link = link.map_err(|error| Closed::Failed(error.into()))?;
    // One that was signed and is not there has been erased with its customer.
    let link = link.filter(|link| link.revoke_time.is_none());
    let link = link.ok_or(Closed::Revoked)?;
    opened(engine, link).await.map_err(Closed::Failed)
}

async fn opened(engine: &Engine, link: InstallLink) -> Result<Opened, ActionError> {
    let actor = engine.store.customer_of_link(&link);
    let scope = engine.store.scope(&actor, &link.project_id).await?;
    let tenant = engine.store.within(&scope);
    let integration = match tenant.integration(&link.integration_id).await {
        Ok(integration) => Some(integration),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut theme: Theme = serde_json::from_value(link.theme.clone())
        .map_err(|error| ActionError::Internal(format!("stored theme: {error}")))?;
    if theme.name.is_none() {
        let project = tenant.project().await?;
        let named = Some(project.app_name).filter(|name| !name.trim().is_empty());
        theme.name = named.or(Some(project.name));
    }
    Ok(Opened {
        link,
        actor,
        theme,
        integration,
    })
}
