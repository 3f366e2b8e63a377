//! `/metrics`: the process's numbers for Prometheus, and how requests are counted.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::Engine;
use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use metrics_util::MetricKindMask;
use tokio::time::Instant;

/// How often what was observed is put into its buckets, so that a server which
/// nobody scrapes does not keep every observation.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(10);

/// The route of every call that is passed on.
const PROXY: &str = "proxy";
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];
/// How long a gauge is shown that is not set any more.
const GAUGES_LAST: Duration = Duration::from_secs(300);
/// The lag of a delivery: from a tenth of a second to the eighth attempt.
const LAG_SECONDS: [f64; 10] = [
    0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 1800.0, 7200.0, 36_000.0, 108_000.0,
];

/// The recorder of this process, installed at its first use; `None` where
/// somebody else's is installed already.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            // A gauge is set at each look; one that is not any more is gone.
            let builder = PrometheusBuilder::new()
                .idle_timeout(MetricKindMask::GAUGE, Some(GAUGES_LAST))
                .set_buckets(&SECONDS)
                .and_then(|b| {
                    let lag = Matcher::Full("ligature_delivery_lag_seconds".to_owned());
                    b.set_buckets_for_metric(lag, &LAG_SECONDS)
                });
            let installed = builder.and_then(PrometheusBuilder::install_recorder);
            if let Err(error) = &installed {
                tracing::warn!(%error, "metrics are not recorded");
            }
            let handle = installed.ok()?;
            engine::metrics::describe();
            Collector::default().describe();
            Some(handle)
        })
        .as_ref()
}

/// Puts what was observed into its buckets. To be called every [`UPKEEP_EVERY`].
pub fn keep_metrics() {
    if let Some(recorder) = recorder() {
        recorder.run_upkeep();
    }
}

/// The text that Prometheus scrapes. It names projects by name and installations
/// by id, and is therefore for the operator's network only.
pub(crate) async fn show(State(engine): State<Engine>) -> Response {
    let text = match recorder() {
        Some(recorder) => {
            Collector::default().collect();
            engine.refresh_gauges().await;
            recorder.render()
        }
        None => String::new(),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Counts a request by its route, never by its path, which anyone can make up.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    recorder();
    let began = Instant::now();
    let method = name_of(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    requests(method, &route, response.status()).increment(1);
    seconds(&route).record(began.elapsed().as_secs_f64());
    response
}

/// What counts calls that are passed on, or refused: found once, for many calls.
#[derive(Debug)]
pub(crate) struct ProxyMeter {
    seconds: Histogram,
    /// By method and status.
    calls: Mutex<HashMap<(&'static str, u16), Counter>>,
}

impl ProxyMeter {
    pub(crate) fn new() -> Self {
        recorder();
        Self {
            seconds: seconds(PROXY),
            calls: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let method = name_of(method);
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let counter = calls.entry((method, status.as_u16()));
            counter
                .or_insert_with(|| requests(method, PROXY, status))
                .increment(1);
        }
        self.seconds.record(took.as_secs_f64());
    }
}

fn name_of(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let mut known = known.into_iter();
    known
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

fn requests(method: &'static str, route: &str, status: StatusCode) -> Counter {
    let (route, status) = (route.to_owned(), status.as_u16().to_string());
    counter!("ligature_http_requests_total", "method" => method, "route" => route, "status" => status)
}

fn seconds(route: &str) -> Histogram {
    histogram!("ligature_http_request_seconds", "route" => route.to_owned())
}
