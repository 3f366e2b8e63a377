//! Creating, changing and deleting variables. A `PUT` takes the whole variable: the value of
//! a secured one has to be sent again.

use super::super::document::Document;
use super::super::{administrator, located, workspace};
use crate::app::Shared;
use crate::data::{Variable, VariableContent, Workspace};
use crate::guard::Caller;
use crate::origin::Origin;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

/// Letters, digits and underscores, as in names of environment variables (inferred).
fn is_key(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(rest)
}

fn read(document: &mut Document) -> VariableContent {
    let key = document.required_text("key");
    if key.is_empty() || !is_key(&key) {
        document.refuse("key", "A key consists of letters, digits and underscores.");
    }
    VariableContent {
        key,
        value: document.required_text("value"),
        secured: document.flag("secured").unwrap_or_default(),
    }
}

/// `own` is the number of the variable that may have the key already.
fn check_free(workspace: &Workspace, key: &str, own: Option<u32>) -> Result<(), Refusal> {
    let taken = Variable::with_key(workspace, key).map(Variable::number);
    if taken.is_none() || taken == own {
        return Ok(());
    }
    let detail = format!(
        "A variable with the key provided already exists for account {}.",
        workspace.uuid
    );
    Err(Refusal::pipelines(
        StatusCode::CONFLICT,
        "duplicate",
        "Conflict",
        &detail,
    ))
}

pub(super) async fn create(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    origin: Origin,
    mut document: Document,
) -> Result<Response, Refusal> {
    let now_us = app.clock.now().as_microsecond();
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let content = read(&mut document);
    document.check()?;
    check_free(found, &content.key, None)?;
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    let number = workspace.variables.create(content, now_us);
    let variable = Variable::new(workspace, number);
    let location = variable.location(&origin);
    Ok(located(StatusCode::CREATED, &location, &variable.render()))
}

pub(super) async fn update(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, uuid)): Path<(String, String)>,
    mut document: Document,
) -> Result<Response, Refusal> {
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let number = super::find(found, &uuid)?.number();
    let content = read(&mut document);
    if document.get("secured").is_none() {
        document.refuse("secured", "This field is required.");
    }
    document.check()?;
    check_free(found, &content.key, Some(number))?;
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.variables.write(number, content);
    let variable = Variable::new(workspace, number);
    Ok(with_json(StatusCode::OK, &variable.render()))
}

pub(super) async fn delete(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, uuid)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let number = super::find(found, &uuid)?.number();
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.variables.remove(number);
    Ok(StatusCode::NO_CONTENT)
}
