//! Pages that say why there is no other: for the customer, who can do nothing about
//! most of it. What the builder needs is in the log.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::actions::install_link::Closed;
use engine::{ActionError, LinkError};

use super::frame::Frame;
use crate::problem::Problem;

/// An answer in the place of another.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

#[derive(Template)]
#[template(path = "install/trouble.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: &'a str,
    text: &'a str,
    /// Where to go from here.
    again: Option<&'a str>,
}

/// A page that says something went wrong.
pub(super) fn page(
    frame: &Frame,
    status: StatusCode,
    title: &str,
    text: &str,
    again: Option<&str>,
) -> Response {
    let page = Page {
        frame,
        title,
        text,
        again,
    };
    frame.page(status, &page)
}

/// Of a link that opens nothing.
pub(super) fn closed(closed: Closed) -> Refusal {
    let frame = Frame::plain();
    let ask = "Ask whoever gave it to you for a new one.";
    let (status, title, text) = match closed {
        Closed::Link(LinkError::Expired) => (StatusCode::GONE, "This link has expired", ask),
        Closed::Revoked => (StatusCode::GONE, "This link is no longer valid", ask),
        Closed::Link(LinkError::Forged) => (
            StatusCode::FORBIDDEN,
            "This link is not complete",
            "Copy the whole link, to its very end, or ask whoever gave it to you for a new one.",
        ),
        Closed::Failed(error) => return failed(&frame, error, "the service", None),
    };
    page(&frame, status, title, text, None).into()
}

/// Of something that did not work. `provider` is its name for people.
pub(super) fn failed(
    frame: &Frame,
    error: ActionError,
    provider: &str,
    again: Option<&str>,
) -> Refusal {
    let is_provider = matches!(error, ActionError::Provider(_));
    // Logs what is ours to mend.
    let problem = Problem::from(error);
    let status = problem.status();
    let (title, text) = match status.as_u16() {
        _ if is_provider => (
            format!("{provider} does not answer right now"),
            "Nothing has changed. Please try again in a few minutes.".to_owned(),
        ),
        429 => (
            "Too many requests".to_owned(),
            "Please wait for a moment, and try again.".to_owned(),
        ),
        500.. => (
            "Something went wrong here".to_owned(),
            "It is not your fault. Please try again in a few minutes.".to_owned(),
        ),
        _ => (
            "This page was out of date".to_owned(),
            "Something has changed since you opened it. Please look at it again.".to_owned(),
        ),
    };
    page(frame, status, &title, &text, again).into()
}
