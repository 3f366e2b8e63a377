//! The webhook events that can be subscribed to, by the type of their subject.
//!
//! The published description names twenty-nine; which of them a repository offers and which
//! only a workspace is (inferred). Those of issues are still listed though issues are gone.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/>

use serde_json::{Value, json};

/// One kind of event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    category: &'static str,
    label: &'static str,
    description: &'static str,
}

const fn event(
    name: &'static str,
    category: &'static str,
    label: &'static str,
    description: &'static str,
) -> Event {
    Event {
        name,
        category,
        label,
        description,
    }
}

const ISSUE: &str = "Issue";
const PULL: &str = "Pull Request";
const REPO: &str = "Repository";

#[rustfmt::skip]
const EVENTS: &[Event] = &[
    event("repo:push", REPO, "Push", "Whenever a repository push occurs"),
    event("repo:fork", REPO, "Fork", "Whenever a repository fork occurs"),
    event("repo:updated", REPO, "Updated", "Whenever a repository's metadata is changed"),
    event("repo:transfer", REPO, "Transfer accepted", "Whenever a repository transfer is accepted"),
    event("repo:imported", REPO, "Import", "Whenever a repository import occurs"),
    event("repo:created", REPO, "Created", "Whenever a repository is created"),
    event("repo:deleted", REPO, "Deleted", "Whenever a repository is deleted"),
    event("repo:commit_comment_created", REPO, "Commit comment created", "Whenever a comment is added to a commit"),
    event("repo:commit_status_created", REPO, "Build status created", "Whenever a build status is added to a commit"),
    event("repo:commit_status_updated", REPO, "Build status updated", "Whenever the build status of a commit changes"),
    event("issue:created", ISSUE, "Created", "Whenever an issue is created"),
    event("issue:updated", ISSUE, "Updated", "Whenever an issue is updated"),
    event("issue:comment_created", ISSUE, "Comment created", "Whenever a comment is added to an issue"),
    event("pullrequest:created", PULL, "Created", "When a pull request is created"),
    event("pullrequest:updated", PULL, "Updated", "When a pull request is updated"),
    event("pullrequest:push", PULL, "Push", "When commits are pushed to a pull request"),
    event("pullrequest:approved", PULL, "Approved", "When someone has approved a pull request"),
    event("pullrequest:unapproved", PULL, "Approval removed", "When someone has taken an approval back"),
    event("pullrequest:changes_request_created", PULL, "Changes requested", "When someone has requested changes"),
    event("pullrequest:changes_request_removed", PULL, "Changes request removed", "When a request for changes is taken back"),
    event("pullrequest:fulfilled", PULL, "Merged", "When a pull request is merged"),
    event("pullrequest:rejected", PULL, "Declined", "When a pull request is declined"),
    event("pullrequest:comment_created", PULL, "Comment created", "When a comment is added to a pull request"),
    event("pullrequest:comment_updated", PULL, "Comment updated", "When a comment on a pull request changes"),
    event("pullrequest:comment_deleted", PULL, "Comment deleted", "When a comment on a pull request is deleted"),
    event("pullrequest:comment_resolved", PULL, "Comment resolved", "When a comment on a pull request is resolved"),
    event("pullrequest:comment_reopened", PULL, "Comment reopened", "When a resolved comment is opened again"),
    event("pipeline:span_created", "Pipeline", "Span created", "Whenever a span of a pipeline is recorded"),
    event("project:updated", "Project", "Updated", "Whenever a project's metadata is changed"),
];

const WORKSPACE_ONLY: &[&str] = &["repo:created", "project:updated"];

/// The events of `repository` or `workspace`; no other subject has any.
pub(crate) fn events(subject_type: &str) -> Option<Vec<&'static Event>> {
    match subject_type {
        "workspace" => Some(EVENTS.iter().collect()),
        "repository" => {
            let offered = |event: &&Event| !WORKSPACE_ONLY.contains(&event.name);
            Some(EVENTS.iter().filter(offered).collect())
        }
        _ => None,
    }
}

impl Event {
    pub(crate) fn render(&self) -> Value {
        json!({
            "event": self.name,
            "category": self.category,
            "label": self.label,
            "description": self.description
        })
    }

    /// The scopes that a hook for this event needs besides its own: OAuth and API token.
    pub(crate) fn scopes(&self) -> (&'static str, &'static str) {
        match self.category {
            PULL => ("pullrequest", "read:pullrequest:bitbucket"),
            ISSUE => ("issue", "read:issue:bitbucket"),
            "Pipeline" => ("pipeline", "read:pipeline:bitbucket"),
            "Project" => ("project", "read:project:bitbucket"),
            _ => ("repository", "read:repository:bitbucket"),
        }
    }
}
