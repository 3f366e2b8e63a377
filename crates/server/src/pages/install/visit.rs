//! Somebody at the page of a link: who, whose page it is, and in which browser.

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

use askama::Template;
use connector::Description;
use engine::actions::install_link::{self, Opened};
use engine::{ActionError, Engine};
use manifest::Integration as Manifest;
use serde::Deserialize;
use store::Integration;

use super::browser::Browser;
use super::form::TOKEN;
use super::frame::{Frame, keep_apart};
use super::trouble::{self, Refusal};
use crate::pages::form::Fields;
use crate::protect::Guard;

/// The query of a link.
#[derive(Debug, Deserialize)]
struct Link {
    #[serde(default)]
    expires: i64,
    #[serde(default)]
    signature: String,
}

/// Who is at which page.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(super) engine: Engine,
    pub(super) opened: Opened,
    pub(super) integration: Integration,
    pub(super) manifest: Manifest,
    pub(super) frame: Frame,
    pub(super) browser: Browser,
    /// What is behind `?` in every address of the page.
    query: String,
}

impl FromRequestParts<Engine> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Refusal> {
        let broken = || trouble::closed(install_link::Closed::Link(engine::LinkError::Forged));
        let Path(id) = Path::<String>::from_request_parts(parts, engine)
            .await
            .map_err(|_| broken())?;
        let Query(link) = Query::<Link>::from_request_parts(parts, engine)
            .await
            .map_err(|_| broken())?;
        let opened = install_link::open(engine, &id, link.expires, &link.signature).await;
        let opened = opened.map_err(trouble::closed)?;
        let frame = Frame::of(&opened.theme);
        if let Some(guard) = parts.extensions.get::<Arc<Guard>>()
            && let Err(problem) = guard.admit(engine, &opened.actor)
        {
            let text = "Please wait for a moment, and try again.";
            let page = trouble::page(&frame, problem.status(), "Too many requests", text, None);
            return Err(page.into());
        }
        let Some(integration) = opened.integration.clone() else {
            let title = "This is no longer offered";
            let text = format!("{} does not offer this integration any more.", frame.app);
            return Err(trouble::page(&frame, StatusCode::GONE, title, &text, None).into());
        };
        let content = integration.latest_revision.content.clone();
        let manifest = serde_json::from_value(content).map_err(|error| {
            let error = ActionError::Internal(format!("stored revision: {error}"));
            trouble::failed(&frame, error, "the service", None)
        })?;
        Ok(Self {
            browser: Browser::of(&parts.headers, engine.public_url()),
            query: format!("expires={}&signature={}", link.expires, link.signature),
            engine: engine.clone(),
            opened,
            integration,
            manifest,
            frame,
        })
    }
}

impl Visit {
    /// The address of a step of the page; "" is the page itself.
    pub(super) fn at(&self, step: &str) -> String {
        let slash = if step.is_empty() { "" } else { "/" };
        format!(
            "/install/{}{slash}{step}?{}",
            self.opened.link.id, self.query
        )
    }

    /// The customer, for people.
    pub(super) fn customer(&self) -> &str {
        let link = &self.opened.link;
        link.group_name.as_deref().unwrap_or(&link.group_ref)
    }

    /// The provider's table, if it is here.
    pub(super) fn description(&self) -> Option<&Description> {
        let connector = self.engine.registry.get(&self.integration.provider)?;
        Some(connector.describe())
    }

    /// The provider, for people.
    pub(super) fn provider(&self) -> &str {
        self.description()
            .map_or(&self.integration.provider, |description| {
                description.display_name
            })
    }

    /// What forms of this page carry, in this browser.
    pub(super) fn token(&self) -> String {
        let id = &self.opened.link.id;
        self.engine.links.sign_form(id, self.browser.value())
    }

    /// A form that this page has made in this browser.
    pub(super) fn posted(
        &self,
        form: Result<axum::Form<Vec<(String, String)>>, FormRejection>,
    ) -> Result<Fields, Refusal> {
        let again = self.at("");
        let axum::Form(pairs) = form.map_err(|rejection| {
            let title = "That could not be read";
            let text = "Please open the page again, and try once more.";
            trouble::page(&self.frame, rejection.status(), title, text, Some(&again))
        })?;
        let form = Fields::of(pairs);
        let id = &self.opened.link.id;
        let is_ours = self.browser.secret().is_some_and(|browser| {
            let links = &self.engine.links;
            links.is_form_signature(id, browser, form.text(TOKEN))
        });
        if is_ours {
            return Ok(form);
        }
        let text = "Nothing has changed. This page works in the browser that has opened it, and needs cookies. Please open it again.";
        let status = StatusCode::FORBIDDEN;
        Err(self
            .said(trouble::page(
                &self.frame,
                status,
                "Please open this page again",
                text,
                Some(&again),
            ))
            .into())
    }

    /// A page.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        self.said(self.frame.page(status, page))
    }

    /// The same with what the browser is to know.
    fn said(&self, mut response: Response) -> Response {
        self.browser.keep(response.headers_mut());
        response
    }

    /// Something that did not work.
    pub(super) fn failed(&self, error: ActionError) -> Refusal {
        trouble::failed(&self.frame, error, self.provider(), Some(&self.at("")))
    }

    /// Back to the page, which says what came of it.
    pub(super) fn back(&self, news: &str) -> Response {
        to(&match news {
            "" => self.at(""),
            news => format!("{}&news={news}", self.at("")),
        })
    }
}

/// To another address of this server.
pub(crate) fn to(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::from_str(place) {
        headers.insert(header::LOCATION, place);
    }
    keep_apart(headers);
    response
}
