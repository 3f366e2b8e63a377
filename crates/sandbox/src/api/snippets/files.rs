//! The files of a snippet: by revision, or at the latest by a redirect.

use super::{find, workspace};
use crate::app::Shared;
use crate::origin::Origin;
use crate::refusal::Refusal;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// `…/files/NAME` leads to the revision of today.
pub(super) async fn latest(
    State(app): State<Shared>,
    Path((name, id, path)): Path<(String, String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let snippet = find(workspace(&world, &name)?, &id)?;
    if !snippet.content().files.contains_key(&path) {
        return Err(missing(&path));
    }
    let location = snippet.file_location(&origin, &path);
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

/// Earlier revisions are not kept.
pub(super) async fn raw(
    State(app): State<Shared>,
    Path((name, id, node, path)): Path<(String, String, String, String)>,
) -> Result<Response, Refusal> {
    let world = app.world();
    let snippet = find(workspace(&world, &name)?, &id)?;
    if snippet.node() != node {
        return Err(missing(&path));
    }
    let content = snippet.content().files.remove(&path);
    let content = content.ok_or_else(|| missing(&path))?;
    let shown: String = path
        .chars()
        .filter(|letter| ('\x20'..='\x7e').contains(letter))
        .collect();
    let shown = shown.replace(['"', '\\'], "_");
    let headers = [
        (header::CONTENT_TYPE, media_type(&path).to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{shown}\""),
        ),
    ];
    Ok((StatusCode::OK, headers, content).into_response())
}

fn missing(path: &str) -> Refusal {
    Refusal::not_found(format!("File {path} not found"))
}

/// By the name alone; text carries no encoding.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt" | "sh" | "md" | "py" | "rs") => "text/plain",
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}
