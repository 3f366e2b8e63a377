//! Provider apps: the builder's OAuth client at each provider, with the provider's
//! own guide beside the form. The secret goes in and is never shown.

use askama::Template;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use connector::{Description, SetupPart};
use engine::actions::oauth::{Connect, MetadataItem, MetadataSource};
use engine::{ActionError, Engine, actions};
use std::collections::BTreeMap;
use store::{NewProviderApp, ProviderApp, ProviderAppChange};

use super::answer::{Answer, done, not_done, show, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::permission::{self, Needed};
use crate::problem::Problem;

/// The customer that a test connects as.
const TEST_GROUP: &str = "dashboard-test";

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/new/{provider}", get(new).post(create))
        .route("/{app}", get(edit).post(update))
        .route("/{app}/delete", post(delete))
        .route("/{app}/test", get(edit).post(test))
}

#[derive(Template)]
#[template(path = "provider_apps.html")]
struct List {
    frame: Frame,
    providers: Vec<Provider>,
}

/// A provider, and the project's apps there.
struct Provider {
    name: &'static str,
    display_name: &'static str,
    apps: Vec<ProviderApp>,
}

async fn list(here: Here) -> Answer {
    let apps = here.tenant().provider_apps().await?;
    let providers = here
        .engine
        .registry
        .descriptions()
        .map(|description| Provider {
            name: description.provider,
            display_name: description.display_name,
            apps: apps
                .iter()
                .filter(|app| app.provider == description.provider)
                .cloned()
                .collect(),
        });
    show(&List {
        providers: providers.collect(),
        frame: here.frame(Place::ProviderApps, "Provider apps"),
    })
}

#[derive(Template)]
#[template(path = "provider_app.html")]
struct Page<'a> {
    frame: Frame,
    provider: &'a Description,
    callback_url: &'a str,
    needed: Vec<Needed>,
    /// Whether `needed` is for everything, since nothing is deployed.
    is_everything: bool,
    /// `None` while it is to be made.
    app: Option<ProviderApp>,
    client_id: String,
    scopes: String,
    problem: Option<Problem>,
    /// Where the test goes on.
    consent_url: Option<String>,
}

impl Page<'_> {
    fn shows_callback_url(&self, shows: Option<&SetupPart>) -> bool {
        shows == Some(&SetupPart::CallbackUrl)
    }

    fn shows_permissions(&self, shows: Option<&SetupPart>) -> bool {
        shows == Some(&SetupPart::Permissions)
    }

    fn client_id_name(&self) -> &'static str {
        self.provider
            .client_setup
            .map_or("", |setup| setup.client_id_name)
    }

    fn client_secret_name(&self) -> &'static str {
        self.provider
            .client_setup
            .map_or("", |setup| setup.client_secret_name)
    }
}

/// What a page shows besides the app itself.
#[derive(Default)]
struct Shown {
    client_id: Option<String>,
    scopes: Option<String>,
    problem: Option<Problem>,
    consent_url: Option<String>,
}

async fn page(here: &Here, provider: &str, app: Option<ProviderApp>, shown: Shown) -> Answer {
    let connector = here.engine.registry.get(provider);
    let connector = connector.ok_or_else(|| Problem::new(404, "there is no such provider"))?;
    let description = connector.describe();
    let integrations = here.tenant().integrations().await?;
    let uses: Vec<_> = integrations
        .iter()
        .filter(|integration| integration.provider == provider)
        .filter_map(permission::manifest_of)
        .flat_map(|manifest| permission::uses_of(&manifest))
        .collect();
    let title = match &app {
        Some(_) => description.display_name.to_owned(),
        None => format!("Set up {}", description.display_name),
    };
    let all = here.path("/provider-apps");
    let page = Page {
        frame: here
            .frame(Place::ProviderApps, &title)
            .below("Provider apps", all),
        provider: description,
        callback_url: here.engine.callback_url(),
        is_everything: uses.is_empty(),
        needed: match uses.is_empty() {
            true => permission::every_read(description),
            false => permission::needed(description, &uses),
        },
        client_id: shown
            .client_id
            .or_else(|| app.as_ref().map(|app| app.client_id.clone()))
            .unwrap_or_default(),
        scopes: shown
            .scopes
            .or_else(|| app.as_ref().map(|app| app.scopes.join(" ")))
            .unwrap_or_default(),
        app,
        problem: shown.problem,
        consent_url: shown.consent_url,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn new(here: Here) -> Answer {
    page(&here, here.parameter("provider"), None, Shown::default()).await
}

async fn edit(here: Here) -> Answer {
    let app = here.tenant().provider_app(here.parameter("app")).await?;
    page(&here, &app.provider.clone(), Some(app), Shown::default()).await
}

fn scopes(form: &Form) -> Vec<String> {
    form.text("scopes")
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// The form as it was sent, and why it was not taken.
fn refused(form: &Form, error: ActionError) -> Shown {
    Shown {
        client_id: Some(form.text("client_id").to_owned()),
        scopes: Some(form.text("scopes").to_owned()),
        problem: Some(error.into()),
        ..Shown::default()
    }
}

async fn create(here: Here, form: Form) -> Answer {
    let provider = here.parameter("provider").to_owned();
    let new = NewProviderApp {
        external_ref: None,
        provider: provider.clone(),
        client_id: form.text("client_id").to_owned(),
        client_secret: form.text("client_secret").into(),
        scopes: scopes(&form),
        metadata: None,
    };
    match actions::provider_app::create(&here.engine, here.actor(), &here.project.id, new).await {
        Ok(app) => done(
            &here.path(&format!("/provider-apps/{}", app.id)),
            "Saved. The secret is sealed and will not be shown again.",
        ),
        Err(error) => page(&here, &provider, None, refused(&form, error)).await,
    }
}

async fn update(here: Here, form: Form) -> Answer {
    let app = here.tenant().provider_app(here.parameter("app")).await?;
    let secret = form.text("client_secret");
    let change = ProviderAppChange {
        client_id: Some(form.text("client_id").to_owned()),
        client_secret: Some(secret.into()).filter(|_| !secret.is_empty()),
        scopes: Some(scopes(&form)),
        ..ProviderAppChange::default()
    };
    let (actor, project) = (here.actor(), &here.project.id);
    match actions::provider_app::update(&here.engine, actor, project, &app.id, change).await {
        Ok(app) => done(&here.path(&format!("/provider-apps/{}", app.id)), "Saved."),
        Err(error) => {
            let provider = app.provider.clone();
            page(&here, &provider, Some(app), refused(&form, error)).await
        }
    }
}

async fn delete(here: Here, _: Form) -> Answer {
    let app = here.parameter("app");
    let deleted =
        actions::provider_app::delete(&here.engine, here.actor(), &here.project.id, app).await;
    match deleted {
        Ok(()) => done(
            &here.path("/provider-apps"),
            "The provider app was deleted.",
        ),
        Err(error) => not_done(&here.path(&format!("/provider-apps/{app}")), error),
    }
}

/// Begins a consent as a customer would give it, for a customer that stands for
/// nobody. What comes of it is a connection like any other.
async fn test(here: Here, headers: HeaderMap, form: Form) -> Answer {
    let app = here.tenant().provider_app(here.parameter("app")).await?;
    let connector = here.engine.registry.get(&app.provider);
    let inputs = connector.map_or(&[][..], |connector| connector.describe().inputs);
    let connect = Connect {
        provider: app.provider.clone(),
        group_ref: TEST_GROUP.to_owned(),
        group_name: Some("Test from the dashboard".to_owned()),
        consumer_ref: here.by.account.id.clone(),
        consumer_name: Some(here.by.account.email.clone()),
        provider_workspace_ref: None,
        provider_metadata: given_inputs(inputs, &form),
        provider_app_id: Some(app.id.clone()),
        origin: crate::api::oauth_connect::origin_of(&headers),
        connection_id: None,
        page: None,
    };
    let begun =
        actions::oauth::connect(&here.engine, here.actor(), &here.project.id, connect).await;
    let shown = match begun {
        Ok(url) => Shown {
            consent_url: Some(url),
            ..Shown::default()
        },
        Err(error) => Shown {
            problem: Some(error.into()),
            ..Shown::default()
        },
    };
    page(&here, &app.provider.clone(), Some(app), shown).await
}

/// What a form says of the provider's inputs; what is empty is not given.
pub(super) fn given_inputs(
    inputs: &[connector::Input],
    form: &Form,
) -> BTreeMap<String, MetadataItem> {
    let given = inputs.iter().filter_map(|input| {
        let value = form.given(&format!("input-{}", input.name))?;
        let item = MetadataItem {
            value: value.to_owned(),
            source: MetadataSource::Input,
            display_name: None,
        };
        Some((input.name.to_owned(), item))
    });
    given.collect()
}
