//! Barriers: a request is parked at a chosen point until somebody lets it go on.

use super::{covers, read};
use crate::app::Shared;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;

const DEFAULT_WAIT_MS: u64 = 5_000;
const MAX_WAIT_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Hold {
    #[default]
    Request,
    Response,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    path: String,
    page: Option<u64>,
    nth: Option<u64>,
    #[serde(default)]
    hold: Hold,
}

#[derive(Debug)]
struct Barrier {
    id: u64,
    rule: Rule,
    matched: u64,
    /// How many requests are parked.
    parked: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Barrier {
    fn matches(&mut self, request: &Request) -> bool {
        if !covers(&self.rule.path, request.uri().path()) {
            return false;
        }
        let query = Parameters::parse(request.uri().query().unwrap_or_default().as_bytes());
        let page = query.get("page").map_or(Some(1), |page| page.parse().ok());
        if self.rule.page.is_some() && self.rule.page != page {
            return false;
        }
        self.matched += 1;
        self.rule.nth.is_none_or(|nth| nth == self.matched)
    }
}

/// The barriers that stand.
#[derive(Debug, Default)]
pub(crate) struct Barriers {
    last_id: u64,
    standing: Vec<Barrier>,
}

impl Barriers {
    /// A place at the first barrier that stops this request.
    pub(crate) fn park(&mut self, request: &Request) -> Option<Parked> {
        let barrier = self
            .standing
            .iter_mut()
            .find_map(|barrier| barrier.matches(request).then_some(barrier))?;
        Some(Parked {
            hold: barrier.rule.hold,
            parked: barrier.parked.clone(),
            open: barrier.open.subscribe(),
        })
    }

    pub(crate) fn release_all(&mut self) {
        for barrier in self.standing.drain(..) {
            barrier.open.send_replace(true);
        }
    }

    fn release(&mut self, id: u64) -> bool {
        let place = self.standing.iter().position(|barrier| barrier.id == id);
        let Some(place) = place else { return false };
        self.standing.remove(place).open.send_replace(true);
        true
    }

    fn watch(&self, id: u64) -> Option<watch::Receiver<usize>> {
        let barrier = self.standing.iter().find(|barrier| barrier.id == id)?;
        Some(barrier.parked.subscribe())
    }
}

/// One request's place at a barrier.
#[derive(Debug)]
pub(crate) struct Parked {
    hold: Hold,
    parked: watch::Sender<usize>,
    open: watch::Receiver<bool>,
}

impl Parked {
    pub(crate) fn holds_response(&self) -> bool {
        self.hold == Hold::Response
    }

    /// Waits for the release. A request given up by its client leaves the count by itself.
    pub(crate) async fn released(&self) {
        self.parked.send_modify(|count| *count += 1);
        let _leaves = Leaves(&self.parked);
        // An error means that the barrier is gone, which is a release as well.
        self.open.clone().wait_for(|open| *open).await.ok();
    }
}

struct Leaves<'a>(&'a watch::Sender<usize>);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

pub(super) async fn add(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let rule: Rule = read(&body)?;
    let mut barriers = app.barriers();
    barriers.last_id += 1;
    let id = barriers.last_id;
    barriers.standing.push(Barrier {
        id,
        rule,
        matched: 0,
        parked: watch::Sender::new(0),
        open: watch::Sender::new(false),
    });
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

pub(super) async fn wait(
    State(app): State<Shared>,
    Path(id): Path<u64>,
    parameters: Parameters,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut parked = app.barriers().watch(id).ok_or_else(missing)?;
    let wait_ms = parameters
        .get("wait_ms")
        .map_or(Some(DEFAULT_WAIT_MS), |text| text.parse().ok())
        .ok_or_else(|| Refusal::bad_request("Invalid wait_ms"))?;
    let limit = Duration::from_millis(wait_ms.min(MAX_WAIT_MS));
    let mut stopping = app.stopping.subscribe();
    let count = tokio::select! {
        found = parked.wait_for(|count| *count > 0) => found.map_or(0, |count| *count),
        () = tokio::time::sleep(limit) => 0,
        _ = stopping.wait_for(|stop| *stop) => 0,
    };
    let status = if count > 0 {
        StatusCode::OK
    } else {
        StatusCode::REQUEST_TIMEOUT
    };
    Ok((status, Json(json!({"id": id, "parked": count}))))
}

pub(super) async fn release(
    State(app): State<Shared>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Refusal> {
    if app.barriers().release(id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing())
    }
}

fn missing() -> Refusal {
    Refusal::not_found("No such barrier")
}
