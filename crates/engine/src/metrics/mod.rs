//! What happened, as numbers for Prometheus: every name, unit and label is here.
//!
//! Counted where something is handled, once. Labels come from closed sets
//! (provider, group, lane, outcome), never from what someone sent. What is read
//! from the store at a scrape is in `gauges`.

mod gauges;

use std::time::Duration;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use store::{
    DeliveryOutcome, OperationStatus, ReadSubject, ReadType, Settled, Settlement, WriteJob,
};

use crate::calls::Lane;
use crate::registry::Registry;

pub(crate) use gauges::Gauges;

/// Every metric: kind, name, unit, meaning. A test holds docs/monitoring.md to it.
pub const METRICS: &[(Kind, &str, Unit, &str)] = &[
    (
        Kind::Counter,
        "ligature_provider_calls_total",
        Unit::Count,
        "Calls answered by a provider, by provider, group, lane and class of status",
    ),
    (
        Kind::Histogram,
        "ligature_provider_call_seconds",
        Unit::Seconds,
        "How long a provider took to answer",
    ),
    (
        Kind::Counter,
        "ligature_budget_waits_total",
        Unit::Count,
        "Times that a call had to wait for the request budget, by group and lane",
    ),
    (
        Kind::Counter,
        "ligature_rate_limited_total",
        Unit::Count,
        "Answers 429 of a provider, by group",
    ),
    (
        Kind::Counter,
        "ligature_token_refreshes_total",
        Unit::Count,
        "Refreshes of access tokens, by outcome",
    ),
    (
        Kind::Counter,
        "ligature_records_total",
        Unit::Count,
        "Records committed for delivery, by provider, object and read type",
    ),
    (
        Kind::Counter,
        "ligature_pages_total",
        Unit::Count,
        "Pages committed, by provider, object and read type",
    ),
    (
        Kind::Counter,
        "ligature_reads_total",
        Unit::Count,
        "Reads that ended, by provider, object, read type and status",
    ),
    (
        Kind::Counter,
        "ligature_read_retries_total",
        Unit::Count,
        "Times that a read failed and is tried again, by provider and class of failure",
    ),
    (
        Kind::Counter,
        "ligature_write_records_total",
        Unit::Count,
        "What came of records that were to be written, by provider, object, action and outcome",
    ),
    (
        Kind::Counter,
        "ligature_deliveries_total",
        Unit::Count,
        "Attempts to deliver a message, by outcome",
    ),
    (
        Kind::Histogram,
        "ligature_delivery_seconds",
        Unit::Seconds,
        "How long a destination took to answer",
    ),
    (
        Kind::Histogram,
        "ligature_delivery_lag_seconds",
        Unit::Seconds,
        "From a message's commit to its being taken",
    ),
    (
        Kind::Counter,
        "ligature_http_requests_total",
        Unit::Count,
        "Requests to this server, by method, route and status",
    ),
    (
        Kind::Histogram,
        "ligature_http_request_seconds",
        Unit::Seconds,
        "How long this server took to answer",
    ),
    (
        Kind::Counter,
        "ligature_proxy_unkept_total",
        Unit::Count,
        "Calls passed on that should have been kept as operations and were not, by reason",
    ),
    (
        Kind::Gauge,
        "ligature_proxy_open_calls",
        Unit::Count,
        "Calls passed on by this node whose answers have not ended",
    ),
    (
        Kind::Gauge,
        "ligature_outbox_pending_messages",
        Unit::Count,
        "Messages not yet taken",
    ),
    (
        Kind::Gauge,
        "ligature_outbox_oldest_seconds",
        Unit::Seconds,
        "Age of the oldest message not yet taken",
    ),
    (
        Kind::Gauge,
        "ligature_outbox_dead_messages",
        Unit::Count,
        "Messages given up and kept for a replay",
    ),
    (
        Kind::Gauge,
        "ligature_work_due",
        Unit::Count,
        "Work that is due and taken by nobody, by kind and lane",
    ),
    (
        Kind::Gauge,
        "ligature_work_leased",
        Unit::Count,
        "Work under way, by kind and lane",
    ),
    (
        Kind::Gauge,
        "ligature_work_oldest_due_seconds",
        Unit::Seconds,
        "How long the longest waiting work has been due, by kind and lane",
    ),
    (
        Kind::Gauge,
        "ligature_sync_freshness_seconds",
        Unit::Seconds,
        "Now less the time up to which a scheduled object has been brought: the 1,000 stalest",
    ),
    (
        Kind::Gauge,
        "ligature_connections",
        Unit::Count,
        "Connections, by status",
    ),
    (
        Kind::Gauge,
        "ligature_installations",
        Unit::Count,
        "Installations",
    ),
    (
        Kind::Gauge,
        "ligature_budget_used",
        Unit::Count,
        "Calls within the provider's window, by consumer and group",
    ),
    (
        Kind::Gauge,
        "ligature_budget_limit",
        Unit::Count,
        "Calls that there may be within the window, by consumer and group",
    ),
    (
        Kind::Gauge,
        "ligature_budget_blocked_seconds",
        Unit::Seconds,
        "For how long a refusal still keeps all waiting, by consumer and group",
    ),
    (
        Kind::Gauge,
        "ligature_store_up",
        Unit::Count,
        "1 when the store answered this scrape",
    ),
    (
        Kind::Gauge,
        "ligature_build_info",
        Unit::Count,
        "1, with the version as a label",
    ),
];

/// A kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

/// Tells the recorder what each metric means.
pub fn describe() {
    for (kind, name, unit, meaning) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *meaning),
            Kind::Gauge => describe_gauge!(*name, *unit, *meaning),
            Kind::Histogram => describe_histogram!(*name, *unit, *meaning),
        }
    }
}

/// Shows 429s as none before the first: of a series that begins with one, nobody
/// sees an increase.
pub(crate) fn expect(registry: &Registry) {
    for description in registry.descriptions() {
        let groups = description.groups.iter().map(|group| group.name);
        for group in groups.chain(["other"]) {
            counter!("ligature_rate_limited_total", "group" => group).increment(0);
        }
    }
}

/// What counts calls of one group to a provider: found once, for many calls.
#[derive(Debug, Clone)]
pub(crate) struct CallMeter {
    provider: &'static str,
    group: &'static str,
    seconds: Histogram,
    /// Interactive calls that went well, as most do where there are many.
    good: Counter,
}

impl CallMeter {
    pub(crate) fn of(provider: &'static str, group: &'static str) -> Self {
        Self {
            provider,
            group,
            seconds: histogram!("ligature_provider_call_seconds", "provider" => provider),
            good: calls(provider, group, Lane::Interactive, status_class(200)),
        }
    }

    /// The provider answered.
    pub(crate) fn answered(&self, lane: Lane, status: u16, took: Duration) {
        let class = status_class(status);
        if lane == Lane::Interactive && class == status_class(200) {
            self.good.increment(1);
        } else {
            calls(self.provider, self.group, lane, class).increment(1);
        }
        self.seconds.record(took.as_secs_f64());
        if status == 429 {
            counter!("ligature_rate_limited_total", "group" => self.group).increment(1);
        }
    }
}

fn calls(provider: &'static str, group: &'static str, lane: Lane, class: &'static str) -> Counter {
    counter!("ligature_provider_calls_total", "provider" => provider, "group" => group,
        "lane" => lane.as_str(), "status" => class)
}

/// A call had to wait for the budget, or was put off.
pub(crate) fn budget_wait(group: &'static str, lane: Lane) {
    counter!("ligature_budget_waits_total", "group" => group, "lane" => lane.as_str()).increment(1);
}

/// Calls that were passed on are not kept as operations.
pub(crate) fn proxy_unkept(reason: &'static str, calls: u64) {
    counter!("ligature_proxy_unkept_total", "reason" => reason).increment(calls);
}

/// So many calls passed on have not ended.
pub(crate) fn proxy_open(calls: u64) {
    let calls = u32::try_from(calls).map_or(f64::MAX, f64::from);
    gauge!("ligature_proxy_open_calls").set(calls);
}

/// A token was refreshed, or was not.
pub(crate) fn refresh(outcome: &'static str) {
    counter!("ligature_token_refreshes_total", "outcome" => outcome).increment(1);
}

/// A page was committed.
pub(crate) fn page(subject: &ReadSubject, records: u64) {
    let labels = of_read(subject);
    counter!("ligature_pages_total", &labels).increment(1);
    counter!("ligature_records_total", &labels).increment(records);
}

/// A read ended.
pub(crate) fn read_ended(subject: &ReadSubject, status: OperationStatus) {
    let [provider, object, read_type] = of_read(subject);
    let status = ("status", status.as_str().to_owned());
    counter!(
        "ligature_reads_total",
        &[provider, object, read_type, status]
    )
    .increment(1);
}

/// A read failed and is tried again.
pub(crate) fn read_retried(subject: &ReadSubject, class: &'static str) {
    let provider = subject.connection.provider.clone();
    counter!("ligature_read_retries_total", "provider" => provider, "class" => class).increment(1);
}

/// What a read is counted by.
fn of_read(subject: &ReadSubject) -> [(&'static str, String); 3] {
    let read_type = subject.sync.read_type.map_or("", ReadType::as_str);
    [
        ("provider", subject.connection.provider.clone()),
        ("object", subject.sync.object_name.clone()),
        ("read_type", read_type.to_owned()),
    ]
}

/// Something came of records that were to be written.
pub(crate) fn settled(provider: &str, job: &WriteJob, settlements: &[Settlement]) {
    for settlement in settlements {
        match settlement.to {
            Settled::Made { .. } => record_settled(provider, job, "made"),
            Settled::Failed { .. } => record_settled(provider, job, "failed"),
            Settled::Waiting { .. } | Settled::Anew { .. } => {
                record_settled(provider, job, "retry")
            }
            Settled::Lost { .. } => record_settled(provider, job, "lost"),
            Settled::Unsent => {}
        }
    }
}

/// The same of one.
pub(crate) fn record_settled(provider: &str, job: &WriteJob, outcome: &'static str) {
    let labels = [
        ("provider", provider.to_owned()),
        ("object", job.object_name.clone()),
        ("action", job.action.clone()),
        ("outcome", outcome.to_owned()),
    ];
    counter!("ligature_write_records_total", &labels).increment(1);
}

/// A destination was tried; `lag` is since the message was committed.
pub(crate) fn delivery(outcome: &DeliveryOutcome, took: Duration, lag: Duration) {
    let word = match outcome {
        DeliveryOutcome::Delivered { .. } => "delivered",
        DeliveryOutcome::Retry { .. } => "retry",
        DeliveryOutcome::Dead { .. } => "dead",
        DeliveryOutcome::Gone { .. } => "gone",
    };
    counter!("ligature_deliveries_total", "outcome" => word).increment(1);
    histogram!("ligature_delivery_seconds").record(took.as_secs_f64());
    if let DeliveryOutcome::Delivered { .. } = outcome {
        histogram!("ligature_delivery_lag_seconds").record(lag.as_secs_f64());
    }
}

fn status_class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        401 => "401",
        429 => "429",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::METRICS;

    const GUIDE: &str = include_str!("../../../../docs/monitoring.md");
    const ALERTS: &str = include_str!("../../../../docs/monitoring/alerts.yaml");
    const DASHBOARD: &str = include_str!("../../../../docs/monitoring/grafana.json");

    /// Every `ligature_…` in a text, without what histograms and rules add.
    fn named(text: &str) -> BTreeSet<&str> {
        let word = |c: char| c.is_ascii_lowercase() || c == '_';
        text.split(|c: char| !word(c))
            .filter(|name| name.starts_with("ligature_"))
            .map(|name| name.trim_end_matches("_bucket"))
            .collect()
    }

    #[test]
    fn the_guide_names_every_metric_and_no_other() {
        let known: BTreeSet<&str> = METRICS.iter().map(|(_, name, ..)| *name).collect();
        assert_eq!(known.len(), METRICS.len(), "a name is there twice");
        assert_eq!(named(GUIDE), known);
    }

    #[test]
    fn alerts_and_dashboard_use_what_there_is() {
        let known: BTreeSet<&str> = METRICS.iter().map(|(_, name, ..)| *name).collect();
        for text in [ALERTS, DASHBOARD] {
            let unknown: Vec<_> = named(text).difference(&known).copied().collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }
}
