//! Projects: the folders of a workspace's repositories.

use super::identity::draw;
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
        let digits = key.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        let number = digits.parse::<u32>().ok()?.checked_sub(1)?;
        let project = Self::new(workspace, number);
        (workspace.projects.exists(number) && project.key() == key).then_some(project)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    fn kind(self) -> (&'static str, &'static str) {
        let place = usize::try_from(self.number).unwrap_or_default() % NAMES.len();
        NAMES.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn key(self) -> String {
        format!("{}{}", self.kind().0, self.number + 1)
    }

    pub(crate) fn name(self) -> String {
        format!("{} {}", self.kind().1, self.number + 1)
    }

    pub(crate) fn uuid(self) -> String {
        self.workspace.project_ids.uuid(self.number)
    }

    fn odds(self, field: u64, one_in: u64) -> bool {
        draw(&[self.workspace.seed, 50, u64::from(self.number), field]).is_multiple_of(one_in)
    }

    fn links(self, origin: &Origin) -> Value {
        let (slug, key) = (&self.workspace.slug, self.key());
        json!({
            "self": {"href": format!("{origin}/2.0/workspaces/{slug}/projects/{key}")},
            "html": {"href": format!("{origin}/{slug}/workspace/projects/{key}")},
            "avatar": {"href": format!("{origin}/{slug}/workspace/projects/{key}/avatar/32")}
        })
    }

    /// The object of `GET /2.0/workspaces/{workspace}/projects/{key}` and of the list.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let (workspace, key) = (self.workspace, self.key());
        let mut links = self.links(origin);
        if let Some(links) = links.as_object_mut() {
            let href = format!(
                "{origin}/2.0/repositories/{}?q=project.key%3D%22{key}%22",
                workspace.slug
            );
            links.insert("repositories".to_owned(), json!({"href": href}));
        }
        let description = (!self.odds(1, 5)).then(|| format!("Everything about {}", self.name()));
        json!({
            "type": "project",
            "owner": workspace.render_owner(origin),
            "workspace": workspace.render_short(origin),
            "key": key,
            "uuid": self.uuid(),
            "is_private": !self.odds(2, 4),
            "name": self.name(),
            "description": description,
            "links": links,
            "created_on": notation(workspace.projects.created_us(self.number)),
            "updated_on": notation(workspace.projects.updated_us(self.number)),
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
