//! Projects: the folders of a workspace's repositories.

use super::identity::draw;
use super::repositories::Repository;
use super::times::notation;
use super::workspaces::Workspace;
use crate::origin::Origin;
use serde_json::{Value, json};

const NAMES: [(&str, &str); 8] = [
    ("PLAT", "Platform"),
    ("PAY", "Payments"),
    ("DATA", "Data and Reporting"),
    ("WEB", "Web Shop"),
    ("MOB", "Mobile Apps"),
    ("OPS", "Operations"),
    ("LAB", "Experiments \u{2728}"),
    ("DOCS", "Documentation"),
];

/// Everything about a project that can be written.
#[derive(Clone, Debug)]
pub(crate) struct ProjectContent {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) is_private: bool,
}

/// One project, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Project<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Project<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    /// By key.
    pub(crate) fn find(workspace: &'a Workspace, key: &str) -> Option<Self> {
        let projects = &workspace.projects;
        let mut written = projects.all_written();
        if let Some((number, _)) = written.find(|(_, content)| content.key == key) {
            return Some(Self::new(workspace, number));
        }
        let digits = key.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        let number = digits.parse::<u32>().ok()?.checked_sub(1)?;
        let project = Self::new(workspace, number);
        let found = projects.ledger.exists(number) && projects.written(number).is_none();
        (found && project.key() == key).then_some(project)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    fn kind(self) -> (&'static str, &'static str) {
        let place = usize::try_from(self.number).unwrap_or_default() % NAMES.len();
        NAMES.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn content(self) -> ProjectContent {
        let written = self.workspace.projects.written(self.number);
        written.cloned().unwrap_or_else(|| self.generated())
    }

    fn generated(self) -> ProjectContent {
        let (key, name) = self.kind();
        let (key, name) = (
            format!("{key}{}", self.number + 1),
            format!("{name} {}", self.number + 1),
        );
        ProjectContent {
            description: (!self.odds(1, 5)).then(|| format!("Everything about {name}")),
            is_private: !self.odds(2, 4),
            key,
            name,
        }
    }

    pub(crate) fn key(self) -> String {
        self.content().key
    }

    pub(crate) fn name(self) -> String {
        self.content().name
    }

    pub(crate) fn uuid(self) -> String {
        self.workspace.projects.uuid(self.number)
    }

    /// Whether no repository lies in it.
    pub(crate) fn is_empty(self) -> bool {
        let live = self.workspace.repositories.live();
        !live
            .iter()
            .any(|number| Repository::new(self.workspace, *number).project_number() == self.number)
    }

    /// The address in the API.
    pub(crate) fn location(self, origin: &Origin) -> String {
        let slug = &self.workspace.slug;
        format!("{origin}/2.0/workspaces/{slug}/projects/{}", self.key())
    }

    fn odds(self, field: u64, one_in: u64) -> bool {
        draw(&[self.workspace.seed, 50, u64::from(self.number), field]).is_multiple_of(one_in)
    }

    fn links(self, origin: &Origin) -> Value {
        let (slug, key) = (&self.workspace.slug, self.key());
        json!({
            "self": {"href": self.location(origin)},
            "html": {"href": format!("{origin}/{slug}/workspace/projects/{key}")},
            "avatar": {"href": format!("{origin}/{slug}/workspace/projects/{key}/avatar/32")}
        })
    }

    /// The object of `GET /2.0/workspaces/{workspace}/projects/{key}` and of the list.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let workspace = self.workspace;
        let ProjectContent {
            key,
            name,
            description,
            is_private,
        } = self.content();
        let mut links = self.links(origin);
        if let Some(links) = links.as_object_mut() {
            let href = format!(
                "{origin}/2.0/repositories/{}?q=project.key%3D%22{key}%22",
                workspace.slug
            );
            links.insert("repositories".to_owned(), json!({"href": href}));
        }
        json!({
            "type": "project",
            "owner": workspace.render_owner(origin),
            "workspace": workspace.render_short(origin),
            "key": key,
            "uuid": self.uuid(),
            "is_private": is_private,
            "name": name,
            "description": description.unwrap_or_default(),
            "links": links,
            "created_on": notation(workspace.projects.ledger.created_us(self.number)),
            "updated_on": notation(workspace.projects.ledger.updated_us(self.number)),
            "has_publicly_visible_repos": self.odds(3, 4)
        })
    }

    /// The short form inside a repository.
    pub(crate) fn render_short(self, origin: &Origin) -> Value {
        json!({
            "type": "project",
            "key": self.key(),
            "uuid": self.uuid(),
            "name": self.name(),
            "links": self.links(origin)
        })
    }
}
