//! Pipelines variables of a workspace, in the manner of the Pipelines service: pages without
//! `next`, empty pages beyond the end, errors with `data.key`. `q` and `sort` are ignored.

mod write;

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::{Variable, Workspace};
use crate::guard::Access;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use http::StatusCode;

const READ: Access = Access::new(&["pipeline"], &["read:pipeline:bitbucket"]);

const WRITE: Access = Access::new(&["pipeline:variable"], &["admin:pipeline:bitbucket"]);

const ALL: &str = "/2.0/workspaces/{workspace}/pipelines-config/variables";
const ONE: &str = "/2.0/workspaces/{workspace}/pipelines-config/variables/{variable}";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: ALL,
        access: READ,
        route: || get(list),
    },
    Endpoint {
        path: ONE,
        access: READ,
        route: || get(show),
    },
    Endpoint {
        path: ALL,
        access: WRITE,
        route: || post(write::create),
    },
    Endpoint {
        path: ONE,
        access: WRITE,
        route: || put(write::update).delete(write::delete),
    },
];

fn find<'a>(workspace: &'a Workspace, uuid: &str) -> Result<Variable<'a>, Refusal> {
    Variable::find(workspace, uuid).ok_or_else(|| {
        let detail = format!("The variable {uuid} was not found.");
        Refusal::pipelines(StatusCode::NOT_FOUND, "not-found", "Not found", &detail)
    })
}

async fn list(
    State(app): State<Shared>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let omits_next = app.settings().omit_variables_next;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let live = workspace.variables.ledger.live();
    let (skip, length) = page.window();
    let shown = live.iter().skip(skip).take(length);
    let values = shown
        .map(|number| Variable::new(workspace, *number).render())
        .collect();
    Ok(listing.answer_counted(page, live.len(), values, omits_next))
}

async fn show(
    State(app): State<Shared>,
    Path((name, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let world = app.world();
    let variable = find(workspace(&world, &name)?, &uuid)?;
    Ok(with_json(StatusCode::OK, &variable.render()))
}
