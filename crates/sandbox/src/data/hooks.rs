//! Webhooks of a workspace. A secret is not kept, only that there is one: nothing is delivered.

use super::identity::draw;
use super::people::escape;
use super::times::zulu;
use super::workspaces::Workspace;
use crate::origin::Origin;
use serde_json::{Value, json};

const EVENTS: [&[&str]; 4] = [
    &["repo:push"],
    &["pullrequest:created", "pullrequest:updated", "repo:push"],
    &["repo:created", "repo:deleted", "repo:updated"],
    &["pullrequest:fulfilled", "project:updated"],
];

/// Everything about a hook that can be written.
#[derive(Clone, Debug)]
pub(crate) struct HookContent {
    pub(crate) description: Option<String>,
    pub(crate) url: String,
    pub(crate) active: bool,
    pub(crate) events: Vec<String>,
    pub(crate) secret_set: bool,
}

/// One hook, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Hook<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    /// By UUID, with or without the braces.
    pub(crate) fn find(workspace: &'a Workspace, uid: &str) -> Option<Self> {
        let uuid = if uid.starts_with('{') {
            uid.to_owned()
        } else {
            format!("{{{uid}}}")
        };
        let number = workspace.hooks.number(&uuid)?;
        Some(Self::new(workspace, number))
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    pub(crate) fn uuid(self) -> String {
        self.workspace.hooks.uuid(self.number)
    }

    pub(crate) fn content(self) -> HookContent {
        self.workspace
            .hooks
            .written(self.number)
            .cloned()
            .unwrap_or_else(|| self.generated())
    }

    fn generated(self) -> HookContent {
        let drawn = |field| draw(&[self.workspace.seed, 60, u64::from(self.number), field]);
        let place = usize::try_from(drawn(1) >> 8).unwrap_or_default() % EVENTS.len();
        let events = EVENTS.get(place).copied().unwrap_or_default();
        HookContent {
            description: Some(format!("Notifies receiver {}", self.number + 1)),
            url: format!("https://hooks.example.com/receivers/{}", self.number + 1),
            active: !drawn(2).is_multiple_of(5),
            events: events.iter().map(|&event| event.to_owned()).collect(),
            secret_set: drawn(3).is_multiple_of(2),
        }
    }

    /// The address in the API.
    pub(crate) fn location(self, origin: &Origin) -> String {
        let (slug, uuid) = (&self.workspace.slug, escape(&self.uuid()));
        format!("{origin}/2.0/workspaces/{slug}/hooks/{uuid}")
    }

    /// The object of `GET /2.0/workspaces/{workspace}/hooks/{uid}` and of the list.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let content = self.content();
        let created_us = self.workspace.hooks.ledger.created_us(self.number);
        json!({
            "type": "webhook_subscription",
            "uuid": self.uuid(),
            "description": content.description.unwrap_or_default(),
            "url": content.url,
            "subject_type": "workspace",
            "subject": self.workspace.render_short(origin),
            "active": content.active,
            "created_at": zulu(created_us),
            "events": content.events,
            "secret_set": content.secret_set,
            "read_only": false,
            "skip_cert_verification": false,
            "source": null,
            "links": {"self": {"href": self.location(origin)}}
        })
    }
}
