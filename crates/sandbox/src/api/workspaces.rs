//! `GET /2.0/workspaces/{workspace}`.

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::guard::Access;
use crate::origin::Origin;
use crate::refusal::{Refusal, with_json};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    path: "/2.0/workspaces/{workspace}",
    access: Access::new(&[], &["read:workspace:bitbucket"]),
    route: || get(show),
}];

async fn show(
    State(app): State<Shared>,
    Path(name): Path<String>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    Ok(with_json(StatusCode::OK, &workspace.render(&origin)))
}
