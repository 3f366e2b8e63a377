//! Pipelines variables of a workspace. The value of a secured one never comes out again.

use super::identity::draw;
use super::people::escape;
use super::workspaces::Workspace;
use crate::origin::Origin;
use serde_json::{Value, json};

const KEYS: [&str; 6] = [
    "REGION",
    "API_TOKEN",
    "DEPLOY_USER",
    "REGISTRY",
    "CACHE_URL",
    "SIGNING_KEY",
];

/// Everything about a variable that can be written.
#[derive(Clone, Debug)]
pub(crate) struct VariableContent {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) secured: bool,
}

/// One variable, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Variable<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    /// By UUID, with its braces.
    pub(crate) fn find(workspace: &'a Workspace, uuid: &str) -> Option<Self> {
        let number = workspace.variables.number(uuid)?;
        Some(Self::new(workspace, number))
    }

    /// Keys are unique in a workspace.
    pub(crate) fn with_key(workspace: &'a Workspace, key: &str) -> Option<Self> {
        let live = workspace.variables.ledger.live().iter();
        live.map(|number| Self::new(workspace, *number))
            .find(|variable| variable.content().key == key)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    pub(crate) fn uuid(self) -> String {
        self.workspace.variables.uuid(self.number)
    }

    pub(crate) fn content(self) -> VariableContent {
        self.workspace
            .variables
            .written(self.number)
            .cloned()
            .unwrap_or_else(|| self.generated())
    }

    fn generated(self) -> VariableContent {
        let place = usize::try_from(self.number).unwrap_or_default() % KEYS.len();
        let name = KEYS.get(place).copied().unwrap_or_default();
        let drawn = draw(&[self.workspace.seed, 61, u64::from(self.number)]);
        VariableContent {
            key: format!("{name}_{}", self.number + 1),
            value: format!("value-{:x}", drawn & 0xff_ffff),
            secured: place % 2 == 1,
        }
    }

    /// The address in the API.
    pub(crate) fn location(self, origin: &Origin) -> String {
        let (slug, uuid) = (&self.workspace.slug, escape(&self.uuid()));
        format!("{origin}/2.0/workspaces/{slug}/pipelines-config/variables/{uuid}")
    }

    /// A secured variable has no `value` at all.
    pub(crate) fn render(self) -> Value {
        let content = self.content();
        let mut variable = json!({
            "type": "pipeline_variable",
            "uuid": self.uuid(),
            "key": content.key,
            "secured": content.secured
        });
        if let Some(members) = variable.as_object_mut().filter(|_| !content.secured) {
            members.insert("value".to_owned(), Value::String(content.value));
        }
        variable
    }
}
