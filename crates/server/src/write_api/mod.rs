//! The Write API below `/write/v1`, in the shapes of the published contract. What
//! the provider refuses is 422 in the contract's own JSON; every other refusal is a
//! problem, as everywhere.

mod answer;
mod request;

use axum::extract::State;
use axum::http::HeaderMap;
use engine::{Engine, actions};

use crate::auth::FullCaller;
use crate::description::{Api, post};
use crate::extract::{Json, Path};
use crate::problem::Problem;
use answer::Answered;
use request::New;

/// Every route, relative to `/write/v1`.
pub(crate) fn routes() -> Api {
    Api::default().route(
        "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{*objectName}",
        post(write).refusing(&[409, 429]),
    )
}

/// Writes one record or a batch.
async fn write(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, object)): Path<(String, String, String)>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Result<Answered, Problem> {
    let key = headers.get("idempotency-key");
    let key = key
        .map(|value| value.to_str().map(str::to_owned))
        .transpose();
    let key = key.map_err(|_| {
        Problem::new(400, "the Idempotency-Key is not plain text")
            .remedy("Use letters, digits and signs of ASCII")
    })?;
    let write = new.into_write(integration, object, key);
    let written = actions::write::write(&engine, &actor, &project, write).await?;
    Ok(written.into())
}
