//! Webhooks of a workspace, for its administrators. The list knows neither `q` nor `sort`.

mod address;
mod write;

use super::{Endpoint, administrator, workspace};
use crate::app::Shared;
use crate::data::{Hook, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;

const READ: Access = Access::new(&["webhook"], &["read:webhook:bitbucket"]);

const WRITE: Access = Access::new(
    &["webhook"],
    &["read:webhook:bitbucket", "write:webhook:bitbucket"],
);
const DELETE: Access = Access::new(&["webhook"], &["delete:webhook:bitbucket"]);

const ALL: &str = "/2.0/workspaces/{workspace}/hooks";
const ONE: &str = "/2.0/workspaces/{workspace}/hooks/{uid}";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: ALL,
        access: READ.limited("webhooks"),
        route: || get(list),
    },
    Endpoint {
        path: ONE,
        access: READ,
        route: || get(show),
    },
    Endpoint {
        path: ALL,
        access: WRITE.limited("webhooks"),
        route: || post(write::create),
    },
    Endpoint {
        path: ONE,
        access: WRITE,
        route: || put(write::update),
    },
    Endpoint {
        path: ONE,
        access: DELETE.limited("webhooks"),
        route: || delete(write::delete),
    },
];

fn find<'a>(workspace: &'a Workspace, uid: &str) -> Result<Hook<'a>, Refusal> {
    Hook::find(workspace, uid).ok_or_else(|| Refusal::not_found(format!("Webhook {uid} not found")))
}

async fn list(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    administrator(&caller, workspace)?;
    let live = workspace.hooks.ledger.live();
    let (skip, length) = page.window();
    let shown = live.iter().skip(skip).take(length);
    let values = shown
        .map(|number| Hook::new(workspace, *number).render(&listing.origin))
        .collect();
    listing.answer(page, live.len(), values)
}

async fn show(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, uid)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    administrator(&caller, workspace)?;
    let hook = find(workspace, &uid)?;
    Ok(with_json(StatusCode::OK, &hook.render(&origin)))
}
