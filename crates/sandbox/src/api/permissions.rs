//! Permissions on repositories: of everybody in a workspace, on one repository, of the caller.
//!
//! Without `q` and `sort` nothing is kept but the page, however many grants there are.

use super::{Endpoint, administrator, workspace};
use crate::app::Shared;
use crate::bbql::{Operand, Query, Record};
use crate::data::{GRANT_FIELDS, Grant, Permission, Repository, Workspace, grants};
use crate::guard::{Access, Caller};
use crate::paging::Listing;
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

const ALL: Access = Access::new(&["account"], &["read:repository:bitbucket"]);
const ONE: Access = Access::new(&["repository"], &["read:repository:bitbucket"]);
const OWN: Access = Access::new(&["account", "repository"], &["read:repository:bitbucket"]);

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/workspaces/{workspace}/permissions/repositories",
        access: ALL,
        route: || get(all),
    },
    Endpoint {
        path: "/2.0/workspaces/{workspace}/permissions/repositories/{repository}",
        access: ONE,
        route: || get(on_one),
    },
    Endpoint {
        path: "/2.0/user/workspaces/{workspace}/permissions/repositories",
        access: OWN,
        route: || get(own),
    },
];

async fn all(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    administrator(&caller, workspace)?;
    answer(&listing, everything(workspace))
}

/// For administrators of the repository.
async fn on_one(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, repository)): Path<(String, String)>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let repository = Repository::find(workspace, &repository)
        .ok_or_else(|| Refusal::not_found(format!("Repository {name}/{repository} not found")))?;
    if repository.permission(caller.principal) != Some(Permission::Admin) {
        return Err(Refusal::forbidden(
            "Access denied. You must be an administrator of this repository.",
        ));
    }
    answer(&listing, grants(workspace, repository))
}

async fn own(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let own = everything(workspace).filter(|grant| grant.member.is(caller.principal));
    answer(&listing, own)
}

fn everything(workspace: &Workspace) -> impl Iterator<Item = Grant<'_>> {
    let live = workspace.repositories.live().iter();
    live.flat_map(move |number| grants(workspace, Repository::new(workspace, *number)))
}

/// One page of what `q` selects, in the order of `sort`.
fn answer<'a>(
    listing: &Listing,
    grants: impl Iterator<Item = Grant<'a>>,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let query = listing
        .parameters
        .get("q")
        .map(|text| Query::parse(text, GRANT_FIELDS))
        .transpose()
        .map_err(Refusal::bad_request)?;
    let selected = grants.filter(|grant| query.as_ref().is_none_or(|query| query.selects(grant)));
    let (skip, length) = page.window();
    let mut size = 0;
    let mut shown = Vec::new();
    match listing.parameters.get("sort") {
        None => {
            for grant in selected {
                if size >= skip && shown.len() < length {
                    shown.push(grant);
                }
                size += 1;
            }
        }
        Some(sort) => {
            let sorted = sorted(selected.collect(), sort)?;
            size = sorted.len();
            shown.extend(sorted.into_iter().skip(skip).take(length));
        }
    }
    let values = shown
        .iter()
        .map(|grant| grant.render(&listing.origin))
        .collect();
    listing.answer(page, size, values)
}

fn sorted<'a>(grants: Vec<Grant<'a>>, sort: &str) -> Result<Vec<Grant<'a>>, Refusal> {
    let name = sort.strip_prefix('-').unwrap_or(sort);
    let field = GRANT_FIELDS
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(|| Refusal::bad_request(format!("{name} does not support sorting")))?;
    let mut keyed: Vec<(Operand, Grant<'a>)> = grants
        .into_iter()
        .map(|grant| (grant.operand(field.name), grant))
        .collect();
    keyed.sort_by(|a, b| {
        let order = a.0.order(&b.0);
        if name == sort { order } else { order.reverse() }
    });
    Ok(keyed.into_iter().map(|(_, grant)| grant).collect())
}
