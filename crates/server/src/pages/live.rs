//! Operations followed as they go: server-sent events, each the status of one
//! operation as HTML, named by its id. The stream ends, with an event that says so,
//! when none of them runs any more; and in silence after a while or when this
//! server stops, whereupon browsers come back by themselves. Each builder has so many
//! streams at most on a node; further ones are refused, and their pages show how
//! things stood when they were opened, until one of the others ends.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use store::{Operation, OperationStatus};
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::here::Here;
use super::operations::status_html;
use crate::problem::Problem;
use crate::protect::Draining;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);
/// How often a stream is looked for before the browser has to come back, and with
/// that to show again who it is.
const LOOKS: u32 = 60;
/// After how many looks without news something is sent, so that proxies keep the
/// connection.
const QUIET: u32 = 15;
/// Most operations of one stream: those of a page.
const MOST: usize = 50;
/// Most streams of one builder at once: a browser window with many tabs, and another.
const MOST_STREAMS: usize = 20;

/// When to ask again, in seconds, where there are as many.
const RETRY_S: u32 = 30;

/// The streams that are open, by the builder whose they are.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<HashMap<String, usize>>);

/// One that is open; dropped, it is not any more.
#[derive(Debug)]
struct Slot {
    streams: Arc<Streams>,
    builder: String,
}

impl Streams {
    /// `None` where the builder has as many as there may be.
    fn open(self: &Arc<Self>, builder: &str) -> Option<Slot> {
        let mut all = self.all();
        let open = all.entry(builder.to_owned()).or_default();
        if *open >= MOST_STREAMS {
            return None;
        }
        *open += 1;
        Some(Slot {
            streams: Arc::clone(self),
            builder: builder.to_owned(),
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut all = self.streams.all();
        if let Some(open) = all.get_mut(&self.builder) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.builder);
            }
        }
    }
}

/// `GET …/operations/live?ids=A,B`
pub(super) async fn follow(
    here: Here,
    Extension(streams): Extension<Arc<Streams>>,
    draining: Option<Extension<Draining>>,
) -> Answer {
    let ids = here.query().text("ids").split(',');
    let ids: Vec<String> = ids.filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() || ids.len() > MOST {
        let problem = Problem::new(400, format!("`ids` does not name 1 to {MOST} operations"));
        return Err(problem.into());
    }
    let Some(slot) = streams.open(&here.by.account.id) else {
        let detail = format!("you follow operations on {MOST_STREAMS} pages already");
        let remedy =
            "Close some of them; this page can be loaded again to see how operations go meanwhile";
        let problem = Problem::new(429, detail).remedy(remedy);
        return Err(problem.retry_after(RETRY_S).into());
    };
    let following = Following {
        _slot: slot,
        draining: draining
            .map(|Extension(Draining(token))| token)
            .unwrap_or_default(),
        here,
        ids,
        sent: HashMap::new(),
        looks: 0,
        is_over: false,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // Reverse proxies would collect it otherwise.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let body = Body::from_stream(following.events());
    Ok::<Response, _>((headers, body).into_response())
}

struct Following {
    _slot: Slot,
    here: Here,
    ids: Vec<String>,
    /// What was sent last of each.
    sent: HashMap<String, String>,
    looks: u32,
    is_over: bool,
    draining: CancellationToken,
}

impl Following {
    fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut following| async move {
            let text = following.next().await?;
            Some((Ok(Bytes::from(text)), following))
        })
    }

    /// What is sent next; `None` at the end. A store that fails ends it, and the
    /// browser comes back.
    async fn next(&mut self) -> Option<String> {
        let mut quiet = 0;
        while !self.is_over && self.looks < LOOKS {
            if self.looks > 0 {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = self.draining.cancelled() => return None,
                }
            }
            self.looks += 1;
            quiet += 1;
            let found = self.here.tenant().operations_named(&self.ids).await.ok()?;
            let mut news = self.news(&found)?;
            if found
                .iter()
                .all(|one| one.status != OperationStatus::InProgress)
            {
                self.is_over = true;
                news.push_str(&event("over", ""));
            }
            if !news.is_empty() {
                return Some(news);
            }
            if quiet >= QUIET {
                return Some(": still here\n\n".to_owned());
            }
        }
        None
    }

    /// An event for each operation that looks different from before.
    fn news(&mut self, found: &[Operation]) -> Option<String> {
        let mut news = String::new();
        for operation in found {
            let html = status_html(operation).ok()?;
            if self.sent.get(&operation.id) != Some(&html) {
                news.push_str(&event(&operation.id, &html));
                self.sent.insert(operation.id.clone(), html);
            }
        }
        Some(news)
    }
}

/// An event, in the words of the specification.
fn event(name: &str, data: &str) -> String {
    let data: Vec<_> = data
        .trim()
        .lines()
        .map(|line| format!("data: {line}\n"))
        .collect();
    let data = if data.is_empty() {
        "data:\n".to_owned()
    } else {
        data.concat()
    };
    format!("event: {name}\n{data}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_has_so_many_streams_and_another_has_his_own() {
        let streams = Arc::new(Streams::default());
        let mut open: Vec<_> = (0..MOST_STREAMS).map(|_| streams.open("ada")).collect();
        assert!(open.iter().all(Option::is_some));
        assert!(streams.open("ada").is_none());
        assert!(streams.open("bob").is_some());
        open.pop();
        assert!(streams.open("ada").is_some(), "and given back again");
        open.push(streams.open("ada"));
        assert!(streams.open("ada").is_none());
        drop(open);
        assert!(
            streams.all().is_empty(),
            "nothing is kept of those who left"
        );
    }

    #[test]
    fn every_line_of_an_event_is_data() {
        assert_eq!(
            event("a", " <b>\n1</b>\n"),
            "event: a\ndata: <b>\ndata: 1</b>\n\n"
        );
        assert_eq!(event("over", ""), "event: over\ndata:\n\n");
    }
}
