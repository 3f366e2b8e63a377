//! Page numbers, page sizes and the envelope around a list.
//!
//! Page sizes above the maximum, zero and negatives are refused, as is a page that is not a
//! plain number: `page=2/` is what clients produce that build `next` themselves.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>

use crate::app::Shared;
use crate::origin::Origin;
use crate::parameters::Parameters;
use crate::refusal::{Refusal, with_json};
use axum::extract::{FromRequestParts, OriginalUri};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Map, Value, json};
use std::convert::Infallible;

const DEFAULT_PAGELEN: usize = 10;

/// Which slice of a list the caller wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Page {
    number: usize,
    length: usize,
}

impl Page {
    /// Reads `page` and `pagelen`, at most `max`; `default` is what the endpoint gives when
    /// nothing is asked.
    fn read(parameters: &Parameters, default: usize, max: usize) -> Result<Self, Refusal> {
        let number = match parameters.get("page") {
            None => 1,
            Some(text) => natural(text).ok_or_else(|| Refusal::bad_request("Invalid page"))?,
        };
        let length = match parameters.get("pagelen") {
            None => default.min(max),
            Some(text) => natural(text)
                .filter(|length| *length <= max)
                .ok_or_else(|| Refusal::bad_request("Invalid pagelen"))?,
        };
        Ok(Self { number, length })
    }

    /// Position of the first record and the number of records wanted.
    pub(crate) fn window(self) -> (usize, usize) {
        let skip = (self.number - 1).saturating_mul(self.length);
        (skip, self.length)
    }

    /// Whether nothing lies on the page though it is not the first.
    fn is_beyond(self, size: usize) -> bool {
        self.number > 1 && self.window().0 >= size
    }
}

/// A list somebody asks for: where, and with which parameters.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) origin: Origin,
    pub(crate) parameters: Parameters,
    /// Path with the leading slash, encoded as it was sent.
    path: String,
    max_pagelen: usize,
}

impl Listing {
    pub(crate) fn page(&self) -> Result<Page, Refusal> {
        Page::read(&self.parameters, DEFAULT_PAGELEN, self.max_pagelen)
    }

    /// For an endpoint whose pages are longer by themselves.
    pub(crate) fn page_of(&self, default: usize) -> Result<Page, Refusal> {
        Page::read(&self.parameters, default, self.max_pagelen)
    }

    /// One page of a list. Beyond the end is a 404 as in another emulator that was held
    /// against the published description; nobody has shown what the real one does. Page 1 of
    /// nothing is an empty page.
    pub(crate) fn answer(
        &self,
        page: Page,
        size: usize,
        values: Vec<Value>,
    ) -> Result<Response, Refusal> {
        if page.is_beyond(size) {
            return Err(Refusal::not_found("Invalid page"));
        }
        let mut envelope = envelope(page, size, values);
        self.link(&mut envelope, page, size);
        Ok(with_json(StatusCode::OK, &Value::Object(envelope)))
    }

    /// One page in the manner of the Pipelines service: beyond the end it is empty, and
    /// `next` and `previous` may be missing.
    pub(crate) fn answer_counted(
        &self,
        page: Page,
        size: usize,
        values: Vec<Value>,
        omits_next: bool,
    ) -> Response {
        let mut envelope = envelope(page, size, values);
        if !omits_next {
            self.link(&mut envelope, page, size);
        }
        with_json(StatusCode::OK, &Value::Object(envelope))
    }

    fn link(&self, envelope: &mut Map<String, Value>, page: Page, size: usize) {
        let (skip, length) = page.window();
        if skip.saturating_add(length) < size {
            envelope.insert("next".to_owned(), json!(self.at(page.number + 1)));
        }
        if page.number > 1 {
            envelope.insert("previous".to_owned(), json!(self.at(page.number - 1)));
        }
    }

    /// The same list at another page; every parameter is kept.
    fn at(&self, number: usize) -> String {
        let query = self.parameters.with("page", &number.to_string());
        format!("{}{}?{query}", self.origin, self.path)
    }
}

fn envelope(page: Page, size: usize, values: Vec<Value>) -> Map<String, Value> {
    let mut envelope = Map::new();
    envelope.insert("values".to_owned(), Value::Array(values));
    envelope.insert("pagelen".to_owned(), json!(page.length));
    envelope.insert("size".to_owned(), json!(size));
    envelope.insert("page".to_owned(), json!(page.number));
    envelope
}

impl FromRequestParts<Shared> for Listing {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        let origin = Origin::from_request_parts(parts, app).await?;
        let parameters = Parameters::from_request_parts(parts, app).await?;
        let uri = OriginalUri::from_request_parts(parts, app).await?;
        Ok(Self {
            origin,
            parameters,
            path: uri.path().to_owned(),
            max_pagelen: app.options.max_pagelen,
        })
    }
}

fn natural(text: &str) -> Option<usize> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number > 0)
}
