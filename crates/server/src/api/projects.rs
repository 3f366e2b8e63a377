//! `/projects`.

use axum::extract::State;
use engine::{Engine, actions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Project, ProjectChange};
use utoipa::{IntoParams, ToSchema};

use super::mask::Mask;
use crate::answer::Created;
use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// A project as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub(crate) struct ProjectJson {
    id: String,
    name: String,
    app_name: String,
    org_id: String,
    create_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entitlements: Option<Entitlements>,
}

/// What the contract calls plan features. There are no plans here: nothing is
/// held back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Entitlements {
    branding_removal: Granted,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entitlement)]
struct Granted {
    value: bool,
}

impl From<Project> for ProjectJson {
    fn from(project: Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            app_name: project.app_name,
            org_id: project.org_id,
            create_time: project.create_time,
            update_time: project.update_time,
            entitlements: None,
        }
    }
}

/// `POST /projects`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewProject {
    name: String,
    #[serde(default)]
    app_name: String,
    org_id: Option<String>,
}

/// `GET /projects/{p}`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    #[serde(default)]
    include_entitlements: bool,
}

/// The projects that the key may see: its own.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
) -> Result<axum::Json<Vec<ProjectJson>>, Problem> {
    let projects = engine.store.projects(&actor).await?;
    Ok(axum::Json(projects.into_iter().map(Into::into).collect()))
}

/// Creates a project, for those who may.
pub(crate) async fn create(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Json(new): Json<NewProject>,
) -> Result<Created<ProjectJson>, Problem> {
    let org_id = new.org_id.filter(|id| !id.is_empty());
    let project = actions::project::create(&engine, &actor, new.name, new.app_name, org_id).await?;
    Ok(Created(project.into()))
}

/// One project.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    Path(project): Path<String>,
    Query(options): Query<Options>,
) -> Result<axum::Json<ProjectJson>, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let mut json = ProjectJson::from(engine.store.within(&scope).project().await?);
    json.entitlements = options.include_entitlements.then_some(Entitlements {
        branding_removal: Granted { value: true },
    });
    Ok(axum::Json(json))
}

/// `PATCH /projects/{p}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectChange)]
pub(crate) struct Change {
    update_mask: Vec<String>,
    project: Changed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectFields)]
struct Changed {
    name: Option<String>,
    app_name: Option<String>,
}

/// Changes what the mask names.
pub(crate) async fn update(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Json(change): Json<Change>,
) -> Result<axum::Json<ProjectJson>, Problem> {
    let mask = Mask::of(change.update_mask, &["name", "appName"])?;
    let change = ProjectChange {
        name: mask.take("name", change.project.name)?,
        app_name: mask.take("appName", change.project.app_name)?,
        keeps_proxied: None,
    };
    let changed = actions::project::update(&engine, &actor, &project, change).await?;
    Ok(axum::Json(changed.into()))
}
