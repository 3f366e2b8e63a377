//! The status page at `/`: that the server runs, what it has done, and what to do
//! next when it has done nothing yet. It shows totals only, nothing of anyone's.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use engine::Engine;
use store::Overview;

use crate::problem::Problem;

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    version: &'a str,
    callback_url: &'a str,
    providers: String,
    overview: Overview,
}

/// The status page.
pub(crate) async fn show(State(engine): State<Engine>) -> Result<Response, Problem> {
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        callback_url: engine.callback_url(),
        providers: engine
            .registry
            .descriptions()
            .map(|d| d.display_name)
            .collect::<Vec<_>>()
            .join(", "),
        overview: engine.store.overview().await?,
    };
    let html = page
        .render()
        .map_err(|_| Problem::new(500, "the page could not be made"))?;
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response())
}
