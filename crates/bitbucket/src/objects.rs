//! The table: one row per object.
//!
//! A row says where the collection is, how it is walked and what its records
//! look like. Field tables follow the published description
//! (<https://dac-static.atlassian.com/cloud/bitbucket/swagger.v3.json>) and, for
//! what it leaves out, real answers; those fields are marked. An object that
//! is read like one of these is one more row and a folder of fixtures.

use std::sync::LazyLock;

use connector::{Field, Filtering, Object, ValueType};

use crate::REPOSITORIES_GROUP;

/// One object, and how it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// What the engine sees.
    pub(crate) object: Object,
    /// The path below `/2.0`; `{workspace}` stands for the input of that name.
    pub(crate) path: &'static str,
    /// How the collection is walked.
    pub(crate) paging: Paging,
    /// The largest page to ask for.
    pub(crate) pagelen: u32,
    /// The resource group of its requests.
    pub(crate) group: Option<&'static str>,
}

/// How a collection is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By the row's timestamp field, which the endpoint filters and sorts by.
    ByKey,
    /// By `next`, or by counting where there is none.
    ByNext,
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
            fields: REPOSITORY,
            scope: Some("repository"),
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-get",
        },
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
            fields: PROJECT,
            scope: Some("project"),
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-projects-get",
        },
        path: "/workspaces/{workspace}/projects",
        paging: Paging::ByNext,
        pagelen: 100,
        group: None,
    },
];

const REPOSITORY: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("name", "Name", ValueType::String, "string"),
    // Not in the description, in every real answer.
    set("slug", "Slug", ValueType::String, "string"),
    set("full_name", "Full name", ValueType::String, "string"),
    field("description", "Description", ValueType::String, "string"),
    field("is_private", "Is private", ValueType::Boolean, "boolean"),
    // Embedded, shortened; `["project"]["key"]` is what a write takes.
    field("project", "Project", ValueType::Other, "project"),
    // Not in the description, in real answers of today.
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    set("owner", "Owner", ValueType::Other, "account"),
    set("created_on", "Created on", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated on", ValueType::DateTime, "date-time"),
    // Bytes.
    set("size", "Size", ValueType::Int, "integer"),
    field("language", "Language", ValueType::String, "string"),
    // Null in a repository without commits.
    field("mainbranch", "Main branch", ValueType::Other, "branch"),
    field(
        "fork_policy",
        "Fork policy",
        ValueType::SingleSelect,
        "string",
    ),
    // Present in forks only.
    set("parent", "Parent", ValueType::Other, "repository"),
    field("scm", "SCM", ValueType::SingleSelect, "string"),
    // Not in the description, in every real answer.
    field("website", "Website", ValueType::String, "string"),
    field("has_issues", "Has issues", ValueType::Boolean, "boolean"),
    field("has_wiki", "Has wiki", ValueType::Boolean, "boolean"),
    // Not in the description, in real answers of today.
    set(
        "override_settings",
        "Override settings",
        ValueType::Other,
        "object",
    ),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

const PROJECT: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("key", "Key", ValueType::String, "string"),
    field("name", "Name", ValueType::String, "string"),
    field("description", "Description", ValueType::String, "string"),
    field("is_private", "Is private", ValueType::Boolean, "boolean"),
    set(
        "has_publicly_visible_repos",
        "Has publicly visible repositories",
        ValueType::Boolean,
        "boolean",
    ),
    set("owner", "Owner", ValueType::Other, "team"),
    // Not in the description, in real answers.
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    set("created_on", "Created on", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated on", ValueType::DateTime, "date-time"),
    set("type", "Type", ValueType::String, "string"),
    // Writable: the avatar is set through it.
    field("links", "Links", ValueType::Other, "object"),
];

/// A field that can be written.
const fn field(
    name: &'static str,
    display_name: &'static str,
    value_type: ValueType,
    provider_type: &'static str,
) -> Field {
    Field {
        name,
        display_name,
        value_type,
        provider_type,
        read_only: false,
    }
}

/// A field that Bitbucket sets.
const fn set(
    name: &'static str,
    display_name: &'static str,
    value_type: ValueType,
    provider_type: &'static str,
) -> Field {
    Field {
        read_only: true,
        ..field(name, display_name, value_type, provider_type)
    }
}
