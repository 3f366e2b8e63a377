//! The table: one row per object.
//!
//! A row says where the collection is, how it is walked and what identifies its
//! records; [`fields`] has what they look like. An object that is read like one
//! of these is one more row and a folder of fixtures.

mod fields;
mod filters;

use std::sync::LazyLock;

use connector::{Filtering, Object, Removed};

use crate::{REPOSITORIES_GROUP, WEBHOOKS_GROUP};

/// One object, and how it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// What the engine sees.
    pub(crate) object: Object,
    /// The field that changes whenever the record does, so that a record is told
    /// from its earlier self by it. A time of creation will not do.
    pub(crate) version: Option<&'static str>,
    /// The path below `/2.0`; `{workspace}` stands for the input of that name.
    pub(crate) path: &'static str,
    /// How the collection is walked.
    pub(crate) paging: Paging,
    /// The largest page to ask for. 100 is the most anywhere; no endpoint here
    /// is known to allow less.
    pub(crate) pagelen: u32,
    /// The resource group of its requests.
    pub(crate) group: Option<&'static str>,
}

/// How a collection is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By the row's version field, which the endpoint filters and sorts by.
    ByKey,
    /// By `next`, or by counting where there is none.
    ByNext,
    /// The path answers with a map whose names each have a list of records.
    Branches {
        /// The path of a list; `{name}` stands for the name.
        list: &'static str,
        /// The field under which the name is added to each record.
        name: &'static str,
    },
    /// The path answers with a list of workspaces, of which each is then asked
    /// for.
    Details {
        /// The path of a workspace; `{name}` stands for its slug.
        detail: &'static str,
        /// The field of the list that is added to each record.
        added: &'static str,
    },
}

impl Row {
    /// The row of an object, by Bitbucket's name for it.
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.object.name == name)
    }
}

/// The rows as the engine sees them.
pub(crate) static OBJECTS: LazyLock<Vec<Object>> =
    LazyLock::new(|| ROWS.iter().map(|row| row.object).collect());

/// The objects that Bitbucket lets be created, changed and deleted.
pub(crate) const WRITABLE: &[&str] = &[
    "projects",
    "hooks",
    "pipelines-config/variables",
    "snippets",
];

/// Every object, in the order in which they are shown.
pub(crate) const ROWS: &[Row] = &[
    Row {
        object: Object {
            name: "repositories",
            display_name: "Repositories",
            // Names and slugs change with a rename or a transfer; this does not.
            key: &["uuid"],
            timestamp: Some("updated_on"),
            filtering: Filtering::ByTime,
            filterable: filters::REPOSITORY,
            fields: fields::REPOSITORY,
            scope: Some("repository"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-get",
        },
        version: Some("updated_on"),
        path: "/repositories/{workspace}",
        paging: Paging::ByKey,
        pagelen: 100,
        group: Some(REPOSITORIES_GROUP),
    },
    Row {
        object: Object {
            name: "projects",
            display_name: "Projects",
            // `key` is what paths take, but it can be changed.
            key: &["uuid"],
            timestamp: Some("updated_on"),
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::PROJECT,
            scope: Some("project"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-projects-get",
        },
        version: Some("updated_on"),
        path: "/workspaces/{workspace}/projects",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "hooks",
            display_name: "Webhooks",
            key: &["uuid"],
            // The only time a hook has.
            timestamp: Some("created_at"),
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::HOOK,
            scope: Some("webhook"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-hooks-get",
        },
        version: None,
        path: "/workspaces/{workspace}/hooks",
        paging: Paging::ByNext,
        pagelen: 100,
        group: Some(WEBHOOKS_GROUP),
    },
    Row {
        object: Object {
            name: "members",
            display_name: "Members",
            // A membership has no key of its own; a user is in a workspace once.
            key: &["user.uuid"],
            // `added_on` goes when the workspace is administered elsewhere.
            timestamp: None,
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::MEMBER,
            scope: Some("account"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-members-get",
        },
        version: None,
        path: "/workspaces/{workspace}/members",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "permissions",
            display_name: "Permissions",
            key: &["user.uuid"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: filters::PERMISSION,
            fields: fields::PERMISSION,
            scope: Some("account"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-permissions-get",
        },
        version: None,
        path: "/workspaces/{workspace}/permissions",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "permissions/repositories",
            display_name: "Repository Permissions",
            key: &["user.uuid", "repository.uuid"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: filters::REPOSITORY_PERMISSION,
            fields: fields::REPOSITORY_PERMISSION,
            scope: Some("account"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-permissions-repositories-get",
        },
        version: None,
        path: "/workspaces/{workspace}/permissions/repositories",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "pipelines-config/variables",
            display_name: "Pipeline Variables",
            // `key` can be changed.
            key: &["uuid"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::VARIABLE,
            scope: Some("pipeline"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pipelines/#api-workspaces-workspace-pipelines-config-variables-get",
        },
        version: None,
        path: "/workspaces/{workspace}/pipelines-config/variables",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "snippets",
            display_name: "Snippets",
            key: &["id"],
            timestamp: Some("updated_on"),
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::SNIPPET,
            scope: Some("snippet"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-snippets/#api-snippets-workspace-get",
        },
        version: Some("updated_on"),
        path: "/snippets/{workspace}",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "workspaces",
            display_name: "Workspaces",
            key: &["uuid"],
            timestamp: Some("updated_on"),
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::WORKSPACE,
            scope: Some("account"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-get",
        },
        // Not `updated_on`: who administers a workspace changes without it.
        version: None,
        path: "/user/workspaces",
        paging: Paging::Details {
            detail: "/workspaces/{name}",
            added: "administrator",
        },
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "user/emails",
            display_name: "Email Addresses",
            key: &["email"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::EMAIL,
            scope: Some("email"),
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-emails-get",
        },
        version: None,
        path: "/user/emails",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
    Row {
        object: Object {
            name: "hook_events",
            display_name: "Hook Events",
            // The same event can be subscribed to on several subject types.
            key: &["subject_type", "event"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::HOOK_EVENT,
            // Public.
            scope: None,
            removed: None,
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/#api-hook-events-get",
        },
        version: None,
        path: "/hook_events",
        paging: Paging::Branches {
            list: "/hook_events/{name}",
            name: "subject_type",
        },
        pagelen: 100,
        // Not counted as a webhook: the limit is on listing, creating and
        // deleting hooks, as far as is told.
        group: None,
    },
    Row {
        object: Object {
            name: "addon/linkers",
            display_name: "Linkers",
            // What the paths of the removed API took; its answers were never
            // described.
            key: &["key"],
            timestamp: None,
            filtering: Filtering::None,
            filterable: &[],
            fields: fields::LINKER,
            // It never took anything but the token of a Connect app.
            scope: None,
            // Announced in the description itself only ("will be removed by
            // May 2026"), which is gone since; the changelog is where Bitbucket
            // says such things.
            removed: Some(Removed {
                announcement: "https://developer.atlassian.com/cloud/bitbucket/changelog",
            }),
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-addon/",
        },
        version: None,
        path: "/addon/linkers",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
];
