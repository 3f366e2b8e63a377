//! Webhook events: a map of subject types, and a list for each. Public.

use super::Endpoint;
use crate::app::Shared;
use crate::data::events;
use crate::guard::Access;
use crate::origin::Origin;
use crate::paging::Listing;
use crate::refusal::{Refusal, with_json};
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::json;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/hook_events",
        access: Access::PUBLIC,
        route: || get(subjects),
    },
    Endpoint {
        path: "/2.0/hook_events/{subject_type}",
        access: Access::PUBLIC,
        route: || get::<_, _, Shared>(list),
    },
];

/// What the published example shows.
const PAGELEN: usize = 30;

/// A plain map, not a page.
async fn subjects(origin: Origin) -> Response {
    let link = |subject: &str| json!({"links": {"events": {"href": format!("{origin}/2.0/hook_events/{subject}")}}});
    let body = json!({"repository": link("repository"), "workspace": link("workspace")});
    with_json(StatusCode::OK, &body)
}

async fn list(Path(subject_type): Path<String>, listing: Listing) -> Result<Response, Refusal> {
    let found = events(&subject_type)
        .ok_or_else(|| Refusal::not_found(format!("No webhook subject type '{subject_type}'")))?;
    let page = listing.page_of(PAGELEN)?;
    let (skip, length) = page.window();
    let shown = found.iter().skip(skip).take(length);
    let values = shown.map(|event| event.render()).collect();
    listing.answer(page, found.len(), values)
}
