//! By what Bitbucket filters on its side (`q`), where it does.
//!
//! The description says which collections take `q`, and names some fields in its
//! examples, but has no list; those here are the plain fields of the schemas. A
//! field that Bitbucket turns out not to filter by costs one more request: see
//! [`crate::read`]. `members` takes `q` only for e-mail addresses, and only from
//! administrators.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>

use connector::{Filterable, ValueType};

pub(super) const REPOSITORY: &[Filterable] = &[
    text("uuid"),
    text("name"),
    text("slug"),
    text("full_name"),
    text("language"),
    text("scm"),
    text("fork_policy"),
    truth("is_private"),
    truth("has_issues"),
    truth("has_wiki"),
    number("size"),
    text("project.key"),
    text("project.name"),
    text("project.uuid"),
    text("mainbranch.name"),
];

pub(super) const PERMISSION: &[Filterable] = &[text("permission")];

pub(super) const REPOSITORY_PERMISSION: &[Filterable] = &[
    text("permission"),
    text("repository.name"),
    text("repository.full_name"),
    text("repository.uuid"),
    text("user.uuid"),
    text("user.account_id"),
    text("user.nickname"),
    text("user.display_name"),
];

const fn text(path: &'static str) -> Filterable {
    of(path, ValueType::String)
}

const fn truth(path: &'static str) -> Filterable {
    of(path, ValueType::Boolean)
}

const fn number(path: &'static str) -> Filterable {
    of(path, ValueType::Int)
}

const fn of(path: &'static str, value_type: ValueType) -> Filterable {
    Filterable { path, value_type }
}
