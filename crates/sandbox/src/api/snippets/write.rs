//! Creating, changing and deleting snippets.

use super::super::{located, workspace};
use super::change::Change;
use crate::app::Shared;
use crate::data::{Principal, Snippet, SnippetContent, Workspace};
use crate::guard::Caller;
use crate::origin::Origin;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use std::collections::BTreeMap;

/// Only who made a snippet, and the workspace's owner, may change it.
fn may_change(caller: &Caller, workspace: &Workspace, snippet: Snippet<'_>) -> Result<(), Refusal> {
    if snippet.creator().is(caller.principal) || workspace.is_owned_by(caller.principal) {
        return Ok(());
    }
    Err(Refusal::forbidden(
        "You do not have write access to this snippet.",
    ))
}

/// A snippet is public unless the body says otherwise (inferred).
pub(super) async fn create(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    origin: Origin,
    change: Change,
) -> Result<Response, Refusal> {
    let now_us = app.clock.now().as_microsecond();
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    let creator = match caller.principal {
        Principal::Person(person) if found.is_seen_by(caller.principal) => person.number(),
        _ => {
            return Err(Refusal::forbidden(
                "You may not create snippets in this workspace.",
            ));
        }
    };
    if !change.is_creation() {
        return Err(Refusal::bad_request("A listed file has no part"));
    }
    let mut content = SnippetContent {
        title: String::new(),
        is_private: false,
        files: BTreeMap::new(),
        creator,
    };
    change.apply(&mut content);
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    let number = workspace.snippets.create(content, now_us);
    let snippet = Snippet::new(workspace, number);
    let location = snippet.location(&origin);
    let body = snippet.render_whole(&origin);
    Ok(located(StatusCode::CREATED, &location, &body))
}

pub(super) async fn update(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
    origin: Origin,
    change: Change,
) -> Result<Response, Refusal> {
    let now_us = app.clock.now().as_microsecond();
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    let snippet = super::find(found, &id)?;
    may_change(&caller, found, snippet)?;
    let (number, mut content) = (snippet.number(), snippet.content());
    change.apply(&mut content);
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.snippets.write(number, content);
    workspace.snippets.ledger.touch(number, now_us);
    let snippet = Snippet::new(workspace, number);
    Ok(with_json(StatusCode::OK, &snippet.render_whole(&origin)))
}

pub(super) async fn delete(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    let snippet = super::find(found, &id)?;
    may_change(&caller, found, snippet)?;
    let number = snippet.number();
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.snippets.remove(number);
    Ok(StatusCode::NO_CONTENT)
}
