//! How a run goes on, or ends, when it did not reach its last page.

use jiff::Timestamp;
use serde_json::json;
use store::{
    Afterwards, Lease, NewLog, OperationStatus, PageCommit, ReadSubject, ReadType, RunEnd,
    StoreError,
};

use super::failure::{self, Verdict};
use super::{Reader, due, log};
use crate::metrics;
use crate::shape::Selection;

impl Reader {
    pub(super) async fn failed(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        attempts: i32,
        failure: &connector::Failure,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match failure::judge(failure, attempts, now) {
            Verdict::Retry { at } => {
                tracing::info!(sync = %subject.sync.id, class = failure.class(), %at, "a read failed and is tried again");
                let msg = format!("The read is tried again after attempt {attempts}");
                let details = json!({ "class": failure.class(), "nextAttempt": at.to_string() });
                metrics::read_retried(subject, failure.class());
                let log = log::warning(&msg, &failure.to_string(), details);
                self.store.retry_run(lease, &[log], at, now).await
            }
            Verdict::GiveUp { result } => {
                tracing::warn!(sync = %subject.sync.id, class = failure.class(), "a read failed");
                let log = log::error(&result, &failure.to_string(), failure::details(failure));
                let asked_for = subject.sync.read_type == Some(ReadType::Triggered);
                match failure {
                    // Due from now on: a new consent wakes it, or its next tick.
                    // Whoever asked for a read may ask again.
                    connector::Failure::Unauthorized { .. } if !asked_for => {
                        let next = due::following(subject, now);
                        self.end_run(lease, subject, result, log, (Some(now), next))
                            .await
                    }
                    _ => self.end_failed(lease, subject, result, log).await,
                }
            }
        }
    }

    pub(super) async fn end_failed(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        result: String,
        log: NewLog,
    ) -> Result<(), StoreError> {
        let due_at = due::following(subject, self.clock.now());
        self.end_run(lease, subject, result, log, (due_at, due_at))
            .await
    }

    /// Ends a run as a failure; `due_at` is its next tick, `wake_at` when the row
    /// is looked at again.
    async fn end_run(
        &self,
        lease: &Lease,
        subject: &ReadSubject,
        result: String,
        log: NewLog,
        (due_at, wake_at): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<(), StoreError> {
        // A definition that makes no sense any more has no other name for it.
        let object_name = Selection::of(subject).map_or_else(
            |_| subject.sync.object_name.clone(),
            |selection| selection.object_name,
        );
        let commit = PageCommit {
            logs: vec![log],
            end: Some(RunEnd {
                object_name,
                status: OperationStatus::Failure,
                result: Some(result),
                watermark: None,
                forget_seen_before: None,
                due_at,
            }),
            afterwards: Afterwards::Release(wake_at),
            position: None,
            messages: Vec::new(),
            seen: Vec::new(),
            records: 0,
            estimated_total: None,
        };
        self.store
            .commit_page(lease, commit, self.clock.now())
            .await?;
        metrics::read_ended(subject, OperationStatus::Failure);
        Ok(())
    }
}
