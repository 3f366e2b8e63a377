//! Links to the hosted install page: whoever opens one acts as one person of one
//! customer, for one integration, without any code of the app.
//!
//! A link is signed, so nobody can make one or alter it; and there is a row for it,
//! so it can be taken back. Whoever has it may connect, choose, change and
//! disconnect for that customer until it ends, and see what was chosen. It shows no
//! credential and no record.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{
    Actor, Connection, ConnectionFilter, InstallLink, Installation, InstallationFilter,
    Integration, NewInstallLink, StoreError, Sync,
};
use url::Url;

use super::oauth::{self, AskingPage, Connect, MetadataItem, MetadataSource};
use super::{require_full, require_name};
use crate::deliver::{LinkError, LinkKind};
use crate::{ActionError, Engine};

/// How long a link is good for if nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long it may be good for.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
/// The longest name on a page, in characters.
const LONGEST_NAME: usize = 100;
/// The longest URL of a logo, in bytes.
const LONGEST_URL: usize = 2_000;

/// How a page looks; what is absent is as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Theme {
    /// The app's name; the project's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An `https` URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// `#rrggbb`, of buttons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

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
    let theme = checked(new.theme)?;
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

/// A theme that a page can be made with: nothing in it can end a style sheet, a
/// policy or an attribute, or make a browser tell anybody more than that it looks
/// at a picture.
fn checked(theme: Theme) -> Result<Theme, ActionError> {
    let Theme {
        name,
        logo_url,
        color,
    } = theme;
    let name = name.filter(|name| !name.trim().is_empty());
    if name
        .as_ref()
        .is_some_and(|name| name.chars().count() > LONGEST_NAME)
    {
        return Err(ActionError::invalid(
            format!("`theme.name` is longer than {LONGEST_NAME} characters"),
            "Choose a shorter one",
        ));
    }
    let logo_url = logo_url.filter(|url| !url.is_empty());
    let logo_url = logo_url.map(|url| logo(&url)).transpose()?;
    let color = color.filter(|color| !color.is_empty());
    let is_color = |color: &String| {
        let digits = color.strip_prefix('#');
        digits.is_some_and(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    if color.as_ref().is_some_and(|color| !is_color(color)) {
        return Err(ActionError::invalid(
            "`theme.color` is not of the form #rrggbb",
            "Write it as six hexadecimal digits behind a #, such as #2352b8",
        ));
    }
    Ok(Theme {
        name,
        logo_url,
        color,
    })
}

fn logo(text: &str) -> Result<String, ActionError> {
    let url = Url::parse(text).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.has_host() && plain && text.len() <= LONGEST_URL
    });
    let mut url = url.ok_or_else(|| {
        ActionError::invalid(
            "`theme.logoUrl` is not the https URL of a picture",
            "Give a URL that begins with https:// and that everybody may open",
        )
    })?;
    url.set_fragment(None);
    Ok(url.into())
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

/// How far a customer has come.
#[derive(Debug)]
pub enum Standing {
    /// Nothing is connected.
    Unconnected,
    /// An account is connected, and nothing installed.
    Connected(Box<Connection>),
    /// It is installed.
    Installed(Box<Installed>),
}

/// What is installed.
#[derive(Debug)]
pub struct Installed {
    /// What it works through.
    pub connection: Connection,
    /// The installation.
    pub installation: Installation,
    /// What it reads.
    pub syncs: Vec<Sync>,
}

impl Standing {
    /// The account that is connected, if one is.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Unconnected => None,
            Self::Connected(connection) => Some(connection),
            Self::Installed(installed) => Some(&installed.connection),
        }
    }
}

/// How far the customer of a link has come with an integration.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn standing(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
) -> Result<Standing, ActionError> {
    let scope = engine
        .store
        .scope(&opened.actor, &opened.link.project_id)
        .await?;
    let tenant = engine.store.within(&scope);
    let filter = InstallationFilter {
        integration_id: Some(integration.id.clone()),
        group_ref: Some(opened.link.group_ref.clone()),
    };
    if let Some(installation) = tenant.installations(filter).await?.into_iter().next() {
        return Ok(Standing::Installed(Box::new(Installed {
            connection: tenant.connection(&installation.connection_id).await?,
            syncs: tenant.syncs(&installation.id).await?,
            installation,
        })));
    }
    let filter = ConnectionFilter {
        provider: Some(integration.provider.clone()),
        group_ref: Some(opened.link.group_ref.clone()),
        consumer_ref: None,
    };
    let connection = tenant.connections(filter).await?.into_iter().next();
    Ok(connection.map_or(Standing::Unconnected, |connection| {
        Standing::Connected(Box::new(connection))
    }))
}

/// What the builder has not done yet, without which no customer can connect or
/// install; for the builder to read.
///
/// # Errors
/// [`ActionError::Store`]
pub async fn unprepared(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
) -> Result<Vec<String>, ActionError> {
    let scope = engine
        .store
        .scope(&opened.actor, &opened.link.project_id)
        .await?;
    let tenant = engine.store.within(&scope);
    let provider = &integration.provider;
    let mut lacking = Vec::new();
    if engine.registry.get(provider).is_none() {
        lacking.push(format!("this server has no provider {provider}"));
    }
    if tenant.provider_app_for(provider).await?.is_none() {
        lacking.push(format!("the project has no provider app for {provider}"));
    }
    let manifest: manifest::Integration =
        serde_json::from_value(integration.latest_revision.content.clone())
            .map_err(|error| ActionError::Internal(format!("stored revision: {error}")))?;
    let destinations = tenant.destinations().await?;
    for object in manifest.read_objects() {
        let name = &object.destination;
        if !destinations.iter().any(|known| known.name == *name) {
            let line = format!("the project has no destination {name}");
            if !lacking.contains(&line) {
                lacking.push(line);
            }
        }
    }
    Ok(lacking)
}

/// Where the customer of a link consents, to come back to the link's page.
///
/// `inputs` are what the provider asks for; where one is absent, the connection that
/// is there says it. `browser` is what only the customer's browser knows: nobody
/// else can end what is begun here.
///
/// # Errors
/// As [`oauth::connect`].
pub async fn connect(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
    inputs: &BTreeMap<String, String>,
    browser: &str,
) -> Result<String, ActionError> {
    let standing = standing(engine, opened, integration).await?;
    let known = standing.connection();
    let mut provider_metadata: BTreeMap<String, MetadataItem> = match known {
        Some(known) => serde_json::from_value(known.provider_metadata.clone())
            .map_err(|error| ActionError::Internal(format!("stored metadata: {error}")))?,
        None => BTreeMap::new(),
    };
    provider_metadata.extend(given(inputs));
    let link = &opened.link;
    let connect = Connect {
        provider: integration.provider.clone(),
        group_ref: link.group_ref.clone(),
        group_name: link.group_name.clone(),
        consumer_ref: link.consumer_ref.clone(),
        consumer_name: link.consumer_name.clone(),
        provider_workspace_ref: None,
        provider_metadata,
        provider_app_id: None,
        origin: None,
        connection_id: known.map(|known| known.id.clone()),
        page: Some(AskingPage {
            link_id: link.id.clone(),
            browser: fingerprint(browser),
        }),
    };
    oauth::connect(engine, &opened.actor, &link.project_id, connect).await
}

/// Changes what the provider asks for besides the consent, and keeps the consent.
///
/// # Errors
/// As [`super::connection::update`].
pub async fn change_inputs(
    engine: &Engine,
    opened: &Opened,
    connection: &Connection,
    inputs: &BTreeMap<String, String>,
) -> Result<Connection, ActionError> {
    let mut metadata: BTreeMap<String, MetadataItem> =
        serde_json::from_value(connection.provider_metadata.clone())
            .map_err(|error| ActionError::Internal(format!("stored metadata: {error}")))?;
    metadata.extend(given(inputs));
    let update = super::connection::Update {
        metadata: Some(metadata),
        ..super::connection::Update::default()
    };
    let (actor, project) = (&opened.actor, &opened.link.project_id);
    super::connection::update(engine, actor, project, &connection.id, update).await
}

fn given(inputs: &BTreeMap<String, String>) -> impl Iterator<Item = (String, MetadataItem)> + '_ {
    inputs.iter().map(|(name, value)| {
        let item = MetadataItem {
            value: value.trim().to_owned(),
            source: MetadataSource::Input,
            display_name: None,
        };
        (name.clone(), item)
    })
}

/// Uninstalls, or ends a connection that nothing is installed over.
///
/// # Errors
/// [`ActionError::Conflict`] when another integration works through the connection,
/// [`ActionError::Store`].
pub async fn disconnect(
    engine: &Engine,
    opened: &Opened,
    integration: &Integration,
) -> Result<(), ActionError> {
    let (actor, project) = (&opened.actor, &opened.link.project_id);
    match standing(engine, opened, integration).await? {
        Standing::Unconnected => Ok(()),
        Standing::Connected(connection) => {
            super::connection::delete(engine, actor, project, &connection.id).await
        }
        Standing::Installed(installed) => {
            let id = &installed.installation.id;
            super::installation::delete(engine, actor, project, &integration.id, id).await
        }
    }
}

/// Where the page is that a consent was begun on, if it may still be gone back to.
pub(super) enum Origin {
    /// There, and what is begun there may be ended.
    Good(String),
    /// There, where it is told that it is over.
    Ended(String),
    /// Somebody else's browser: nothing of the link may be shown to it.
    OtherBrowser,
}

/// Looks at the page that a consent was begun on, and at the browser that has come
/// back.
pub(super) async fn origin_of(
    engine: &Engine,
    page: &AskingPage,
    browser: Option<&str>,
) -> Result<Origin, StoreError> {
    if browser.map(fingerprint).as_ref() != Some(&page.browser) {
        return Ok(Origin::OtherBrowser);
    }
    let Some(link) = engine.store.install_link(&page.link_id).await? else {
        // Without its end there is no way to the page.
        return Ok(Origin::OtherBrowser);
    };
    let place = engine
        .links
        .place(LinkKind::Install, &link.id, link.expires_at);
    let is_over = link.revoke_time.is_some() || link.expires_at <= engine.clock.now();
    Ok(match is_over {
        true => Origin::Ended(place),
        false => Origin::Good(place),
    })
}

/// What is kept of a browser's secret.
fn fingerprint(browser: &str) -> String {
    hex::encode(Sha256::digest(browser.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(name: &str, logo_url: &str, color: &str) -> Theme {
        let some = |text: &str| Some(text.to_owned());
        Theme {
            name: some(name),
            logo_url: some(logo_url),
            color: some(color),
        }
    }

    #[test]
    fn a_theme_is_checked_before_it_is_kept() {
        let good = checked(theme("Acme", "https://a.example/l.svg#x", "#2352B8")).unwrap();
        assert_eq!(good, theme("Acme", "https://a.example/l.svg", "#2352B8"));
        assert_eq!(checked(theme(" ", "", "")).unwrap(), Theme::default());
        for (name, logo_url, color) in [
            ("a".repeat(101).as_str(), "", ""),
            ("", "http://a.example/l.svg", ""),
            ("", "https://user:pass@a.example/l.svg", ""),
            ("", "javascript:alert(1)", ""),
            ("", "//a.example/l.svg", ""),
            ("", "", "red"),
            ("", "", "#12345"),
            ("", "", "#12345g"),
            ("", "", "#123456;}body{display:none"),
        ] {
            let refused = checked(theme(name, logo_url, color));
            assert!(refused.is_err(), "{name:?} {logo_url:?} {color:?}");
        }
    }
}
