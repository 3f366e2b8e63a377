//! Connections: whether each customer's account can be used, what was granted
//! against what is needed, and the way to connect again. Tokens are shown nowhere.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use connector::Description;
use engine::actions::installation::Install;
use engine::{Engine, ReadObjectConfig, actions};
use manifest::{IntegrationField, ReadObject};
use serde_json::{Value, json};
use store::{
    Connection, ConnectionDetails, ConnectionFilter, ConnectionStatus, Installation,
    InstallationFilter, Integration,
};

use super::answer::{Answer, done, not_done, show, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::permission::{self, Needed, Use};
use crate::problem::Problem;

/// Rows on a page.
const PAGE: u64 = 50;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/{connection}", get(show_one))
        .route("/{connection}/reconnect", get(show_one).post(reconnect))
        .route("/{connection}/install", get(show_one).post(install))
        .route("/{connection}/delete", post(delete))
}

/// A status as a badge: its colour and its word.
fn badge(status: ConnectionStatus) -> (&'static str, &'static str) {
    match status {
        ConnectionStatus::Created => ("", "not used yet"),
        ConnectionStatus::Working => ("good", "working"),
        ConnectionStatus::BadCredentials => ("bad", "refused"),
    }
}

#[derive(Template)]
#[template(path = "connections.html")]
struct List {
    frame: Frame,
    rows: Vec<ConnectionDetails>,
    group: String,
    bad: bool,
    next: Option<String>,
    has_app: bool,
}

impl List {
    fn badge(&self, connection: &Connection) -> (&'static str, &'static str) {
        badge(connection.status)
    }
}

async fn list(here: Here) -> Answer {
    let query = here.query();
    let (group, bad) = (query.text("group").to_owned(), query.has("bad"));
    let filter = ConnectionFilter {
        group_ref: query.given("group").map(str::to_owned),
        ..ConnectionFilter::default()
    };
    let after = query.given("after").map(str::to_owned);
    let tenant = here.tenant();
    let (found, next) = tenant.connection_page(filter, bad, PAGE, after).await?;
    show(&List {
        rows: tenant.connection_details(&found).await?,
        has_app: !tenant.provider_apps().await?.is_empty(),
        frame: here.frame(Place::Connections, "Connections"),
        group,
        bad,
        next,
    })
}

#[derive(Template)]
#[template(path = "connection.html")]
struct One {
    frame: Frame,
    details: ConnectionDetails,
    provider_name: String,
    installations: Vec<Installation>,
    /// Of the same provider, and not installed by the customer.
    installable: Vec<Integration>,
    needed: Vec<Granted>,
    /// Granted, and needed by nothing that is installed.
    spare: Vec<String>,
    is_oauth: bool,
    reconnect_url: Option<String>,
    problem: Option<Problem>,
}

struct Granted {
    needed: Needed,
    is_granted: bool,
}

impl One {
    fn badge(&self) -> (&'static str, &'static str) {
        badge(self.details.connection.status)
    }

    fn is_bad(&self) -> bool {
        self.details.connection.status == ConnectionStatus::BadCredentials
    }

    fn lacks(&self) -> bool {
        self.needed.iter().any(|one| !one.is_granted)
    }
}

async fn show_one(here: Here) -> Answer {
    page(&here, None, None).await
}

async fn page(here: &Here, reconnect_url: Option<String>, problem: Option<Problem>) -> Answer {
    let tenant = here.tenant();
    let connection = tenant.connection(here.parameter("connection")).await?;
    let details = tenant.connection_details(&[connection]).await?;
    let details = details.into_iter().next();
    let details = details.ok_or_else(|| Problem::new(404, "the connection was deleted"))?;
    let connection = &details.connection;
    let filter = InstallationFilter {
        integration_id: None,
        group_ref: Some(connection.group_ref.clone()),
    };
    let mut installations = tenant.installations(filter).await?;
    let mut installable = tenant.integrations().await?;
    installable.retain(|one| {
        let is_there = installations
            .iter()
            .any(|other| other.integration_id == one.id);
        one.provider == connection.provider && !is_there
    });
    installations.retain(|one| one.connection_id == connection.id);
    let connector = here.engine.registry.get(&connection.provider);
    let description = connector.map(|connector| connector.describe());
    let is_oauth = connection.auth_scheme.starts_with("oauth2/");
    let needed = match description.filter(|_| is_oauth) {
        Some(description) => granted(description, &uses(here, &installations).await?, connection),
        None => Vec::new(),
    };
    let is_spare = |scope: &&String| !needed.iter().any(|one| one.needed.scope == **scope);
    let spare = connection.scopes.iter().filter(is_spare).cloned().collect();
    let page = One {
        frame: here
            .frame(Place::Connections, &details.group.name)
            .below("Connections", here.path("/connections")),
        provider_name: description
            .map_or(connection.provider.as_str(), |description| {
                description.display_name
            })
            .to_owned(),
        installations,
        installable,
        needed,
        spare,
        is_oauth,
        reconnect_url,
        problem,
        details,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

/// What the customer's installations do through the connection.
async fn uses(here: &Here, installations: &[Installation]) -> Result<Vec<Use>, Problem> {
    let tenant = here.tenant();
    let mut all = Vec::new();
    for installation in installations {
        let integration = tenant.integration(&installation.integration_id).await?;
        let read = tenant.syncs(&installation.id).await?;
        let manifest = permission::manifest_of(&integration);
        let declared = manifest
            .as_ref()
            .map(permission::uses_of)
            .unwrap_or_default();
        let done = |one: &Use| one.writes || read.iter().any(|sync| sync.object_name == one.object);
        all.extend(declared.into_iter().filter(done));
    }
    Ok(all)
}

fn granted(description: &Description, uses: &[Use], connection: &Connection) -> Vec<Granted> {
    let needed = permission::needed(description, uses);
    let with = needed.into_iter().map(|needed| Granted {
        is_granted: description.is_granted(needed.scope, &connection.scopes),
        needed,
    });
    with.collect()
}

/// A link by which the customer consents anew.
async fn reconnect(here: Here, _: Form) -> Answer {
    let id = here.parameter("connection");
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::oauth::reconnect(engine, here.actor(), project, id, None).await {
        Ok(url) => page(&here, Some(url), None).await,
        Err(error) => page(&here, None, Some(error.into())).await,
    }
}

/// Installs for the customer as whoever wants everything would: every object of the
/// manifest, with every field that it offers.
async fn install(here: Here, form: Form) -> Answer {
    let tenant = here.tenant();
    let connection = tenant.connection(here.parameter("connection")).await?;
    let integration = tenant.integration(form.text("integration")).await?;
    let manifest = permission::manifest_of(&integration);
    let objects = manifest
        .iter()
        .flat_map(manifest::Integration::read_objects);
    let objects: serde_json::Map<String, Value> = objects
        .map(|object| (object.object_name.clone(), everything(object)))
        .collect();
    let install = Install {
        integration: integration.id.clone(),
        group_ref: connection.group_ref.clone(),
        connection_id: Some(connection.id.clone()),
        revision_id: None,
        created_by: None,
        content: json!({ "provider": integration.provider, "read": { "objects": objects } }),
        skip_sampling: false,
    };
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::installation::create(engine, here.actor(), project, install).await {
        Ok(made) => done(
            &here.path(&format!("/installations/{}", made.id)),
            "Installed: everything that the manifest offers is being read.",
        ),
        Err(error) => page(&here, None, Some(error.into())).await,
    }
}

/// The choice of all that the manifest offers of an object.
fn everything(object: &ReadObject) -> Value {
    let optional = object.optional_fields.iter().flatten();
    let optional = optional.filter_map(|field| match field {
        IntegrationField::Existent { field_name, .. } => Some((field_name.clone(), true)),
        IntegrationField::Mapping { .. } => None,
    });
    let choice = ReadObjectConfig {
        object_name: Some(object.object_name.clone()),
        selected_fields: Some(optional.collect()),
        selected_fields_auto: object.optional_fields_auto.clone(),
        ..ReadObjectConfig::default()
    };
    json!(choice)
}

async fn delete(here: Here, _: Form) -> Answer {
    let id = here.parameter("connection");
    let deleted =
        actions::connection::delete(&here.engine, here.actor(), &here.project.id, id).await;
    match deleted {
        Ok(()) => done(
            &here.path("/connections"),
            "The connection was deleted, and its tokens with it.",
        ),
        Err(error) => not_done(&here.path(&format!("/connections/{id}")), error),
    }
}
