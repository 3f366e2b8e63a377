//! Creating, changing and deleting webhooks.
//!
//! A hook needs, besides its own scope, the one to read whatever each of its events is about.
//! Which members a `PUT` may leave out is documented only for `secret`, so `url` and `events`
//! are demanded there too.

use super::super::document::Document;
use super::super::{administrator, located, workspace};
use super::address::is_public;
use crate::app::Shared;
use crate::data::{Event, Hook, HookContent, events};
use crate::guard::Caller;
use crate::origin::Origin;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use url::Url;

const MAX_SECRET: usize = 128;

fn read(document: &mut Document, before: Option<HookContent>, private: bool) -> HookContent {
    let old = before.unwrap_or(HookContent {
        description: None,
        url: String::new(),
        active: true,
        events: Vec::new(),
        secret_set: false,
    });
    let url = document.required_text("url");
    let address = Url::parse(&url).ok();
    if !address.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        document.refuse("url", "Enter a valid URL.");
    } else if !private && !is_public(&url) {
        document.refuse("url", "The URL must resolve to a public address.");
    }
    let secret_set = match document.text("secret") {
        None => old.secret_set,
        Some(secret) => {
            let secret = secret.unwrap_or_default();
            if secret.chars().count() > MAX_SECRET {
                document.refuse("secret", "A secret has at most 128 characters.");
            }
            !secret.is_empty()
        }
    };
    HookContent {
        description: document.text("description").unwrap_or(old.description),
        url,
        active: document.flag("active").unwrap_or(old.active),
        events: read_events(document),
        secret_set,
    }
}

/// At least one, no two the same, all known.
fn read_events(document: &mut Document) -> Vec<String> {
    let Some(value) = document.get("events") else {
        document.refuse("events", "This field is required.");
        return Vec::new();
    };
    let listed = value.as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = listed
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if names.is_empty() || names.len() < listed.len() {
        document.refuse("events", "Enter a list of at least one event.");
    }
    if let Some(unknown) = names.iter().find(|name| event(name).is_none()) {
        let message = format!("Unknown event: {unknown}");
        document.refuse("events", &message);
    }
    let all = names.len();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.len() < all {
        document.refuse("events", "The events are not unique.");
    }
    names
}

fn event(name: &str) -> Option<&'static Event> {
    let known = events("workspace").unwrap_or_default();
    known.into_iter().find(|event| event.name == name)
}

fn check_scopes(caller: &Caller, content: &HookContent) -> Result<(), Refusal> {
    let needed = content.events.iter().filter_map(|name| event(name));
    let (mut oauth, mut api_token): (Vec<&str>, Vec<&str>) = needed.map(Event::scopes).unzip();
    oauth.push("webhook");
    api_token.push("write:webhook:bitbucket");
    for scopes in [&mut oauth, &mut api_token] {
        scopes.sort_unstable();
        scopes.dedup();
    }
    caller.must_have(&oauth, &api_token)
}

pub(super) async fn create(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    origin: Origin,
    mut document: Document,
) -> Result<Response, Refusal> {
    let now_us = app.clock.now().as_microsecond();
    let private = app.settings().private_hook_urls;
    let mut world = app.world_mut();
    administrator(&caller, workspace(&world, &name)?)?;
    let content = read(&mut document, None, private);
    document.check()?;
    check_scopes(&caller, &content)?;
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    let number = workspace.hooks.create(content, now_us);
    let hook = Hook::new(workspace, number);
    let location = hook.location(&origin);
    Ok(located(
        StatusCode::CREATED,
        &location,
        &hook.render(&origin),
    ))
}

pub(super) async fn update(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, uid)): Path<(String, String)>,
    origin: Origin,
    mut document: Document,
) -> Result<Response, Refusal> {
    let private = app.settings().private_hook_urls;
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let hook = super::find(found, &uid)?;
    let content = read(&mut document, Some(hook.content()), private);
    document.check()?;
    check_scopes(&caller, &content)?;
    let number = hook.number();
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.hooks.write(number, content);
    let hook = Hook::new(workspace, number);
    Ok(with_json(StatusCode::OK, &hook.render(&origin)))
}

pub(super) async fn delete(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, uid)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let number = super::find(found, &uid)?.number();
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.hooks.remove(number);
    Ok(StatusCode::NO_CONTENT)
}
