//! The rolling-window request limit: how many calls a credential made lately.
//!
//! Bitbucket counts an OAuth consumer as one caller whichever user it acts for, an API token
//! by its user, an access token by itself, and tells nobody how much is left.
//! <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>

use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};

/// Times of the calls still inside the window, by caller.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    calls: HashMap<String, VecDeque<Timestamp>>,
}

impl Limits {
    /// Counts one call at `now` unless `limit` calls were made within `window_seconds` before
    /// it. A refused call is not counted: whether the real one counts it is not published.
    pub(crate) fn admit(
        &mut self,
        caller: &str,
        now: Timestamp,
        limit: u32,
        window_seconds: u64,
    ) -> bool {
        let calls = self.calls.entry(caller.to_owned()).or_default();
        let seconds = i64::try_from(window_seconds).unwrap_or(i64::MAX);
        let start = now
            .checked_sub(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MIN);
        while calls.front().is_some_and(|at| *at <= start) {
            calls.pop_front();
        }
        let admitted = u32::try_from(calls.len()).is_ok_and(|made| made < limit);
        if admitted {
            calls.push_back(now);
        }
        admitted
    }
}
