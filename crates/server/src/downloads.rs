//! What is too big for a webhook: results and configs. The signed link is the
//! whole authority: the receiver of a message need have no key.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::{Engine, LinkKind};
use serde::Deserialize;
use store::ConfigPart;

use crate::extract::{Path, Query};
use crate::problem::Problem;

/// The query of a link.
#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    expires: i64,
    #[serde(default)]
    signature: String,
}

/// The array that `result` would have held, or the config.
pub(crate) async fn fetch(
    State(engine): State<Engine>,
    Path(message): Path<String>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    engine.links.check(
        LinkKind::Download,
        &message,
        link.expires,
        &link.signature,
        engine.clock.now(),
    )?;
    let body = match ConfigPart::of_link_id(&message) {
        Some((message, part)) => Body::from(engine.store.notification_config(message, part).await?),
        None => Body::from_stream(engine.message_result(&message).await?),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
