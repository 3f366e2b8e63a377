//! What forms send. A form is taken from pages of this server only: the browser
//! says where it comes from, and it carries the token that the page was given.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use engine::Engine;
use secrecy::SecretString;
use url::{Url, form_urlencoded};

use super::answer::PageError;
use super::visitor::Visitor;
use crate::problem::Problem;

/// The name of the field that has the token.
const TOKEN: &str = "form_token";

/// The fields of a form that may be acted on.
#[derive(Debug)]
pub(crate) struct Form(Fields);

/// Fields by name, of a form or of a query.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl std::ops::Deref for Form {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl Fields {
    /// Fields in the order in which they were sent.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Fields as browsers write them.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value as it was sent; empty where there is none.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.every(name).next().unwrap_or_default()
    }

    /// The value without spaces at its ends; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same, `None` where it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Whether a box is ticked, or a button was the one that sent the form.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.every(name).next().is_some()
    }

    /// All values of that name: of boxes, those that are ticked.
    pub(crate) fn every(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(found, _)| found == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Every field in its order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What nobody may see again, as it was sent.
    pub(crate) fn secret(&self, name: &str) -> SecretString {
        SecretString::from(self.raw(name))
    }
}

impl FromRequest<Engine> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, engine: &Engine) -> Result<Self, PageError> {
        let headers = request.headers();
        if !is_own(engine, headers) {
            return Err(
                Problem::new(403, "the form comes from another site, and was not taken")
                    .remedy(
                        "Open the page at this server's own address and send the form from there",
                    )
                    .into(),
            );
        }
        let visitor = Visitor::of(engine, headers);
        let body = Bytes::from_request(request, engine).await;
        let body =
            body.map_err(|refused| Problem::new(refused.status().as_u16(), refused.body_text()))?;
        let fields = Fields::parse(&body);
        if !visitor.is_form_token(fields.raw(TOKEN)) {
            return Err(Problem::new(403, "the form is out of date, and was not taken")
                .remedy("Open the page again and send the form once more; the server's cookies must be allowed")
                .into());
        }
        Ok(Self(fields))
    }
}

/// Whether a browser says that a page of this server sends this. What says nothing
/// is no browser, or a very old one, and has the token to show.
pub(crate) fn is_own(engine: &Engine, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return true;
    };
    let authority = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let Some(from) = authority(origin).filter(url::Origin::is_tuple) else {
        return false;
    };
    // A reverse proxy may have changed the host, and nobody else the public URL.
    let here = text(header::HOST.as_str()).and_then(|host| {
        let scheme = origin
            .split_once("://")
            .map_or("http", |(scheme, _)| scheme);
        authority(&format!("{scheme}://{host}"))
    });
    Some(&from) == here.as_ref() || Some(from) == authority(engine.public_url())
}
