//! Members of a workspace and their permissions.
//!
//! Both lists know `q` for a few fields and ignore `sort`. E-mail addresses can be asked for
//! by an administrator, ninety at a time; only who was asked for by address can have it shown.

use super::{Endpoint, administrator, workspace};
use crate::app::Shared;
use crate::bbql::Query;
use crate::data::{MEMBER_FIELDS, Member, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::Value;

const READ: Access = Access::new(&["account"], &["read:workspace:bitbucket"]);

const EMAIL: &str = "user.email";
const MAX_EMAILS: usize = 90;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/workspaces/{workspace}/members",
        access: READ,
        route: || get(list),
    },
    Endpoint {
        path: "/2.0/workspaces/{workspace}/members/{member}",
        access: READ,
        route: || get(show),
    },
    Endpoint {
        path: "/2.0/workspaces/{workspace}/permissions",
        access: READ,
        route: || get(permissions),
    },
];

/// Everybody whom `q` selects, in order of joining.
fn selected<'a>(workspace: &'a Workspace, query: Option<&Query>) -> Vec<Member<'a>> {
    let live = workspace.members.ledger.live().iter();
    live.map(|number| Member::new(workspace, *number))
        .filter(|member| query.is_none_or(|query| query.selects(member)))
        .collect()
}

fn query(listing: &Listing) -> Result<Option<Query>, Refusal> {
    let text = listing.parameters.get("q");
    text.map(|text| Query::parse(text, MEMBER_FIELDS))
        .transpose()
        .map_err(Refusal::bad_request)
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
    let query = query(&listing)?;
    let emails = query.as_ref().map_or(0, |query| query.values_of(EMAIL));
    if emails > 0 {
        administrator(&caller, workspace)?;
    }
    if emails > MAX_EMAILS {
        return Err(Refusal::bad_request("Too many email addresses, at most 90"));
    }
    let fields = listing.parameters.get("fields").unwrap_or_default();
    let shows_email = emails > 0 && fields.contains("values.user.email");
    let found = selected(workspace, query.as_ref());
    let (skip, length) = page.window();
    let shown = found.iter().skip(skip).take(length);
    let values = shown
        .map(|member| {
            let mut value = member.render(&listing.origin);
            if let Some(user) = value.get_mut("user").and_then(Value::as_object_mut)
                && shows_email
            {
                user.insert("email".to_owned(), Value::String(member.email()));
            }
            value
        })
        .collect();
    listing.answer(page, found.len(), values)
}

async fn show(
    State(app): State<Shared>,
    Path((name, member)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let found = Member::find(workspace(&world, &name)?, &member)
        .ok_or_else(|| Refusal::not_found(format!("{member} is not a member of {name}.")))?;
    Ok(with_json(StatusCode::OK, &found.render(&origin)))
}

/// Of the fields only `permission` is documented here.
async fn permissions(
    State(app): State<Shared>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let query = query(&listing)?;
    let others = MEMBER_FIELDS.iter().map(|field| field.name);
    for other in others.filter(|name| *name != "permission") {
        if query
            .as_ref()
            .is_some_and(|query| query.values_of(other) > 0)
        {
            let text = format!("{other} does not support filtering");
            return Err(Refusal::bad_request(text));
        }
    }
    let found = selected(workspace, query.as_ref());
    let (skip, length) = page.window();
    let shown = found.iter().skip(skip).take(length);
    let values = shown
        .map(|member| member.render_permission(&listing.origin))
        .collect();
    listing.answer(page, found.len(), values)
}
