//! Repositories: the object there are most of.

use super::identity::draw;
use super::people::{Principal, escape};
use super::projects::Project;
use super::times::notation;
use super::workspaces::Workspace;
use crate::bbql::{Field, Kind, Operand, Record};
use crate::origin::Origin;
use serde_json::{Value, json};

const FIRST: [&str; 12] = [
    "billing", "ledger", "search", "gateway", "mobile", "invoice", "account", "event", "build",
    "report", "image", "mail",
];
const SECOND: [&str; 8] = [
    "service", "client", "worker", "api", "tools", "infra", "Portal", "Café",
];
const LANGUAGES: [&str; 8] = [
    "rust",
    "java",
    "python",
    "typescript",
    "go",
    "",
    "kotlin",
    "c++",
];

/// What `q` and `sort` may name; everything else is refused.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("uuid", Kind::Text),
    Field::new("name", Kind::Text),
    Field::new("full_name", Kind::Text),
    Field::new("slug", Kind::Text),
    Field::new("description", Kind::Text),
    Field::new("language", Kind::Text),
    Field::new("scm", Kind::Text),
    Field::new("fork_policy", Kind::Text),
    Field::new("is_private", Kind::Bool),
    Field::new("has_issues", Kind::Bool),
    Field::new("has_wiki", Kind::Bool),
    Field::new("size", Kind::Number),
    Field::new("created_on", Kind::Time),
    Field::new("updated_on", Kind::Time),
    Field::new("project.key", Kind::Text),
    Field::new("project.name", Kind::Text),
    Field::new("project.uuid", Kind::Text),
    Field::new("mainbranch.name", Kind::Text),
];

/// A caller's explicit right on one repository, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Permission {
    Read,
    Write,
    Admin,
}

impl Permission {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// One repository, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repository<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Repository<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    /// By slug or by `{uuid}`.
    pub(crate) fn find(workspace: &'a Workspace, name: &str) -> Option<Self> {
        let number = if name.starts_with('{') {
            workspace.repository_ids.number(name)?
        } else {
            name.rsplit('-')
                .next()?
                .parse::<u32>()
                .ok()?
                .checked_sub(1)?
        };
        let repository = Self::new(workspace, number);
        let named = name.starts_with('{') || repository.slug() == name;
        (named && workspace.repositories.exists(number)).then_some(repository)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    fn drawn(self, field: u64) -> u64 {
        draw(&[self.workspace.seed, 40, u64::from(self.number), field])
    }

    fn pick<const N: usize>(self, field: u64, words: &[&'static str; N]) -> &'static str {
        let place = usize::try_from(self.drawn(field) >> 8).unwrap_or_default() % N;
        words.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn name(self) -> String {
        format!(
            "{} {} {}",
            self.pick(1, &FIRST),
            self.pick(2, &SECOND),
            self.number + 1
        )
    }

    pub(crate) fn slug(self) -> String {
        let plain = self.name().to_lowercase().replace('é', "e");
        plain.replace(' ', "-")
    }

    fn full_name(self) -> String {
        format!("{}/{}", self.workspace.slug, self.slug())
    }

    fn uuid(self) -> String {
        self.workspace.repository_ids.uuid(self.number)
    }

    fn project(self) -> Project<'a> {
        Project::new(self.workspace, self.project_number())
    }

    pub(crate) fn project_number(self) -> u32 {
        let count = u64::from(self.workspace.project_count);
        u32::try_from(self.drawn(3) % count).unwrap_or_default()
    }

    fn description(self) -> String {
        if self.drawn(4).is_multiple_of(5) {
            return String::new();
        }
        format!(
            "The {} of \"{}\" \u{2192} see docs/",
            self.pick(2, &SECOND),
            self.pick(1, &FIRST)
        )
    }

    /// An empty repository has no main branch.
    fn is_empty(self) -> bool {
        self.drawn(5).is_multiple_of(11)
    }

    fn size(self) -> u64 {
        if self.is_empty() {
            0
        } else {
            self.drawn(6) % 50_000_000
        }
    }

    fn is_private(self) -> bool {
        !self.drawn(7).is_multiple_of(4)
    }

    fn fork_policy(self) -> &'static str {
        self.pick(8, &["allow_forks", "no_public_forks", "no_forks"])
    }

    fn main_branch(self) -> Option<&'static str> {
        (!self.is_empty()).then(|| self.pick(9, &["main", "master"]))
    }

    /// An owner of the workspace is admin everywhere; somebody else who can sign in has rights
    /// on about four repositories in five.
    pub(crate) fn permission(self, principal: Principal) -> Option<Permission> {
        if self.workspace.is_owned_by(principal) {
            return Some(Permission::Admin);
        }
        match principal {
            Principal::Person(person) => self.drawn_permission(person.number()),
            Principal::App => self.drawn_permission(1_000),
        }
    }

    fn drawn_permission(self, who: u32) -> Option<Permission> {
        match self.drawn(100 + u64::from(who)) % 5 {
            0 => None,
            1 => Some(Permission::Admin),
            2 => Some(Permission::Write),
            _ => Some(Permission::Read),
        }
    }

    /// The one member beside the owner and those who can sign in with a right on this one.
    pub(crate) fn colleague(self) -> u32 {
        let others = u64::from(self.workspace.member_count.saturating_sub(2).max(1));
        2 + u32::try_from(self.drawn(11) % others).unwrap_or_default()
    }

    /// The effective right of a member, by number.
    pub(crate) fn permission_of(self, member: u32) -> Option<Permission> {
        if member == self.workspace.owner() {
            return Some(Permission::Admin);
        }
        if member < 2 {
            return self.drawn_permission(member);
        }
        (member == self.colleague()).then(|| match self.drawn(12) % 3 {
            0 => Permission::Admin,
            1 => Permission::Write,
            _ => Permission::Read,
        })
    }

    /// The short form inside a permission.
    pub(crate) fn render_short(self, origin: &Origin) -> Value {
        let (full_name, uuid) = (self.full_name(), self.uuid());
        let avatar = format!("{origin}/ravatar/{}?ts=default", escape(&uuid));
        json!({
            "type": "repository",
            "full_name": full_name,
            "links": {
                "self": {"href": format!("{origin}/2.0/repositories/{full_name}")},
                "html": {"href": format!("{origin}/{full_name}")},
                "avatar": {"href": avatar}
            },
            "name": self.name(),
            "uuid": uuid
        })
    }

    fn links(self, origin: &Origin) -> Value {
        let full_name = self.full_name();
        let html = format!("{origin}/{full_name}");
        let api = format!("{origin}/2.0/repositories/{full_name}");
        let below = |path: &str| json!({"href": format!("{api}/{path}")});
        let avatar = format!("{origin}/ravatar/{}?ts=default", escape(&self.uuid()));
        json!({
            "self": {"href": api},
            "html": {"href": html},
            "avatar": {"href": avatar},
            "pullrequests": below("pullrequests"),
            "commits": below("commits"),
            "forks": below("forks"),
            "watchers": below("watchers"),
            "branches": below("refs/branches"),
            "tags": below("refs/tags"),
            "downloads": below("downloads"),
            "source": below("src"),
            "clone": [
                {"name": "https", "href": format!("{html}.git")},
                {"name": "ssh", "href": format!("git@bitbucket.org:{full_name}.git")}
            ],
            "hooks": below("hooks")
        })
    }

    /// The object of `GET /2.0/repositories/{workspace}/{slug}` and of the list.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let workspace = self.workspace;
        let branch = self
            .main_branch()
            .map(|name| json!({"name": name, "type": "branch"}));
        json!({
            "type": "repository",
            "full_name": self.full_name(),
            "links": self.links(origin),
            "name": self.name(),
            "slug": self.slug(),
            "description": self.description(),
            "scm": "git",
            "website": "",
            "owner": workspace.render_owner(origin),
            "workspace": workspace.render_short(origin),
            "is_private": self.is_private(),
            "project": self.project().render_short(origin),
            "fork_policy": self.fork_policy(),
            "created_on": notation(workspace.repositories.created_us(self.number)),
            "updated_on": notation(workspace.repositories.updated_us(self.number)),
            "size": self.size(),
            "language": self.pick(10, &LANGUAGES),
            "uuid": self.uuid(),
            "mainbranch": branch,
            "override_settings": {"default_merge_strategy": false, "branching_model": false},
            "parent": null,
            "has_issues": false,
            "has_wiki": false
        })
    }
}

impl Record for Repository<'_> {
    fn operand(&self, field: &str) -> Operand {
        let ledger = &self.workspace.repositories;
        match field {
            "uuid" => Operand::Text(self.uuid()),
            "name" => Operand::Text(self.name()),
            "full_name" => Operand::Text(self.full_name()),
            "slug" => Operand::Text(self.slug()),
            "description" => Operand::Text(self.description()),
            "language" => Operand::text(self.pick(10, &LANGUAGES)),
            "scm" => Operand::text("git"),
            "fork_policy" => Operand::text(self.fork_policy()),
            "is_private" => Operand::Bool(self.is_private()),
            "has_issues" | "has_wiki" => Operand::Bool(false),
            "size" => Operand::Number(i64::try_from(self.size()).unwrap_or(i64::MAX)),
            "created_on" => Operand::time(ledger.created_us(self.number)),
            "updated_on" => Operand::time(ledger.updated_us(self.number)),
            "project.key" => Operand::Text(self.project().key()),
            "project.name" => Operand::Text(self.project().name()),
            "project.uuid" => Operand::Text(self.project().uuid()),
            "mainbranch.name" => self.main_branch().map_or(Operand::Null, Operand::text),
            _ => Operand::Null,
        }
    }
}
