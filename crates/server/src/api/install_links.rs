//! `/projects/{p}/install-links`, beside the contract: links to the hosted install
//! page. Only the answer to the creation has the link itself, this once.

use axum::extract::State;
use engine::actions::install_link::{NewLink, Theme};
use engine::{Engine, actions};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::InstallLink;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Created, NoContent};
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// How the page looks; what is absent is as usual.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstallPageTheme)]
pub(crate) struct ThemeJson {
    /// The app's name; the project's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// An https URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<String>,
    /// Of buttons: `#rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstallLink)]
pub(crate) struct LinkJson {
    id: String,
    project_id: String,
    integration_id: String,
    group_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    consumer_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer_name: Option<String>,
    #[schema(value_type = ThemeJson)]
    theme: Value,
    created_by: String,
    create_time: Timestamp,
    expire_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_time: Option<Timestamp>,
    /// The link itself, in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<InstallLink> for LinkJson {
    fn from(link: InstallLink) -> Self {
        Self {
            id: link.id,
            project_id: link.project_id,
            integration_id: link.integration_id,
            group_ref: link.group_ref,
            group_name: link.group_name,
            consumer_ref: link.consumer_ref,
            consumer_name: link.consumer_name,
            theme: link.theme,
            created_by: link.created_by,
            create_time: link.create_time,
            expire_time: link.expires_at,
            revoke_time: link.revoke_time,
            url: None,
        }
    }
}

/// `POST …/install-links`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewInstallLink)]
pub(crate) struct New {
    integration_id_or_name: String,
    group_ref: String,
    group_name: Option<String>,
    /// Who opens it; the group's reference where absent.
    consumer_ref: Option<String>,
    consumer_name: Option<String>,
    /// A week where absent; a minute at least, 366 days at most.
    expires_in_seconds: Option<u32>,
    theme: Option<ThemeJson>,
}

/// `?groupRef=`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    group_ref: Option<String>,
}

/// Makes a link.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(new): Json<New>,
) -> Result<Created<LinkJson>, Problem> {
    let theme = new.theme.unwrap_or_default();
    let new = NewLink {
        integration: new.integration_id_or_name,
        group_ref: new.group_ref,
        group_name: new.group_name,
        consumer_ref: new.consumer_ref,
        consumer_name: new.consumer_name,
        lifetime: new
            .expires_in_seconds
            .map(|seconds| SignedDuration::from_secs(i64::from(seconds))),
        theme: Theme {
            name: theme.name,
            logo_url: theme.logo_url,
            color: theme.color,
        },
    };
    let made = actions::install_link::create(&engine, &actor, &project, new).await?;
    let mut json = LinkJson::from(made.link);
    json.url = Some(made.url.expose_secret().to_owned());
    Ok(Created(json))
}

/// The links that are kept: until a day after they have expired.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Vec<LinkJson>>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let links = tenant.install_links(filter.group_ref.as_deref()).await?;
    Ok(axum::Json(links.into_iter().map(Into::into).collect()))
}

/// Takes a link back.
pub(crate) async fn delete(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, link)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::install_link::revoke(&engine, &actor, &project, &link).await?;
    Ok(NoContent)
}
