//! Connecting from a page: the consent begins there, and is ended by the browser that
//! began it, on the page that it began on.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use store::{Connection, Integration, StoreError};

use super::Opened;
use super::progress::standing;
use crate::actions::connection;
use crate::actions::oauth::{self, AskingPage, Connect, MetadataItem, MetadataSource};
use crate::deliver::LinkKind;
use crate::{ActionError, Engine};

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
/// As [`connection::update`].
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
    let update = connection::Update {
        metadata: Some(metadata),
        ..connection::Update::default()
    };
    let (actor, project) = (&opened.actor, &opened.link.project_id);
    connection::update(engine, actor, project, &connection.id, update).await
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

/// Where the page is that a consent was begun on, if it may still be gone back to.
pub(crate) enum Origin {
    /// There, and what is begun there may be ended.
    Good(String),
    /// There, where it is told that it is over.
    Ended(String),
    /// Somebody else's browser: nothing of the link may be shown to it.
    OtherBrowser,
}

/// Looks at the page that a consent was begun on, and at the browser that has come
/// back.
pub(crate) async fn origin_of(
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
