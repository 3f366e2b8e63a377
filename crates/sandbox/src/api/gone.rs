//! What Bitbucket has taken away, each with the answer it gives now.
//!
//! No credential is asked for first: a caller should learn that the path is gone whatever it
//! holds. <https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-2770>

use crate::app::Shared;
use crate::refusal::Refusal;
use axum::Router;
use axum::extract::State;
use axum::routing::{any, get};

const REMOVED: &[&str] = &[
    "/2.0/repositories",
    "/2.0/workspaces",
    "/2.0/user/permissions/workspaces",
    "/2.0/user/permissions/repositories",
];

/// Only Connect apps ever reached these, and they are removed since May 2026.
const LINKERS: &[&str] = &["/2.0/addon/linkers", "/2.0/addon/linkers/{*rest}"];

pub(super) fn routes() -> Router<Shared> {
    let mut router = Router::new();
    for path in REMOVED {
        router = router.route(path, any(async || Refusal::removed()));
    }
    for path in LINKERS {
        router = router.route(path, any(linkers));
    }
    // Deprecated in the description of today, and named with the removed ones: the stricter
    // reading. Creating under the caller's own account is not offered here.
    router.route("/2.0/snippets", get(async || Refusal::removed()))
}

async fn linkers(State(app): State<Shared>) -> Refusal {
    match app.settings().linkers_status {
        404 => Refusal::no_such_path(),
        410 => Refusal::linkers_removed(),
        _ => Refusal::app_jwt_only(),
    }
}
