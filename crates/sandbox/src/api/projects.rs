//! Projects of a workspace. The list knows neither `q` nor `sort`: both are ignored.

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::Project;
use crate::guard::Access;
use crate::origin::Origin;
use crate::paging::{Here, MAX_PAGELEN, Page};
use crate::parameters::Parameters;
use crate::refusal::{Refusal, with_json};
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

const READ: Access = Access {
    oauth: &["project"],
    api_token: &["read:project:bitbucket"],
    limited: false,
};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/workspaces/{workspace}/projects",
        access: READ,
        route: || get(list),
    },
    Endpoint {
        path: "/2.0/workspaces/{workspace}/projects/{key}",
        access: READ,
        route: || get(show),
    },
];

async fn list(
    State(app): State<Shared>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    origin: Origin,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let page = Page::read(&parameters, MAX_PAGELEN)?;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let live = workspace.projects.live();
    let (skip, length) = page.window();
    let values = live
        .iter()
        .skip(skip)
        .take(length)
        .map(|number| Project::new(workspace, *number).render(&origin))
        .collect();
    let here = Here {
        origin: &origin,
        path: uri.path(),
        parameters: &parameters,
    };
    let envelope = page.envelope(live.len(), values, &here)?;
    Ok(with_json(StatusCode::OK, &envelope))
}

async fn show(
    State(app): State<Shared>,
    Path((name, key)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let project = Project::find(workspace, &key)
        .ok_or_else(|| Refusal::not_found(format!("Project {key} not found")))?;
    Ok(with_json(StatusCode::OK, &project.render(&origin)))
}
