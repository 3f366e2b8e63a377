//! What records look like: names, display names and types.
//!
//! From the published description
//! (<https://dac-static.atlassian.com/cloud/bitbucket/swagger.v3.json>) and, for
//! what it leaves out, from real answers; those fields are marked. Objects and
//! lists are of type `Other`, whatever they stand for: what is embedded is a
//! shortened copy and no reference. Options are given only where the description
//! has an enumeration.

use connector::{Field, ValueType};

pub(super) const REPOSITORY: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("name", "Name", ValueType::String, "string"),
    // Not in the description, in every real answer.
    set("slug", "Slug", ValueType::String, "string"),
    set("full_name", "Full Name", ValueType::String, "string"),
    field("description", "Description", ValueType::String, "string"),
    field("is_private", "Is Private", ValueType::Boolean, "boolean"),
    // Embedded, shortened; `["project"]["key"]` is what a write takes.
    field("project", "Project", ValueType::Other, "project"),
    // Not in the description, in real answers of today.
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    set("owner", "Owner", ValueType::Other, "account"),
    set("created_on", "Created On", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated On", ValueType::DateTime, "date-time"),
    // Bytes.
    set("size", "Size", ValueType::Int, "integer"),
    field("language", "Language", ValueType::String, "string"),
    // Null in a repository without commits.
    field("mainbranch", "Main Branch", ValueType::Other, "branch"),
    one_of(
        field(
            "fork_policy",
            "Fork Policy",
            ValueType::SingleSelect,
            "string",
        ),
        &["allow_forks", "no_public_forks", "no_forks"],
    ),
    // Present in forks only.
    set("parent", "Parent", ValueType::Other, "repository"),
    one_of(
        field("scm", "SCM", ValueType::SingleSelect, "string"),
        &["git"],
    ),
    // Not in the description, in every real answer.
    field("website", "Website", ValueType::String, "string"),
    field("has_issues", "Has Issues", ValueType::Boolean, "boolean"),
    field("has_wiki", "Has Wiki", ValueType::Boolean, "boolean"),
    // Not in the description, in real answers of today.
    set(
        "override_settings",
        "Override Settings",
        ValueType::Other,
        "object",
    ),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

pub(super) const PROJECT: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("key", "Key", ValueType::String, "string"),
    field("name", "Name", ValueType::String, "string"),
    field("description", "Description", ValueType::String, "string"),
    field("is_private", "Is Private", ValueType::Boolean, "boolean"),
    set(
        "has_publicly_visible_repos",
        "Has Publicly Visible Repositories",
        ValueType::Boolean,
        "boolean",
    ),
    set("owner", "Owner", ValueType::Other, "team"),
    // Not in the description, in real answers.
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    set("created_on", "Created On", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated On", ValueType::DateTime, "date-time"),
    set("type", "Type", ValueType::String, "string"),
    // Writable: the avatar is set through it.
    field("links", "Links", ValueType::Other, "object"),
];

/// The description has `secret` too, which is written and never returned.
pub(super) const HOOK: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("url", "URL", ValueType::String, "uri"),
    field("description", "Description", ValueType::String, "string"),
    field("active", "Active", ValueType::Boolean, "boolean"),
    one_of(
        field("events", "Events", ValueType::MultiSelect, "array"),
        EVENTS,
    ),
    set("secret_set", "Secret Set", ValueType::Boolean, "boolean"),
    one_of(
        set(
            "subject_type",
            "Subject Type",
            ValueType::SingleSelect,
            "string",
        ),
        &["repository", "workspace"],
    ),
    set("subject", "Subject", ValueType::Other, "object"),
    set("created_at", "Created At", ValueType::DateTime, "date-time"),
    // Not in the description, in real answers, as are the next three.
    set("links", "Links", ValueType::Other, "object"),
    set("read_only", "Read Only", ValueType::Boolean, "boolean"),
    field(
        "skip_cert_verification",
        "Skip Certificate Verification",
        ValueType::Boolean,
        "boolean",
    ),
    // Null in every answer seen.
    set("source", "Source", ValueType::Other, "object"),
    set("type", "Type", ValueType::String, "string"),
];

pub(super) const MEMBER: &[Field] = &[
    set("user", "User", ValueType::Other, "account"),
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    // Not in the description any more: both vanish from a workspace when its
    // administration moves to admin.atlassian.com.
    set("added_on", "Added On", ValueType::DateTime, "date-time"),
    set(
        "last_accessed",
        "Last Accessed",
        ValueType::DateTime,
        "date-time",
    ),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

pub(super) const PERMISSION: &[Field] = &[
    set("user", "User", ValueType::Other, "account"),
    // Not in the description but in its example: owner, collaborator (on its
    // way out) or member.
    set("permission", "Permission", ValueType::String, "string"),
    set("workspace", "Workspace", ValueType::Other, "workspace"),
    // As in `MEMBER`.
    set("added_on", "Added On", ValueType::DateTime, "date-time"),
    set(
        "last_accessed",
        "Last Accessed",
        ValueType::DateTime,
        "date-time",
    ),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

pub(super) const REPOSITORY_PERMISSION: &[Field] = &[
    set("user", "User", ValueType::Other, "user"),
    set("repository", "Repository", ValueType::Other, "repository"),
    one_of(
        set(
            "permission",
            "Permission",
            ValueType::SingleSelect,
            "string",
        ),
        &["read", "write", "admin", "none"],
    ),
    set("type", "Type", ValueType::String, "string"),
];

pub(super) const VARIABLE: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    field("key", "Key", ValueType::String, "string"),
    // Absent where `secured` is true, which is not the same as empty.
    field("value", "Value", ValueType::String, "string"),
    field("secured", "Secured", ValueType::Boolean, "boolean"),
    set("type", "Type", ValueType::String, "string"),
];

pub(super) const SNIPPET: &[Field] = &[
    // A number in the description, a short text such as `kypj` in real answers.
    set("id", "ID", ValueType::String, "string"),
    field("title", "Title", ValueType::String, "string"),
    one_of(
        field("scm", "SCM", ValueType::SingleSelect, "string"),
        &["git"],
    ),
    field("is_private", "Is Private", ValueType::Boolean, "boolean"),
    set("owner", "Owner", ValueType::Other, "account"),
    set("creator", "Creator", ValueType::Other, "account"),
    set("created_on", "Created On", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated On", ValueType::DateTime, "date-time"),
    // Not in the description; a list has no `files`, which a single snippet has.
    set("links", "Links", ValueType::Other, "object"),
    set("type", "Type", ValueType::String, "string"),
];

pub(super) const WORKSPACE: &[Field] = &[
    set("uuid", "UUID", ValueType::String, "string"),
    set("slug", "Slug", ValueType::String, "string"),
    set("name", "Name", ValueType::String, "string"),
    // Added by us, from the list of the user's workspaces.
    set(
        "administrator",
        "Administrator",
        ValueType::Boolean,
        "boolean",
    ),
    set("is_private", "Is Private", ValueType::Boolean, "boolean"),
    set("is_personal", "Is Personal", ValueType::Boolean, "boolean"),
    set(
        "is_privacy_enforced",
        "Is Privacy Enforced",
        ValueType::Boolean,
        "boolean",
    ),
    one_of(
        set(
            "forking_mode",
            "Forking Mode",
            ValueType::SingleSelect,
            "string",
        ),
        &["allow_forks", "internal_only"],
    ),
    set("created_on", "Created On", ValueType::DateTime, "date-time"),
    set("updated_on", "Updated On", ValueType::DateTime, "date-time"),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

/// The description has none; these are in real answers.
pub(super) const EMAIL: &[Field] = &[
    set("email", "Email", ValueType::String, "string"),
    set("is_primary", "Is Primary", ValueType::Boolean, "boolean"),
    set(
        "is_confirmed",
        "Is Confirmed",
        ValueType::Boolean,
        "boolean",
    ),
    set("type", "Type", ValueType::String, "string"),
    set("links", "Links", ValueType::Other, "object"),
];

pub(super) const HOOK_EVENT: &[Field] = &[
    // Added by us: the list in which the event stands. Not a select, since the
    // lists there are is what the read finds out.
    set("subject_type", "Subject Type", ValueType::String, "string"),
    one_of(
        set("event", "Event", ValueType::SingleSelect, "string"),
        EVENTS,
    ),
    set("category", "Category", ValueType::String, "string"),
    set("label", "Label", ValueType::String, "string"),
    set("description", "Description", ValueType::String, "string"),
];

/// See the row: nothing else is known of it.
pub(super) const LINKER: &[Field] = &[set("key", "Key", ValueType::String, "string")];

/// As described; those of issues are dead since issues are gone.
const EVENTS: &[&str] = &[
    "issue:comment_created",
    "issue:created",
    "issue:updated",
    "pipeline:span_created",
    "project:updated",
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_reopened",
    "pullrequest:comment_resolved",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:created",
    "repo:deleted",
    "repo:fork",
    "repo:imported",
    "repo:push",
    "repo:transfer",
    "repo:updated",
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
        options: &[],
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

/// A field with a closed list of values, as far as is published.
const fn one_of(field: Field, options: &'static [&'static str]) -> Field {
    Field { options, ..field }
}
