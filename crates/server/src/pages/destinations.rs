//! Destinations: where messages go, how each does, and adding one.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::{ActionError, actions};
use serde_json::{Map, Value};
use store::{DeliveriesOverview, Destination, NewDestination};

use super::answer::{Answer, done, show, show_as};
use super::destination;
use super::form::{Fields, Form};
use super::frame::{Frame, Place};
use super::here::Here;
use super::shown;
use crate::problem::Problem;

/// What stands for the value of a header that is kept as it is.
const KEPT: &str = "••••••••";

pub(super) fn routes() -> Router<engine::Engine> {
    Router::new()
        .route("/", get(list).post(create))
        .route("/new", get(new))
        .route("/{destination}", get(destination::one))
        .route("/{destination}/edit", post(destination::save))
        .route("/{destination}/test", post(destination::test))
        .route("/{destination}/secret", post(destination::reveal))
        .route("/{destination}/rotate", post(destination::rotate))
        .route("/{destination}/enable", post(destination::enable))
        .route("/{destination}/delete", post(destination::delete))
}

#[derive(Template)]
#[template(path = "destinations.html")]
struct List {
    frame: Frame,
    destinations: Vec<Destination>,
    unsettled: HashMap<String, DeliveriesOverview>,
}

impl List {
    fn waiting(&self, destination: &Destination) -> String {
        let counts = self.unsettled.get(&destination.id);
        shown::number(counts.map_or(0, |counts| counts.pending + counts.held))
    }

    fn dead(&self, destination: &Destination) -> i64 {
        let counts = self.unsettled.get(&destination.id);
        counts.map_or(0, |counts| counts.dead)
    }

    fn dead_text(&self, destination: &Destination) -> String {
        shown::number(self.dead(destination))
    }

    fn url<'a>(&self, destination: &'a Destination) -> &'a str {
        url(destination)
    }
}

/// Where a destination's messages are posted to.
pub(super) fn url(destination: &Destination) -> &str {
    let url = destination.metadata.get("url");
    url.and_then(Value::as_str).unwrap_or_default()
}

async fn list(here: Here) -> Answer {
    show(&List {
        destinations: here.tenant().destinations().await?,
        unsettled: here.tenant().unsettled_by_destination().await?,
        frame: here.frame(Place::Destinations, "Destinations"),
    })
}

/// What the form of a destination says.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) url: String,
    /// One line each, `Name: value`.
    pub(super) headers: String,
    pub(super) ordered: bool,
}

impl Draft {
    /// A destination as it is; its headers are named, and their values are not told.
    pub(super) fn of(destination: &Destination) -> Self {
        let headers = destination
            .metadata
            .get("headers")
            .and_then(Value::as_object);
        let names = headers.into_iter().flat_map(|headers| headers.keys());
        let lines: Vec<_> = names.map(|name| format!("{name}: {KEPT}")).collect();
        Self {
            name: destination.name.clone(),
            url: url(destination).to_owned(),
            headers: lines.join("\n"),
            ordered: destination.metadata.get("ordered") == Some(&Value::Bool(true)),
        }
    }

    pub(super) fn from(form: &Fields) -> Self {
        Self {
            name: form.text("name").to_owned(),
            url: form.text("url").to_owned(),
            headers: form.raw("headers").replace("\r\n", "\n"),
            ordered: form.has("ordered"),
        }
    }

    /// The same in the contract's words. A header whose value is still the one that
    /// stands for it stays as it is in `before`.
    pub(super) fn metadata(&self, before: Option<&Destination>) -> Result<Value, ActionError> {
        let mut headers = Map::new();
        let lines = self.headers.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            let parts = line
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()));
            let Some((name, value)) = parts.filter(|(name, _)| !name.is_empty()) else {
                return Err(ActionError::invalid(
                    format!("`{line}` is not a header"),
                    "Write one header on each line, as `Name: value`",
                ));
            };
            let kept = before.and_then(|before| before.metadata.get("headers")?.get(name));
            let value = match (value, kept) {
                (KEPT, Some(kept)) => kept.clone(),
                (KEPT, None) => {
                    return Err(ActionError::invalid(
                        format!("the header `{name}` has no value to keep"),
                        "Write its value",
                    ));
                }
                (value, _) => value.into(),
            };
            headers.insert(name.to_owned(), value);
        }
        let mut metadata = Map::new();
        metadata.insert("url".to_owned(), self.url.as_str().into());
        if !headers.is_empty() {
            metadata.insert("headers".to_owned(), headers.into());
        }
        if self.ordered {
            metadata.insert("ordered".to_owned(), true.into());
        }
        Ok(metadata.into())
    }
}

#[derive(Template)]
#[template(path = "destination_new.html")]
struct NewPage {
    frame: Frame,
    draft: Draft,
    problem: Option<Problem>,
}

fn form(here: &Here, draft: Draft, problem: Option<Problem>) -> Answer {
    let page = NewPage {
        frame: here
            .frame(Place::Destinations, "New destination")
            .below("Destinations", here.path("/destinations")),
        draft,
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn new(here: Here) -> Answer {
    form(&here, Draft::default(), None)
}

async fn create(here: Here, sent: Form) -> Answer {
    let draft = Draft::from(&sent);
    let created = async {
        let new = NewDestination {
            name: draft.name.clone(),
            kind: "webhook".to_owned(),
            metadata: draft.metadata(None)?,
        };
        actions::destination::create(&here.engine, here.actor(), &here.project.id, new).await
    };
    match created.await {
        Ok(made) => done(
            &here.path(&format!("/destinations/{}", made.id)),
            format!(
                "{} is there. Send it a test message, and give its secret to your app.",
                made.name
            ),
        ),
        Err(error) => form(&here, draft, Some(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_are_kept_replaced_and_left_out() {
        let before = Destination {
            id: String::new(),
            project_id: String::new(),
            name: "inbox".to_owned(),
            kind: "webhook".to_owned(),
            metadata: json!({ "url": "https://a.example", "headers": { "X-A": "one", "X-B": "two", "X-C": "three" } }),
            disabled: false,
            failing_since: None,
            create_time: jiff::Timestamp::UNIX_EPOCH,
            update_time: None,
        };
        let mut draft = Draft::of(&before);
        assert!(!draft.headers.contains("one") && draft.headers.contains("X-A: ••••"));
        draft.headers = format!("X-A: {KEPT}\n\nX-B : new:value \n");
        let metadata = draft.metadata(Some(&before)).unwrap();
        assert_eq!(
            metadata["headers"],
            json!({ "X-A": "one", "X-B": "new:value" })
        );
        for wrong in ["no colon", ": value", &format!("X-New: {KEPT}")] {
            draft.headers = wrong.to_owned();
            assert!(draft.metadata(Some(&before)).is_err(), "{wrong}");
        }
        draft.headers.clear();
        assert_eq!(
            draft.metadata(Some(&before)).unwrap(),
            json!({ "url": "https://a.example" })
        );
    }
}
