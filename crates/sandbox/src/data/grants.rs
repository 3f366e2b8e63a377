//! Who may do what with which repository: one grant per user and repository, the highest.
//!
//! Grants are drawn when they are asked for. A repository has its workspace's owner, perhaps
//! the people who can sign in, and one colleague; so there are a few times as many grants as
//! repositories, however many members there are.

use super::members::Member;
use super::repositories::{Permission, Repository};
use super::workspaces::Workspace;
use crate::bbql::{Field, Kind, Operand, Record};
use crate::origin::Origin;
use serde_json::{Value, json};

/// What `q` and `sort` may name.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("permission", Kind::Permission),
    Field::new("repository.name", Kind::Text),
    Field::new("repository.full_name", Kind::Text),
    Field::new("repository.uuid", Kind::Text),
    Field::new("user.display_name", Kind::Text),
    Field::new("user.nickname", Kind::Text),
    Field::new("user.uuid", Kind::Text),
    Field::new("user.account_id", Kind::Text),
];

/// One user's permission on one repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) repository: Repository<'a>,
    pub(crate) member: Member<'a>,
    pub(crate) permission: Permission,
}

/// The grants on one repository, by member number.
pub(crate) fn grants<'a>(
    workspace: &'a Workspace,
    repository: Repository<'a>,
) -> impl Iterator<Item = Grant<'a>> {
    let mut numbers = [0, 1, workspace.owner(), repository.colleague()];
    numbers.sort_unstable();
    let mut before = None;
    numbers.into_iter().filter_map(move |number| {
        if before.replace(number) == Some(number) || !workspace.members.ledger.exists(number) {
            return None;
        }
        Some(Grant {
            repository,
            member: Member::new(workspace, number),
            permission: repository.permission_of(number)?,
        })
    })
}

impl Grant<'_> {
    /// The entry of `GET /2.0/workspaces/{workspace}/permissions/repositories`.
    pub(crate) fn render(&self, origin: &Origin) -> Value {
        json!({
            "type": "repository_permission",
            "user": self.member.render_user(origin),
            "repository": self.repository.render_short(origin),
            "permission": self.permission.name()
        })
    }
}

impl Record for Grant<'_> {
    fn operand(&self, field: &str) -> Operand {
        match field {
            "permission" => Operand::permission(self.permission.name()),
            "repository.name" => self.repository.operand("name"),
            "repository.full_name" => self.repository.operand("full_name"),
            "repository.uuid" => self.repository.operand("uuid"),
            "user.display_name" => Operand::Text(self.member.account().display_name),
            "user.uuid" => Operand::Text(self.member.uuid()),
            other => self.member.operand(other),
        }
    }
}
