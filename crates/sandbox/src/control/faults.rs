//! Rules that make chosen calls fail.

use super::{covers, read};
use crate::app::Shared;
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What happens instead of, or to, the answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    Respond {
        status: u16,
        #[serde(default = "html")]
        content_type: String,
        #[serde(default)]
        body: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    HtmlError,
    HtmlNotFound,
    RateLimited {
        #[serde(default)]
        retry_after: Option<u64>,
    },
    ExpiredToken,
    Truncate {
        keep_bytes: usize,
    },
    Close,
    ForeignNext {
        origin: String,
    },
}

fn html() -> String {
    "text/html; charset=utf-8".to_owned()
}

fn one() -> u64 {
    1
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    path: String,
    #[serde(default)]
    method: Option<String>,
    /// The first matching call that is hit.
    #[serde(default = "one")]
    nth: u64,
    /// How many calls are hit; 0 means all.
    #[serde(default = "one")]
    times: u64,
    action: Action,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: Rule,
    matched: u64,
}

impl Active {
    fn is_over(&self) -> bool {
        self.rule.times > 0 && self.matched + 1 >= self.rule.nth.saturating_add(self.rule.times)
    }

    fn matches(&self, request: &Request) -> bool {
        let method = self.rule.method.as_deref();
        covers(&self.rule.path, request.uri().path())
            && method.is_none_or(|method| request.method().as_str().eq_ignore_ascii_case(method))
    }
}

/// The rules in force, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    last_id: u64,
    active: Vec<Active>,
}

impl Faults {
    /// Counts the request with every rule that matches; the first due rule decides.
    pub(crate) fn matching(&mut self, request: &Request) -> Option<Action> {
        let mut decided = None;
        for active in self.active.iter_mut().filter(|one| one.matches(request)) {
            active.matched += 1;
            if active.matched >= active.rule.nth && decided.is_none() {
                decided = Some(active.rule.action.clone());
            }
        }
        self.active.retain(|active| !active.is_over());
        decided
    }
}

pub(super) async fn add(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let rule: Rule = read(&body)?;
    let mut faults = app.faults();
    faults.last_id += 1;
    let id = faults.last_id;
    faults.active.push(Active {
        id,
        rule,
        matched: 0,
    });
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

pub(super) async fn list(State(app): State<Shared>) -> Json<Value> {
    let faults = app.faults();
    let rules: Vec<Value> = faults
        .active
        .iter()
        .map(|active| json!({"id": active.id, "matched": active.matched, "rule": active.rule}))
        .collect();
    Json(json!({"faults": rules}))
}

pub(super) async fn clear(State(app): State<Shared>) -> StatusCode {
    app.faults().active.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn remove(State(app): State<Shared>, Path(id): Path<u64>) -> StatusCode {
    app.faults().active.retain(|active| active.id != id);
    StatusCode::NO_CONTENT
}
