//! Creating, changing and deleting projects. `PUT` creates what is not there.

use super::super::document::Document;
use super::super::{administrator, located, workspace};
use crate::app::Shared;
use crate::data::{Project, ProjectContent};
use crate::guard::Caller;
use crate::origin::Origin;
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

const BAD_KEY: &str = "Project keys start with an upper-case letter and consist of upper-case \
                       letters, digits and underscores.";
const TAKEN: &str = "A project with this key already exists in this workspace.";

fn is_key(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.starts_with(|first: char| first.is_ascii_uppercase()) && text.bytes().all(rest)
}

/// Reads what may be written, over what was there before. The picture of a project is taken
/// and not kept.
fn read(document: &mut Document, mut content: ProjectContent) -> ProjectContent {
    match document.text("name") {
        Some(Some(name)) if !name.trim().is_empty() => content.name = name,
        Some(_) => document.refuse("name", "This field may not be blank."),
        None if content.name.is_empty() => document.refuse("name", "This field is required."),
        None => {}
    }
    if let Some(description) = document.text("description") {
        content.description = description;
    }
    if let Some(is_private) = document.flag("is_private") {
        content.is_private = is_private;
    }
    let avatar = document.get("links").and_then(|links| links.get("avatar"));
    let href = avatar.map(|avatar| avatar.get("href").and_then(Value::as_str));
    let is_address = |href: &str| href.starts_with("data:image/") || href.starts_with("http");
    if href.is_some_and(|href| !href.is_some_and(is_address)) {
        document.refuse("links", "The avatar is neither a data URL nor an address.");
    }
    content
}

/// Nothing yet. New projects are private unless the body says otherwise (inferred).
fn blank(key: String) -> ProjectContent {
    ProjectContent {
        key,
        name: String::new(),
        description: None,
        is_private: true,
    }
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
    let key = document.required_text("key");
    if !is_key(&key) {
        document.refuse("key", BAD_KEY);
    } else if Project::find(found, &key).is_some() {
        document.refuse("key", TAKEN);
    }
    let content = read(&mut document, blank(key));
    document.check()?;
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    let number = workspace.projects.create(content, now_us);
    let project = Project::new(workspace, number);
    let location = project.location(&origin);
    Ok(located(
        StatusCode::CREATED,
        &location,
        &project.render(&origin),
    ))
}

/// A `key` in the body moves a project; beside a project that is only now created it has no
/// place.
pub(super) async fn upsert(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, key)): Path<(String, String)>,
    origin: Origin,
    mut document: Document,
) -> Result<Response, Refusal> {
    let now_us = app.clock.now().as_microsecond();
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let project = Project::find(found, &key);
    let wanted = document.text("key");
    if project.is_none() && wanted.is_some() {
        document.refuse("key", "The key of a new project is that of the URL.");
    }
    let wanted = wanted.map_or_else(|| key.clone(), Option::unwrap_or_default);
    if !is_key(&wanted) {
        document.refuse("key", BAD_KEY);
    } else if wanted != key && Project::find(found, &wanted).is_some() {
        document.refuse("key", TAKEN);
    }
    let before = project.map_or_else(|| blank(key), Project::content);
    let mut content = read(&mut document, before);
    content.key = wanted;
    document.check()?;
    let number = project.map(Project::number);
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    let (status, number) = match number {
        Some(number) => {
            workspace.projects.write(number, content);
            workspace.projects.ledger.touch(number, now_us);
            (StatusCode::OK, number)
        }
        None => (
            StatusCode::CREATED,
            workspace.projects.create(content, now_us),
        ),
    };
    let project = Project::new(workspace, number);
    let location = project.location(&origin);
    Ok(located(status, &location, &project.render(&origin)))
}

pub(super) async fn delete(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((name, key)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut world = app.world_mut();
    let found = workspace(&world, &name)?;
    administrator(&caller, found)?;
    let project = super::find(found, &key)?;
    if !project.is_empty() {
        return Err(Refusal::forbidden(
            "This project still contains repositories and cannot be deleted.",
        ));
    }
    let number = project.number();
    let workspace = world
        .workspace_mut(&name)
        .ok_or_else(Refusal::no_such_path)?;
    workspace.projects.remove(number);
    Ok(StatusCode::NO_CONTENT)
}
