//! Snippets of a workspace, with their files. The list knows `role`, neither `q` nor `sort`.

mod change;
mod files;
mod multipart;
mod write;

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::{Snippet, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;

const READ: Access = Access::new(&["snippet"], &["read:snippet:bitbucket"]);

const WRITE: Access = Access::new(
    &["snippet:write"],
    &["read:snippet:bitbucket", "write:snippet:bitbucket"],
);
const DELETE: Access = Access::new(&["snippet:write"], &["delete:snippet:bitbucket"]);

const ALL: &str = "/2.0/snippets/{workspace}";
const ONE: &str = "/2.0/snippets/{workspace}/{id}";

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
        path: "/2.0/snippets/{workspace}/{id}/files/{*path}",
        access: READ,
        route: || get(files::latest),
    },
    Endpoint {
        path: "/2.0/snippets/{workspace}/{id}/{node}/files/{*path}",
        access: READ,
        route: || get(files::raw),
    },
    Endpoint {
        path: ALL,
        access: WRITE,
        route: || post(write::create),
    },
    Endpoint {
        path: ONE,
        access: WRITE,
        route: || put(write::update),
    },
    Endpoint {
        path: ONE,
        access: DELETE,
        route: || delete(write::delete),
    },
];

fn find<'a>(workspace: &'a Workspace, id: &str) -> Result<Snippet<'a>, Refusal> {
    Snippet::find(workspace, id)
        .ok_or_else(|| Refusal::not_found(format!("Snippet {id} not found")))
}

/// `owner` and `contributor` are what the caller made, `member` is everything; without a role
/// it is what is public or the caller's own.
async fn list(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let (others_public, others_private) = match listing.parameters.get("role") {
        None => (true, false),
        Some("member") => (true, true),
        Some("owner" | "contributor") => (false, false),
        Some(other) => return Err(Refusal::bad_request(format!("Invalid role: {other}"))),
    };
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let live = workspace.snippets.ledger.live().iter();
    let found: Vec<Snippet<'_>> = live
        .map(|number| Snippet::new(workspace, *number))
        .filter(|snippet| {
            let others = if snippet.content().is_private {
                others_private
            } else {
                others_public
            };
            others || snippet.creator().is(caller.principal)
        })
        .collect();
    let (skip, length) = page.window();
    let shown = found.iter().skip(skip).take(length);
    let values = shown
        .map(|snippet| snippet.render(&listing.origin))
        .collect();
    listing.answer(page, found.len(), values)
}

async fn show(
    State(app): State<Shared>,
    Path((name, id)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let snippet = find(workspace(&world, &name)?, &id)?;
    Ok(with_json(StatusCode::OK, &snippet.render_whole(&origin)))
}
