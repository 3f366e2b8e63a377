//! What Bitbucket has taken away, each with the answer it gives now.
//!
//! No credential is asked for first: a caller should learn that the path is gone whatever it
//! holds. <https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-2770>

use crate::app::Shared;
use crate::refusal::Refusal;
use axum::Router;
use axum::routing::any;

const REMOVED: &[&str] = &[
    "/2.0/repositories",
    "/2.0/workspaces",
    "/2.0/user/permissions/workspaces",
    "/2.0/user/permissions/repositories",
];

/// Only Connect apps ever reached these.
const APP_ONLY: &[&str] = &["/2.0/addon/linkers", "/2.0/addon/linkers/{*rest}"];

pub(super) fn routes() -> Router<Shared> {
    let mut router = Router::new();
    for path in REMOVED {
        router = router.route(path, any(async || Refusal::removed()));
    }
    for path in APP_ONLY {
        router = router.route(path, any(async || Refusal::app_jwt_only()));
    }
    router
}
