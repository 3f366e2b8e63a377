//! Changes of the data while somebody reads it.

use super::read;
use crate::app::Shared;
use crate::data::{
    Hook, Ledger, Member, Project, Repository, Snippet, Variable, Workspace, draw, notation,
};
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Object {
    Repositories,
    Projects,
    Members,
    Hooks,
    Variables,
    Snippets,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    kind: Kind,
    object: Object,
    workspace: String,
    name: Option<String>,
    index: Option<usize>,
    updated_on: Option<Timestamp>,
    count: Option<u32>,
    touches: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Touch,
    Add,
    Delete,
    Churn,
}

pub(super) async fn apply(State(app): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let mutation: Mutation = read(&body)?;
    let now_us = app.clock.now().as_microsecond();
    let mut world = app.world_mut();
    let workspace = world
        .workspace_mut(&mutation.workspace)
        .ok_or_else(|| Refusal::not_found("No such workspace"))?;
    let changed: Vec<u32> = match mutation.kind {
        Kind::Touch => {
            let number = find(workspace, &mutation)?;
            let at_us = mutation.updated_on.map_or(now_us, |at| at.as_microsecond());
            touch(workspace, mutation.object, number, at_us);
            vec![number]
        }
        Kind::Delete => {
            let number = find(workspace, &mutation)?;
            remove(workspace, mutation.object, number);
            vec![number]
        }
        Kind::Add => {
            let count = mutation.count.unwrap_or(1);
            (0..count)
                .map(|_| add(workspace, mutation.object, now_us))
                .collect()
        }
        Kind::Churn => {
            let touches = mutation.touches.unwrap_or(1);
            churn(workspace, mutation.object, touches, now_us)
        }
    };
    let described: Vec<Value> = changed
        .into_iter()
        .map(|number| describe(workspace, mutation.object, number))
        .collect();
    Ok(Json(json!({"changed": described})))
}

/// Touches records drawn from the seed and the time, so that a repeated run with the same
/// clock repeats itself.
fn churn(workspace: &mut Workspace, object: Object, touches: u32, now_us: i64) -> Vec<u32> {
    let seed = draw(&[workspace.seed, now_us.unsigned_abs()]);
    let mut changed = Vec::new();
    for nth in 0..touches {
        let live = ledger(workspace, object).live();
        let drawn = usize::try_from(draw(&[seed, u64::from(nth)]) >> 1).unwrap_or_default();
        let place = drawn % live.len().max(1);
        if let Some(number) = live.get(place).copied() {
            touch(workspace, object, number, now_us + i64::from(nth));
            changed.push(number);
        }
    }
    changed
}

fn ledger(workspace: &mut Workspace, object: Object) -> &mut Ledger {
    match object {
        Object::Repositories => &mut workspace.repositories,
        Object::Projects => &mut workspace.projects.ledger,
        Object::Members => &mut workspace.members.ledger,
        Object::Hooks => &mut workspace.hooks.ledger,
        Object::Variables => &mut workspace.variables.ledger,
        Object::Snippets => &mut workspace.snippets.ledger,
    }
}

/// Changes a record in a way that shows: where there is no `updated_on`, some text says when.
fn touch(workspace: &mut Workspace, object: Object, number: u32, at_us: i64) {
    ledger(workspace, object).touch(number, at_us);
    let text = format!("touched at {}", notation(at_us));
    match object {
        Object::Repositories | Object::Projects | Object::Snippets => {}
        Object::Members => workspace.members.write(number, text),
        Object::Hooks => {
            let mut content = Hook::new(workspace, number).content();
            content.description = Some(text);
            workspace.hooks.write(number, content);
        }
        Object::Variables => {
            let mut content = Variable::new(workspace, number).content();
            content.value = text;
            workspace.variables.write(number, content);
        }
    }
}

/// A project may have been given the key that the new one would have had; then the next
/// number is taken.
fn add(workspace: &mut Workspace, object: Object, at_us: i64) -> u32 {
    loop {
        let number = ledger(workspace, object).add(at_us);
        let key = Project::new(workspace, number).key();
        let is_taken = matches!(object, Object::Projects)
            && Project::find(workspace, &key).map(Project::number) != Some(number);
        if !is_taken {
            return number;
        }
        workspace.projects.remove(number);
    }
}

fn remove(workspace: &mut Workspace, object: Object, number: u32) {
    match object {
        Object::Repositories => workspace.repositories.remove(number),
        Object::Projects => workspace.projects.remove(number),
        Object::Members => workspace.members.remove(number),
        Object::Hooks => workspace.hooks.remove(number),
        Object::Variables => workspace.variables.remove(number),
        Object::Snippets => workspace.snippets.remove(number),
    };
}

fn find(workspace: &mut Workspace, mutation: &Mutation) -> Result<u32, Refusal> {
    let found = match (&mutation.name, mutation.index) {
        (Some(name), None) => match mutation.object {
            Object::Repositories => Repository::find(workspace, name).map(Repository::number),
            Object::Projects => Project::find(workspace, name).map(Project::number),
            Object::Members => Member::find(workspace, name).map(Member::number),
            Object::Hooks => Hook::find(workspace, name).map(Hook::number),
            Object::Variables => Variable::find(workspace, name)
                .or_else(|| Variable::with_key(workspace, name))
                .map(Variable::number),
            Object::Snippets => Snippet::find(workspace, name).map(Snippet::number),
        },
        (None, Some(index)) => ledger(workspace, mutation.object)
            .live()
            .get(index)
            .copied(),
        _ => return Err(Refusal::bad_request("Give either name or index")),
    };
    found.ok_or_else(|| Refusal::not_found("No such record"))
}

fn describe(workspace: &Workspace, object: Object, number: u32) -> Value {
    match object {
        Object::Repositories => json!({
            "full_name": format!("{}/{}", workspace.slug, Repository::new(workspace, number).slug()),
            "updated_on": notation(workspace.repositories.updated_us(number))
        }),
        Object::Projects => json!({
            "key": Project::new(workspace, number).key(),
            "updated_on": notation(workspace.projects.ledger.updated_us(number))
        }),
        Object::Members => json!({"uuid": Member::new(workspace, number).uuid()}),
        Object::Hooks => json!({"uuid": Hook::new(workspace, number).uuid()}),
        Object::Variables => json!({"uuid": Variable::new(workspace, number).uuid()}),
        Object::Snippets => json!({
            "id": Snippet::new(workspace, number).id(),
            "updated_on": notation(workspace.snippets.ledger.updated_us(number))
        }),
    }
}
