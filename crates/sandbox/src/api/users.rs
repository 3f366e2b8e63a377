//! The caller: who it is and which workspaces it sees.

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::data::{Principal, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::{Here, MAX_PAGELEN, Page};
use crate::parameters::Parameters;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::json;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/user",
        access: Access {
            oauth: &["account"],
            api_token: &["read:user:bitbucket"],
            limited: false,
        },
        route: || get(show),
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

const WORKSPACES: Access = Access {
    oauth: &["account"],
    api_token: &["read:workspace:bitbucket"],
    limited: false,
};

async fn show(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    origin: Origin,
) -> Response {
    let user = caller.principal.render(&app.options, &origin);
    with_json(StatusCode::OK, &user)
}

/// `administrator=` filters, `sort=slug` sorts; nothing else is supported.
async fn workspaces(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    origin: Origin,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let page = Page::read(&parameters, MAX_PAGELEN)?;
    let administrator = match parameters.get("administrator") {
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
        .filter(|workspace| administrator.is_none_or(|wanted| owned(workspace) == wanted))
        .collect();
    match parameters.get("sort") {
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
                "workspace": workspace.render_base(&origin)
            })
        })
        .collect();
    let here = Here {
        origin: &origin,
        path: uri.path(),
        parameters: &parameters,
    };
    let envelope = page.envelope(found.len(), values, &here)?;
    Ok(with_json(StatusCode::OK, &envelope))
}

async fn permission(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
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
