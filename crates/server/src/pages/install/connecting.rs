//! Connecting an account: what the provider asks for besides the consent, and the
//! way to its page.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use engine::ActionError;
use engine::actions::install_link;
use store::{Connection, ConnectionStatus};

use super::form;
use super::frame::Frame;
use super::trouble::Refusal;
use super::visit::Visit;
use super::{Notice, Sent};
use crate::pages::form::Fields;

/// Why somebody is asked to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    First,
    /// The provider does not take what there is any more.
    Refused,
    /// The provider shows the account nothing of what is asked for.
    Elsewhere,
}

/// A text field.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) title: &'static str,
    pub(super) prompt: &'static str,
    pub(super) docs_url: &'static str,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

#[derive(Template)]
#[template(path = "install/connect.html")]
struct Page<'a> {
    frame: &'a Frame,
    notice: Option<Notice>,
    customer: &'a str,
    provider: &'a str,
    why: Why,
    inputs: Vec<Input>,
    token: String,
    action: String,
    /// Where an account can be let go that is there.
    disconnect: Option<String>,
}

impl Page<'_> {
    fn is_refused(&self) -> bool {
        self.why == Why::Refused
    }

    fn is_elsewhere(&self) -> bool {
        self.why == Why::Elsewhere
    }
}

#[derive(Template)]
#[template(path = "install/leaving.html")]
struct Leaving<'a> {
    frame: &'a Frame,
    provider: &'a str,
    url: &'a str,
}

/// Asks to connect: for the first time, or again.
pub(super) async fn page(
    visit: &Visit,
    known: Option<&Connection>,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    visit.require_prepared().await?;
    let why = match known.map(|known| known.status) {
        Some(ConnectionStatus::BadCredentials) => Why::Refused,
        Some(ConnectionStatus::Created | ConnectionStatus::Working) | None => Why::First,
    };
    Ok(asked(visit, known, notice, why, None, StatusCode::OK))
}

/// The page with what is there, or with what was sent.
pub(super) fn asked(
    visit: &Visit,
    known: Option<&Connection>,
    notice: Option<Notice>,
    why: Why,
    sent: Option<&Fields>,
    status: StatusCode,
) -> Response {
    let inputs = visit.description().into_iter().flat_map(|d| d.inputs);
    let inputs = inputs.map(|input| {
        let name = form::input(input.name);
        let value = match sent {
            Some(sent) => sent.text(&name).to_owned(),
            None => known.map_or_else(String::new, |known| said(known, input.name)),
        };
        let error = match (why, sent) {
            (_, Some(_)) if value.is_empty() => Some("Please fill this in.".to_owned()),
            (Why::Elsewhere, _) => Some(format!(
                "{} shows nothing here to the account that you connected. Check the spelling, or connect an account that may see it.",
                visit.provider()
            )),
            (Why::First | Why::Refused, _) => None,
        };
        Input {
            name,
            title: input.display_name,
            prompt: input.prompt,
            docs_url: input.docs_url,
            value,
            error,
        }
    });
    let page = Page {
        frame: &visit.frame,
        notice,
        customer: visit.customer(),
        provider: visit.provider(),
        why,
        inputs: inputs.collect(),
        token: visit.token(),
        action: visit.at("connect"),
        disconnect: known.map(|_| visit.at("disconnect")),
    };
    visit.page(status, &page)
}

/// What a connection says for an input.
pub(super) fn said(connection: &Connection, input: &str) -> String {
    let value = connection.provider_metadata.get(input);
    let value = value.and_then(|item| item.get("value"));
    value
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Begins a consent, or only changes what the provider asks for besides.
pub(crate) async fn begin(visit: Visit, sent: Sent) -> Result<Response, Refusal> {
    let form = visit.posted(sent)?;
    let standing = visit.standing().await?;
    let known = standing.connection();
    let mut inputs = BTreeMap::new();
    let mut lacking = false;
    for input in visit.description().into_iter().flat_map(|d| d.inputs) {
        let name = form::input(input.name);
        if form.has(&name) {
            inputs.insert(input.name.to_owned(), form.text(&name).to_owned());
        }
        // Who connects again need not say again where.
        lacking |= match (inputs.get(input.name), known) {
            (Some(value), _) => value.is_empty(),
            (None, Some(known)) => said(known, input.name).is_empty(),
            (None, None) => true,
        };
    }
    if lacking {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let sent = Some(&form);
        return Ok(asked(&visit, known, None, Why::First, sent, status));
    }
    let Visit {
        engine,
        opened,
        integration,
        ..
    } = &visit;
    if let (Some(known), "keep") = (known, form.text("do")) {
        let changed = install_link::change_inputs(engine, opened, known, &inputs).await;
        changed.map_err(|error| visit.failed(error))?;
        return Ok(visit.back(""));
    }
    visit.require_prepared().await?;
    let browser = visit.browser.value();
    let url = install_link::connect(engine, opened, integration, &inputs, browser).await;
    let url = url.map_err(|error: ActionError| visit.failed(error))?;
    // No redirect: browsers hold those that follow a form to `form-action`, and
    // nobody knows where the provider's page leads on.
    let page = Leaving {
        frame: &visit.frame,
        provider: visit.provider(),
        url: &url,
    };
    Ok(visit.page(StatusCode::OK, &page))
}
