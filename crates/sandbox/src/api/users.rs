//! The caller: who it is and which workspaces it sees.

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::{Principal, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

const USER: Access = Access::new(&["account"], &["read:user:bitbucket"]);
const EMAILS: Access = Access::new(&["email"], &["read:user:bitbucket"]);
const WORKSPACES: Access = Access::new(&["account"], &["read:workspace:bitbucket"]);

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/user",
        access: USER,
        route: || get(show),
    },
    Endpoint {
        path: "/2.0/user/emails",
        access: EMAILS,
        route: || get(emails),
    },
    Endpoint {
        path: "/2.0/user/emails/{email}",
        access: EMAILS,
        route: || get(email),
    },
    Endpoint {
        path: "/2.0/user/workspaces",
        access: WORKSPACES,
        route: || get(workspaces),
    },
    Endpoint {
        path: "/2.0/user/workspaces/{workspace}/permission",
        access: WORKSPACES,
        route: || get(permission),
    },
];

/// What the published example shows.
const WORKSPACES_PAGELEN: usize = 25;

async fn show(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    origin: Origin,
) -> Response {
    let user = caller.principal.render(&app.options, &origin);
    with_json(StatusCode::OK, &user)
}

fn render_email(
    (address, is_primary, is_confirmed): (String, bool, bool),
    origin: &Origin,
) -> Value {
    let href = format!("{origin}/2.0/user/emails/{address}");
    json!({
        "type": "email",
        "email": address,
        "is_primary": is_primary,
        "is_confirmed": is_confirmed,
        "links": {"self": {"href": href}}
    })
}

async fn emails(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let emails = caller.principal.emails(&app.options);
    let size = emails.len();
    let (skip, length) = page.window();
    let shown = emails.into_iter().skip(skip).take(length);
    let values = shown
        .map(|email| render_email(email, &listing.origin))
        .collect();
    listing.answer(page, size, values)
}

async fn email(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(address): Path<String>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let emails = caller.principal.emails(&app.options);
    let found = emails.into_iter().find(|email| email.0 == address);
    let found = found.ok_or_else(|| Refusal::not_found("No such email address"))?;
    Ok(with_json(StatusCode::OK, &render_email(found, &origin)))
}

/// `administrator=` filters, `sort=slug` sorts; nothing else is supported.
async fn workspaces(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page_of(WORKSPACES_PAGELEN)?;
    let administrator = match listing.parameters.get("administrator") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Refusal::bad_request("Invalid value for administrator")),
    };
    let world = app.world();
    let owned = |workspace: &Workspace| workspace.is_owned_by(caller.principal);
    let mut found: Vec<&Workspace> = world
        .workspaces()
        .iter()
        .filter(|workspace| workspace.is_seen_by(caller.principal))
        .filter(|workspace| administrator.is_none_or(|wanted| owned(workspace) == wanted))
        .collect();
    match listing.parameters.get("sort") {
        None => {}
        Some("slug") => found.sort_by(|a, b| a.slug.cmp(&b.slug)),
        Some("-slug") => found.sort_by(|a, b| b.slug.cmp(&a.slug)),
        Some(other) => {
            let text = format!("{other} does not support sorting");
            return Err(Refusal::bad_request(text));
        }
    }
    let (skip, length) = page.window();
    let values = found
        .iter()
        .skip(skip)
        .take(length)
        .map(|workspace| {
            json!({
                "type": "workspace_access",
                "administrator": owned(workspace),
                "workspace": workspace.render_base(&listing.origin)
            })
        })
        .collect();
    listing.answer(page, found.len(), values)
}

async fn permission(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    if !workspace.is_seen_by(caller.principal) {
        return Err(Refusal::forbidden(
            "You are not a member of this workspace.",
        ));
    }
    let permission = match caller.principal {
        principal if workspace.is_owned_by(principal) => "owner",
        Principal::Person(_) | Principal::App => "member",
    };
    let body = json!({
        "type": "workspace_membership",
        "permission": permission,
        "user": caller.principal.render(&app.options, &origin),
        "workspace": workspace.render_short(&origin)
    });
    Ok(with_json(StatusCode::OK, &body))
}
