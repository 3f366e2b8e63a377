//! How a request is carried out: waited for or not, alone or with others, and until
//! when. Pure.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use store::WriteMode;

use super::{Records, Write, bad};
use crate::ActionError;
use crate::write::Action;

/// Records of one request.
const MOST_RECORDS: usize = 100;
/// After so long, others look what became of a write that somebody waited for.
const HOLD: SignedDuration = SignedDuration::from_mins(5);
const HOURS: RangeInclusive<i64> = 1..=48;
const MINUTES: RangeInclusive<i64> = 1..=1440;

/// How a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Sync,
    Async { hours: i64 },
    Collected { minutes: i64, hours: i64 },
}

impl Mode {
    /// What a request asks for.
    ///
    /// # Errors
    /// [`ActionError::BadRequest`] for what cannot be done.
    pub(super) fn of(write: &Write, action: Action) -> Result<Self, ActionError> {
        if let Some(extra) = write.extra {
            return Err(bad(
                format!("`{extra}` are not supported"),
                "No provider of this server takes them: leave them out",
            ));
        }
        if write.all_or_none {
            return Err(bad(
                "`batchPolicy.allOrNone` is not supported",
                "The provider has no transaction that could be undone: leave it out, and look at each result",
            ));
        }
        let is_batch = match &write.records {
            Records::Unclear => {
                return Err(bad(
                    "the request has neither `record` nor `batch`, or both",
                    "Send one record as `record`, several as `batch`",
                ));
            }
            Records::One(_) => false,
            Records::Batch(batch) if batch.is_empty() || batch.len() > MOST_RECORDS => {
                return Err(bad(
                    format!("`batch` has {} records", batch.len()),
                    format!("A batch has 1 to {MOST_RECORDS}"),
                ));
            }
            Records::Batch(_) if action == Action::Delete => {
                return Err(bad(
                    "records are deleted one by one",
                    "Send `record` with the `id` of one",
                ));
            }
            Records::Batch(_) => true,
        };
        Self::chosen(write, action, is_batch)
    }

    fn chosen(write: &Write, action: Action, is_batch: bool) -> Result<Self, ActionError> {
        let within = |name: &str, number: i64, range: RangeInclusive<i64>| {
            if range.contains(&number) {
                return Ok(number);
            }
            let (least, most) = (range.start(), range.end());
            Err(bad(
                format!("`{name}` is {number}"),
                format!("Use a whole number from {least} to {most}"),
            ))
        };
        let deadline = write.deadline_hours.unwrap_or(1);
        let deadline = within("retryPolicy.deadlineHours", deadline, HOURS);
        let is_async = match write.mode.as_deref() {
            None | Some("synchronous") => false,
            Some("asynchronous") => true,
            Some(_) if action == Action::Delete => false,
            Some(other) => {
                return Err(bad(
                    format!("the mode `{other}` is not supported"),
                    "Use `synchronous` or `asynchronous`",
                ));
            }
        };
        if action == Action::Delete {
            // Waited for, whatever the mode says.
            return Ok(Self::Sync);
        }
        let Some(auto) = write.auto_batch else {
            return Ok(match is_async {
                true => Self::Async { hours: deadline? },
                false => Self::Sync,
            });
        };
        if !is_async || is_batch {
            return Err(bad(
                "`autoBatchPolicy` is for single records and the asynchronous mode",
                "Send one `record` with `mode: asynchronous`, or leave the policy out",
            ));
        }
        let minutes = within(
            "autoBatchPolicy.maxDelayMinutes",
            auto.max_delay_minutes,
            MINUTES,
        )?;
        let hours = auto.retry_deadline_hours.unwrap_or(1);
        let hours = within("autoBatchPolicy.retryDeadlineHours", hours, HOURS)?;
        Ok(Self::Collected { minutes, hours })
    }

    /// The same with its times.
    pub(super) fn write_mode(self, now: Timestamp) -> WriteMode {
        let after = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        match self {
            Self::Sync => WriteMode::Sync {
                hold_until: after(HOLD),
            },
            Self::Async { hours } => WriteMode::Async {
                deadline_at: after(SignedDuration::from_hours(hours)),
            },
            Self::Collected { minutes, hours } => WriteMode::Collected {
                flush_at: after(SignedDuration::from_mins(minutes)),
                tried_for: SignedDuration::from_hours(hours),
            },
        }
    }
}
