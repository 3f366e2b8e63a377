//! Files that pages refer to, within the binary. Their path has a digest of them
//! all, so a browser keeps them for good and asks anew after an upgrade.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::extract::Path;
use crate::problem::Problem;

/// Everything in `assets/`: ours, and `htmx` and `uPlot` as they are published, each
/// with its licence beside it.
#[derive(Debug, RustEmbed)]
#[folder = "assets/"]
struct Files;

/// What all files are together.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort_unstable();
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name.as_bytes());
        if let Some(file) = Files::get(&name) {
            digest.update(file.metadata.sha256_hash());
        }
    }
    let digest = digest.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
});

/// Where a file is.
pub(crate) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// `GET /assets/{version}/{name}`: an old version is not there any more.
pub(crate) async fn get(
    Path((version, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let file = Files::get(&name).filter(|_| version == *VERSION);
    let file = file.ok_or_else(|| Problem::new(404, "there is no such file"))?;
    let headers = [
        (header::CONTENT_TYPE, media_type(&name)),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, Body::from(file.data)).into_response())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
