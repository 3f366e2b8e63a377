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
        let count = u64::from(self.workspace.project_count);
        let number = u32::try_from(self.drawn(3) % count).unwrap_or_default();
        Project::new(self.workspace, number)
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

    /// An owner of the workspace is admin everywhere; a member has rights on about four
    /// repositories in five.
    pub(crate) fn permission(self, principal: Principal) -> Option<Permission> {
        if self.workspace.is_owned_by(principal) {
            return Some(Permission::Admin);
        }
        let who = match principal {
            Principal::Person(person) => u64::from(person.number()),
            Principal::App => 1_000,
        };
        match self.drawn(100 + who) % 5 {
            0 => None,
            1 => Some(Permission::Admin),
            2 => Some(Permission::Write),
            _ => Some(Permission::Read),
        }
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
