//! Projects of a workspace. The list knows neither `q` nor `sort`: both are ignored.

mod write;

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::{Project, Workspace};
use crate::guard::Access;
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use http::StatusCode;

const WRITE: Access = Access::new(&["project:admin"], &["admin:project:bitbucket"]);
const READ: Access = Access::new(&["project"], &["read:project:bitbucket"]);

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
    Endpoint {
        path: "/2.0/workspaces/{workspace}/projects",
        access: WRITE,
        route: || post(write::create),
    },
    Endpoint {
        path: "/2.0/workspaces/{workspace}/projects/{key}",
        access: WRITE,
        route: || put(write::upsert).delete(write::delete),
    },
];

fn find<'a>(workspace: &'a Workspace, key: &str) -> Result<Project<'a>, Refusal> {
    Project::find(workspace, key)
        .ok_or_else(|| Refusal::not_found(format!("Project {key} not found")))
}

async fn list(
    State(app): State<Shared>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let live = workspace.projects.ledger.live();
    let (skip, length) = page.window();
    let shown = live.iter().skip(skip).take(length);
    let values = shown
        .map(|number| Project::new(workspace, *number).render(&listing.origin))
        .collect();
    listing.answer(page, live.len(), values)
}

async fn show(
    State(app): State<Shared>,
    Path((name, key)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let project = find(workspace, &key)?;
    Ok(with_json(StatusCode::OK, &project.render(&origin)))
}
