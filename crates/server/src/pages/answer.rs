//! What pages answer: a page, the way to another, or an error that people can read.
//! Statuses are those of [`Problem`], so a page and the API never disagree.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use engine::Engine;
use url::form_urlencoded;

use super::assets;
use super::visitor;
use crate::problem::Problem;

/// Only what this server sends may be shown, run or asked; nothing is inline, and
/// nobody may put a page into a frame.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a page handler answers.
pub(crate) type Answer = Result<Response, PageError>;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Whoever asks has to sign in first, and then goes on to this place.
    SignIn(String),
    /// As the API would refuse it.
    Problem(Box<Problem>),
}

impl<E: Into<Problem>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    problem: &'a Problem,
}

impl ErrorPage<'_> {
    fn asset(&self, name: &str) -> String {
        assets::path(name)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(place) => {
                let next: String = form_urlencoded::byte_serialize(place.as_bytes()).collect();
                Redirect::to(&format!("/sign-in?next={next}")).into_response()
            }
            Self::Problem(problem) => of_problem(*problem),
        }
    }
}

/// A problem as a page, its headers as the API would send them.
pub(crate) fn of_problem(problem: Problem) -> Response {
    let page = ErrorPage { problem: &problem }.render();
    let mut response = problem.into_response();
    let headers = response.headers_mut();
    headers.remove(header::WWW_AUTHENTICATE);
    if let Ok(html) = page {
        headers.remove(header::CONTENT_LENGTH);
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, kind);
        careful(headers);
        *response.body_mut() = html.into();
    }
    response
}

/// A page.
pub(crate) fn show(page: &impl Template) -> Answer {
    show_as(StatusCode::OK, page)
}

/// A page that tells of a refusal.
pub(crate) fn show_as(status: StatusCode, page: &impl Template) -> Answer {
    let html = page
        .render()
        .map_err(|_| Problem::new(500, "the page could not be made"))?;
    Ok((status, Html(html)).into_response())
}

/// What is said once at the top of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flash {
    pub(crate) is_good: bool,
    pub(crate) text: String,
}

impl Flash {
    pub(super) fn packed(&self) -> String {
        format!("{}{}", if self.is_good { '+' } else { '-' }, self.text)
    }

    pub(super) fn unpacked(packed: &str) -> Option<Self> {
        let good = packed.strip_prefix('+').map(|text| (true, text));
        let (is_good, text) =
            good.or_else(|| packed.strip_prefix('-').map(|text| (false, text)))?;
        Some(Self {
            is_good,
            text: text.to_owned(),
        })
    }
}

/// On to another page, which says that it is done.
pub(crate) fn done(place: &str, text: impl Into<String>) -> Answer {
    go(place, true, text.into())
}

/// On to another page, which says why it was not done.
pub(crate) fn not_done(place: &str, problem: impl Into<Problem>) -> Answer {
    go(place, false, problem.into().sentence())
}

fn go(place: &str, is_good: bool, text: String) -> Answer {
    let mut response = Redirect::to(place).into_response();
    response.extensions_mut().insert(Flash { is_good, text });
    Ok(response)
}

/// Goes around every page: headers that keep browsers careful, a cookie for what the
/// next page is to say, and what was said once is not said again.
pub(crate) async fn guard(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let is_whole = !request.headers().contains_key("hx-request");
    let said = is_whole && visitor::flash(&engine, request.headers()).is_some();
    let mut response = next.run(request).await;
    let to_say = response.extensions_mut().remove::<Flash>();
    let is_over = said && response.status().is_success();
    careful(response.headers_mut());
    if to_say.is_none() && !is_over {
        return response;
    }
    let cookie = visitor::flash_cookie(&engine, to_say.as_ref());
    visitor::with_cookie(response, cookie)
}

fn careful(headers: &mut HeaderMap) {
    let policy = HeaderValue::from_static(POLICY);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(policy);
    // Forms say where they come from; with `no-referrer` they would not.
    let referrer = HeaderValue::from_static("same-origin");
    headers.entry(header::REFERRER_POLICY).or_insert(referrer);
}
