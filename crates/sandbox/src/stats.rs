//! What was asked and answered since the start: the numbers that checks rely on.

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// How many of the latest calls are kept one by one.
const KEPT_CALLS: usize = 2000;

/// Answer of `GET /_sandbox/stats`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stats {
    /// Number of calls by path group and status.
    calls: BTreeMap<&'static str, BTreeMap<u16, u64>>,
    pub(crate) rate_limited: u64,
    pub(crate) access_tokens_issued: u64,
    pub(crate) refreshes: u64,
    #[serde(skip)]
    latest: VecDeque<Call>,
}

/// One call; neither headers nor bodies, and no query where it could hold a code.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) at: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) status: u16,
}

impl Stats {
    pub(crate) fn count(&mut self, call: Call) {
        let by_status = self.calls.entry(group(&call.path)).or_default();
        *by_status.entry(call.status).or_default() += 1;
        if call.status == 429 {
            self.rate_limited += 1;
        }
        if self.latest.len() == KEPT_CALLS {
            self.latest.pop_front();
        }
        self.latest.push_back(call);
    }

    /// The latest calls whose path starts with `prefix`, oldest first.
    pub(crate) fn latest(&self, prefix: &str) -> Vec<Call> {
        self.latest
            .iter()
            .filter(|call| call.path.starts_with(prefix))
            .cloned()
            .collect()
    }
}

/// The group under which a path is counted: lists of a workspace each on their own.
fn group(path: &str) -> &'static str {
    const IN_WORKSPACE: &[(&str, &str)] = &[
        ("projects", "/2.0/workspaces/{workspace}/projects"),
        ("hooks", "/2.0/workspaces/{workspace}/hooks"),
        ("members", "/2.0/workspaces/{workspace}/members"),
        ("permissions", "/2.0/workspaces/{workspace}/permissions"),
        (
            "pipelines-config",
            "/2.0/workspaces/{workspace}/pipelines-config",
        ),
    ];
    const GROUPS: &[&str] = &[
        "/2.0/repositories",
        "/2.0/workspaces",
        "/2.0/user",
        "/2.0/hook_events",
        "/2.0/snippets",
        "/2.0/addon",
        "/site/oauth2/authorize",
        "/site/oauth2/access_token",
    ];
    let below = path.strip_prefix("/2.0/workspaces/");
    let list = below.and_then(|below| below.split('/').nth(1));
    if let Some((_, group)) = IN_WORKSPACE.iter().find(|(name, _)| Some(*name) == list) {
        return group;
    }
    let within = |group: &&&str| {
        path.strip_prefix(**group)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    GROUPS.iter().find(within).copied().unwrap_or("other")
}
