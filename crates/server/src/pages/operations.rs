//! Operations: what has run and what runs, with what came of it. Those that run are
//! followed as they go.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::routing::get;
use engine::Engine;
use store::{Installed, LogEntry, Operation, OperationFilter, OperationStatus, ReadType};

use super::answer::{Answer, show, show_as};
use super::form::Fields;
use super::frame::{Frame, Place};
use super::here::Here;
use super::{asked, live, shown};
use crate::problem::Problem;

/// Rows on a page.
const PAGE: u64 = 50;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/live", get(live::follow))
        .route("/{operation}", get(one))
}

/// How an operation goes, for a cell of a table and for the page of one. It is
/// what changes while it runs.
#[derive(Template)]
#[template(path = "operation_status.html")]
pub(super) struct Status<'a> {
    pub(super) operation: &'a Operation,
    /// Whether it says what came of it, too.
    pub(super) with_result: bool,
}

impl Status<'_> {
    fn badge(&self) -> (&'static str, &'static str) {
        badge(self.operation.status)
    }

    /// Whether it is about records at all.
    fn has_records(&self) -> bool {
        !is_call(self.operation)
    }

    fn is_running(&self) -> bool {
        is_running(self.operation)
    }

    fn records(&self) -> String {
        shown::number(self.operation.records_processed)
    }

    /// How many there will be; providers estimate, so never fewer than there are.
    fn total(&self) -> Option<i64> {
        let total = self.operation.records_estimated_total;
        total.map(|total| total.max(self.operation.records_processed).max(1))
    }

    fn of(&self, total: &i64) -> String {
        shown::number(*total)
    }

    fn percent(&self, total: &i64) -> i64 {
        self.operation.records_processed.saturating_mul(100) / (*total).max(1)
    }
}

/// A status as a badge: its colour and its word.
pub(super) fn badge(status: OperationStatus) -> (&'static str, &'static str) {
    match status {
        OperationStatus::InProgress => ("act", "running"),
        OperationStatus::Success => ("good", "done"),
        OperationStatus::Failure => ("bad", "failed"),
    }
}

fn is_running(operation: &Operation) -> bool {
    operation.status == OperationStatus::InProgress
}

/// Whether it is a call that was passed on, which is about no object.
fn is_call(operation: &Operation) -> bool {
    operation.action_type == "proxy"
}

/// The same as HTML.
pub(super) fn status_html(operation: &Operation) -> Result<String, Problem> {
    let html = Status {
        operation,
        with_result: true,
    };
    let html = html.render();
    html.map_err(|_| Problem::new(500, "the page could not be made"))
}

#[derive(Template)]
#[template(path = "operations.html")]
struct List {
    frame: Frame,
    rows: Vec<Operation>,
    installed: HashMap<String, Installed>,
    query: Query,
    next: Option<String>,
    problem: Option<Problem>,
}

/// What is filtered by, as it was sent.
struct Query {
    status: String,
    kind: String,
    object: String,
    installation: String,
    group: String,
    from: String,
    to: String,
}

impl Query {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            status: text("status"),
            kind: text("type"),
            object: text("object"),
            installation: text("installation"),
            group: text("group"),
            from: text("from"),
            to: text("to"),
        }
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("status", &self.status),
            ("type", &self.kind),
            ("object", &self.object),
            ("installation", &self.installation),
            ("group", &self.group),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn is_any(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    fn filter(&self) -> Result<OperationFilter, Problem> {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let read_type = READ_TYPES
            .into_iter()
            .find(|known| known.as_str() == self.kind);
        let status = match self.status.as_str() {
            "" => None,
            word => Some(status_of(word)?),
        };
        Ok(OperationFilter {
            status,
            action_type: given(&self.kind).filter(|_| read_type.is_none()),
            read_type,
            object_name: given(&self.object),
            installation_id: given(&self.installation),
            group_ref: given(&self.group),
            from: asked::moment("from", &self.from)?,
            to: asked::moment("to", &self.to)?,
        })
    }

    fn after(&self, token: &str) -> String {
        let mut fields = self.fields().to_vec();
        fields.push(("after", token));
        asked::link(&fields)
    }
}

/// What may be filtered by as the type, and how it is called.
const KINDS: [(&str, &str); 6] = [
    ("backfill", "backfill read"),
    ("scheduled", "scheduled read"),
    ("triggered", "triggered read"),
    ("read", "every read"),
    ("write", "write"),
    ("proxy", "proxied call"),
];
const READ_TYPES: [ReadType; 3] = [ReadType::Backfill, ReadType::Scheduled, ReadType::Triggered];
const STATUSES: [OperationStatus; 3] = [
    OperationStatus::InProgress,
    OperationStatus::Success,
    OperationStatus::Failure,
];

fn status_of(word: &str) -> Result<OperationStatus, Problem> {
    let found = STATUSES.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| {
        Problem::new(400, format!("`{word}` is no status of an operation"))
            .remedy("Use in_progress, success or failure")
    })
}

impl List {
    /// What runs on this page, for following it; empty where nothing does.
    fn live(&self) -> String {
        let running = self.rows.iter().filter(|row| is_running(row));
        let ids: Vec<&str> = running.map(|row| row.id.as_str()).collect();
        ids.join(",")
    }

    fn kinds(&self) -> [(&'static str, &'static str); 6] {
        KINDS
    }

    /// A moment of the filter as its input has it.
    fn utc(&self, text: &str) -> String {
        asked::utc(text)
    }

    fn installed(&self, row: &Operation) -> Option<&Installed> {
        self.installed.get(&row.installation_id)
    }

    fn name<'a>(&self, row: &'a Operation) -> &'a str {
        name(row)
    }

    fn status<'a>(&self, row: &'a Operation) -> Status<'a> {
        Status {
            operation: row,
            with_result: true,
        }
    }
}

/// What an operation does, in a word or two.
fn kind(operation: &Operation) -> String {
    match operation.read_type {
        Some(read_type) => format!("{} read", read_type.as_str()),
        None => operation.action_type.clone(),
    }
}

/// What an operation is called.
fn name(operation: &Operation) -> &str {
    match operation.object_name.as_str() {
        "" => "Proxied call",
        object => object,
    }
}

async fn list(here: Here) -> Answer {
    let query = Query::of(here.query());
    let tenant = here.tenant();
    let (mut rows, mut next, mut problem) = (Vec::new(), None, None);
    match query.filter() {
        Ok(filter) => {
            let after = here.query().given("after").map(str::to_owned);
            let (found, token) = tenant.operations_matching(filter, PAGE, after).await?;
            next = token.map(|token| query.after(&token));
            rows = found;
        }
        Err(refused) => problem = Some(refused),
    }
    let ids: Vec<&str> = rows
        .iter()
        .map(|row| row.installation_id.as_str())
        .collect();
    let page = List {
        frame: here.frame(Place::Operations, "Operations"),
        installed: tenant.installed(&ids).await?,
        rows,
        query,
        next,
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

#[derive(Template)]
#[template(path = "operation.html")]
struct One {
    frame: Frame,
    operation: Operation,
    installed: Option<Installed>,
    log: Vec<LogEntry>,
}

impl One {
    fn status(&self) -> Status<'_> {
        Status {
            operation: &self.operation,
            with_result: false,
        }
    }

    fn kind(&self) -> String {
        kind(&self.operation)
    }

    fn is_running(&self) -> bool {
        is_running(&self.operation)
    }

    fn is_failed(&self) -> bool {
        self.operation.status == OperationStatus::Failure
    }

    fn is_read(&self) -> bool {
        self.operation.read_type.is_some()
    }

    fn is_call(&self) -> bool {
        is_call(&self.operation)
    }

    /// How long it took, or has been going on.
    fn took(&self) -> Option<String> {
        let end = self.operation.update_time?;
        let took = end.duration_since(self.operation.create_time);
        Some(shown::duration(took))
    }

    fn severity(&self, line: &LogEntry) -> &'static str {
        match line.severity.as_str() {
            "ERROR" => "bad",
            "WARNING" => "warn",
            _ => "",
        }
    }

    /// What went wrong, unless the line has said so.
    fn error<'a>(&self, line: &'a LogEntry) -> Option<&'a str> {
        let error = line.error.as_deref();
        error.filter(|error| !line.msg.contains(error))
    }

    /// The particulars of a line.
    fn details(&self, line: &LogEntry) -> Vec<(String, String)> {
        let details = line.details.as_object();
        let text = |value: &serde_json::Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        details
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text(value)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

async fn one(here: Here) -> Answer {
    let tenant = here.tenant();
    let operation = tenant.operation(here.parameter("operation")).await?;
    let mut installed = tenant.installed(&[&operation.installation_id]).await?;
    let title = match is_call(&operation) {
        true => name(&operation).to_owned(),
        false => format!("{}: {}", name(&operation), kind(&operation)),
    };
    show(&One {
        frame: here
            .frame(Place::Operations, &title)
            .below("Operations", here.path("/operations")),
        installed: installed.remove(&operation.installation_id),
        log: tenant.logs(&operation.id).await?,
        operation,
    })
}
