//! Changes of the data while somebody reads it.

use super::read;
use crate::app::Shared;
use crate::data::{Ledger, Project, Repository, Workspace, draw, notation};
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
            ledger(workspace, mutation.object).touch(number, at_us);
            vec![number]
        }
        Kind::Delete => {
            let number = find(workspace, &mutation)?;
            ledger(workspace, mutation.object).remove(number);
            vec![number]
        }
        Kind::Add => {
            let ledger = ledger(workspace, mutation.object);
            let count = mutation.count.unwrap_or(1);
            (0..count).map(|_| ledger.add(now_us)).collect()
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
    let ledger = ledger(workspace, object);
    let mut changed = Vec::new();
    for touch in 0..touches {
        let drawn = usize::try_from(draw(&[seed, u64::from(touch)]) >> 1).unwrap_or_default();
        let place = drawn % ledger.live().len().max(1);
        if let Some(number) = ledger.live().get(place).copied() {
            ledger.touch(number, now_us + i64::from(touch));
            changed.push(number);
        }
    }
    changed
}

fn ledger(workspace: &mut Workspace, object: Object) -> &mut Ledger {
    match object {
        Object::Repositories => &mut workspace.repositories,
        Object::Projects => &mut workspace.projects.ledger,
    }
}

fn find(workspace: &Workspace, mutation: &Mutation) -> Result<u32, Refusal> {
    let live = match mutation.object {
        Object::Repositories => workspace.repositories.live(),
        Object::Projects => workspace.projects.ledger.live(),
    };
    let found = match (&mutation.name, mutation.index) {
        (Some(name), None) => match mutation.object {
            Object::Repositories => Repository::find(workspace, name).map(Repository::number),
            Object::Projects => Project::find(workspace, name).map(Project::number),
        },
        (None, Some(index)) => live.get(index).copied(),
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
    }
}
