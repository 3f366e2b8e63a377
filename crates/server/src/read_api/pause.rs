//! `…/installations/{id}:pause` and `:unpause`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use engine::actions::installation::PauseReads;
use engine::{Engine, actions};
use serde::Deserialize;

use crate::auth::FullCaller;
use crate::extract::{Path, Raw};
use crate::problem::Problem;

/// What a body says, if there is one.
#[derive(Debug, Default, Deserialize)]
struct Which {
    #[serde(default)]
    objects: Option<Vec<String>>,
    #[serde(default)]
    note: Option<String>,
}

pub(super) fn routes() -> Router<Engine> {
    // What follows the colon is no segment of its own, so the handler takes it apart.
    let path = "/projects/{project}/integrations/{integration}/installations/{target}";
    Router::new().route(path, post(act))
}

async fn act(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration, target)): Path<(String, String, String)>,
    Raw(body): Raw,
) -> Result<StatusCode, Problem> {
    let (installation, paused) = match target.rsplit_once(':') {
        Some((installation, "pause")) => (installation, true),
        Some((installation, "unpause")) => (installation, false),
        Some(_) | None => {
            return Err(
                Problem::new(404, format!("there is nothing at `installations/{target}`"))
                    .remedy("Add `:pause` or `:unpause` to the installation's id"),
            );
        }
    };
    // The body may be absent, its content type with it.
    let which: Which = if body.trim_ascii().is_empty() {
        Which::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            Problem::new(400, format!("the body is not as the API says: {error}"))
                .remedy("Send {\"objects\": […], \"note\": \"…\"}, or no body at all")
        })?
    };
    let pause = PauseReads {
        paused,
        objects: which.objects.unwrap_or_default(),
        note: which.note,
    };
    actions::installation::pause(&engine, &actor, &project, &integration, installation, pause)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
