//! Where manifests are uploaded to. The signed link is the whole authority: the
//! stock command line sends no key with its zip.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use engine::{Engine, LinkError, LinkKind, actions};
use serde::Deserialize;

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

/// Takes the zip.
pub(crate) async fn receive(
    State(engine): State<Engine>,
    Path(upload): Path<String>,
    Query(link): Query<Link>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    engine
        .links
        .check(
            LinkKind::Upload,
            &upload,
            link.expires,
            &link.signature,
            engine.clock.now(),
        )
        .map_err(|error| match error {
            LinkError::Expired => Problem::new(410, error.to_string()).remedy(
                "Ask GET /v1/generate-upload-url for a new one; each is good for 15 minutes",
            ),
            LinkError::Forged => error.into(),
        })?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(413, "the upload is larger than 4 MiB")
            .remedy("A zip with one amp.yaml of up to 1 MiB is far below it"),
        status => Problem::new(status.as_u16(), rejection.body_text()),
    })?;
    let content_md5 = match headers.get("content-md5").map(|value| value.to_str()) {
        None => None,
        Some(Ok(md5)) => Some(md5.trim()),
        Some(Err(_)) => return Err(Problem::new(400, "`Content-MD5` is not an MD5 in base64")),
    };
    actions::upload::receive(&engine, &upload, content_md5, &body).await?;
    Ok(StatusCode::OK)
}
