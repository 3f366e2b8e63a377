//! The guides, as pages at `/docs` and as the files that they are made of, and
//! `/llms.txt`. They are embedded, so a server has those of its own version.
//! Everything works without a script; the one there is adds a button that copies.

mod library;
mod render;
mod search;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use engine::Engine;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tower_http::compression::CompressionLayer;

use crate::extract::{Path, Query};
use crate::problem::Problem;
use library::{Group, LIBRARY, Library, Page};
use search::Hit;

/// Only what this server itself has.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("docs.css");
const SCRIPT: &str = include_str!("docs.js");

/// Every guide, what guides need, and the list for machines.
pub(crate) fn routes() -> Router<Engine> {
    Router::new()
        .route("/docs", get(index))
        .route("/docs/", get(index))
        .route("/docs/{*path}", get(show))
        .route("/llms.txt", get(llms))
        .layer(CompressionLayer::new())
}

/// `?q=`: a search.
#[derive(Debug, Deserialize)]
struct Asked {
    q: Option<String>,
}

/// A guide, the list of them, what was found, or that there is no such guide.
#[derive(Template)]
#[template(path = "docs.html")]
struct View<'a> {
    library: &'a Library,
    title: &'a str,
    note: &'a str,
    /// The guide; none where something was looked for, or is not there.
    page: Option<&'a Page>,
    before: Option<&'a Page>,
    after: Option<&'a Page>,
    /// What was looked for; empty if nothing was.
    query: &'a str,
    hits: Vec<Hit<'a>>,
}

impl<'a> View<'a> {
    fn of(page: &'a Page) -> Self {
        let library = &*LIBRARY;
        let at = library
            .pages
            .iter()
            .position(|other| other.name == page.name);
        let neighbour = |at: Option<usize>| at.and_then(|at| library.pages.get(at));
        Self {
            library,
            title: &page.title,
            note: &page.note,
            page: Some(page),
            before: neighbour(at.and_then(|at| at.checked_sub(1))),
            after: neighbour(Some(at.map_or(0, |at| at + 1))),
            query: "",
            hits: Vec::new(),
        }
    }

    fn without_page(title: &'a str, query: &'a str) -> Self {
        Self {
            library: &LIBRARY,
            title,
            note: "",
            page: None,
            before: None,
            after: None,
            query,
            hits: search::find(&LIBRARY.pages, query),
        }
    }

    fn pages(&self, group: &'a Group) -> impl Iterator<Item = &'a Page> {
        let library = self.library;
        group.pages.iter().filter_map(|name| library.page(name))
    }

    fn is_current(&self, page: &Page) -> bool {
        self.page.is_some_and(|current| current.name == page.name)
    }

    fn html(&self) -> Result<String, Problem> {
        self.render()
            .map_err(|_| Problem::new(500, "the page could not be made"))
    }
}

/// The list of guides, or what was looked for.
async fn index(Query(asked): Query<Asked>, headers: HeaderMap) -> Result<Response, Problem> {
    let query = asked.q.as_deref().map(str::trim).unwrap_or_default();
    if query.is_empty() {
        return page(&LIBRARY.index, &headers);
    }
    let found = View::without_page("Search", query).html()?;
    Ok(with_policy(Html(found).into_response()))
}

/// A guide, its file, or what they need.
async fn show(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let library = &*LIBRARY;
    if let Some(found) = library.page(&path) {
        return page(found, &headers);
    }
    let guide = path.strip_suffix(".md").and_then(|name| {
        let index = Some(&library.index).filter(|index| index.name == name);
        library.page(name).or(index)
    });
    if let Some(guide) = guide {
        let kind = "text/markdown; charset=utf-8";
        return Ok(kept(&headers, kind, &guide.markdown));
    }
    match path.as_str() {
        "docs.css" => return Ok(kept(&headers, "text/css; charset=utf-8", STYLE.as_bytes())),
        "docs.js" => {
            return Ok(kept(
                &headers,
                "text/javascript; charset=utf-8",
                SCRIPT.as_bytes(),
            ));
        }
        _ => {}
    }
    if let Some((kind, file)) = library::attachment(&path) {
        return Ok(kept(&headers, kind, &file));
    }
    let missing = View::without_page("Not found", "").html()?;
    let answer = (StatusCode::NOT_FOUND, Html(missing)).into_response();
    Ok(with_policy(answer))
}

async fn llms(State(engine): State<Engine>, headers: HeaderMap) -> Response {
    let text = LIBRARY.llms(engine.public_url());
    kept(&headers, "text/plain; charset=utf-8", text.as_bytes())
}

fn page(page: &Page, headers: &HeaderMap) -> Result<Response, Problem> {
    let html = View::of(page).html()?;
    let answer = kept(headers, "text/html; charset=utf-8", html.as_bytes());
    Ok(with_policy(answer))
}

fn with_policy(mut answer: Response) -> Response {
    let policy = header::HeaderValue::from_static(POLICY);
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    answer
}

/// What changes only with the server: a browser keeps it and asks whether it is still
/// the same.
fn kept(headers: &HeaderMap, kind: &'static str, body: &[u8]) -> Response {
    let digest: String = Sha256::digest(body)
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Weak: the same in whichever encoding it is sent.
    let tag = format!("W/\"{digest}\"");
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_known = known.trim() == "*" || known.split(',').any(|known| same(known, &tag));
    let kept = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let body = Bytes::copy_from_slice(body);
    (kept, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn same(known: &str, tag: &str) -> bool {
    let [known, tag] = [known.trim(), tag].map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
    known == tag
}
