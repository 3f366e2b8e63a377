//! Snippets of a workspace, with their files.
//!
//! The id is a short string of letters and digits, as in real payloads, though the published
//! description says integer.

use super::identity::draw;
use super::members::Member;
use super::times::notation;
use super::workspaces::Workspace;
use crate::origin::Origin;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use url::form_urlencoded::byte_serialize;

const DIGITS: [char; 36] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's',
    't', 'u', 'v', 'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// The first bytes of a PNG file: something that is no text.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe";

/// Everything about a snippet that can be written.
#[derive(Clone, Debug)]
pub(crate) struct SnippetContent {
    pub(crate) title: String,
    pub(crate) is_private: bool,
    /// Contents by file name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Number of the member who made it.
    pub(crate) creator: u32,
}

/// One snippet, by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snippet<'a> {
    workspace: &'a Workspace,
    number: u32,
}

impl<'a> Snippet<'a> {
    pub(crate) fn new(workspace: &'a Workspace, number: u32) -> Self {
        Self { workspace, number }
    }

    pub(crate) fn find(workspace: &'a Workspace, id: &str) -> Option<Self> {
        let live = workspace.snippets.ledger.live().iter();
        live.map(|number| Self::new(workspace, *number))
            .find(|snippet| snippet.id() == id)
    }

    pub(crate) fn number(self) -> u32 {
        self.number
    }

    /// At least four characters; no two numbers have the same.
    pub(crate) fn id(self) -> String {
        let mut text = String::new();
        let mut left = u64::from(self.number) * 48_271 + self.workspace.seed % 10_000 + 50_000;
        while left > 0 {
            let digit = usize::try_from(left % 36).unwrap_or_default();
            text.push(DIGITS.get(digit).copied().unwrap_or('a'));
            left /= 36;
        }
        text
    }

    pub(crate) fn content(self) -> SnippetContent {
        self.workspace
            .snippets
            .written(self.number)
            .cloned()
            .unwrap_or_else(|| self.generated())
    }

    /// Private ones are the owner's, so that the owner's list is complete without a role.
    fn generated(self) -> SnippetContent {
        let drawn = |field| draw(&[self.workspace.seed, 62, u64::from(self.number), field]);
        let is_private = !drawn(1).is_multiple_of(3);
        let shown = self.number + 1;
        let text = format!("#!/bin/sh\necho \"snippet {shown}\"\n");
        let mut files = BTreeMap::from([(format!("step-{shown}.sh"), text.into_bytes())]);
        if drawn(2).is_multiple_of(4) {
            files.insert("diagram.png".to_owned(), PICTURE.to_vec());
        }
        SnippetContent {
            title: format!("How to do step {shown} \u{2014} quickly"),
            is_private,
            files,
            creator: if is_private {
                self.workspace.owner()
            } else {
                1
            },
        }
    }

    pub(crate) fn creator(self) -> Member<'a> {
        Member::new(self.workspace, self.content().creator)
    }

    /// The revision of the files: changes with every update.
    pub(crate) fn node(self) -> String {
        let updated_us = self.workspace.snippets.ledger.updated_us(self.number);
        let drawn = draw(&[u64::from(self.number), updated_us.unsigned_abs()]);
        format!("{drawn:016x}{:016x}{:08x}", draw(&[drawn]), drawn >> 32)
    }

    /// The address in the API.
    pub(crate) fn location(self, origin: &Origin) -> String {
        format!(
            "{origin}/2.0/snippets/{}/{}",
            self.workspace.slug,
            self.id()
        )
    }

    /// The address of one file at the present revision.
    pub(crate) fn file_location(self, origin: &Origin, name: &str) -> String {
        let (at, node) = (self.location(origin), self.node());
        format!("{at}/{node}/files/{}", encoded(name))
    }

    /// The address on the site.
    fn page(self, origin: &Origin) -> String {
        let slug = &self.workspace.slug;
        format!("{origin}/{slug}/workspace/snippets/{}", self.id())
    }

    /// The entry of the list: everything but the files.
    pub(crate) fn render(self, origin: &Origin) -> Value {
        let content = self.content();
        let ledger = &self.workspace.snippets.ledger;
        let api = self.location(origin);
        let html = self.page(origin);
        json!({
            "type": "snippet",
            "id": self.id(),
            "title": content.title,
            "scm": "git",
            "created_on": notation(ledger.created_us(self.number)),
            "updated_on": notation(ledger.updated_us(self.number)),
            "owner": self.workspace.render_owner(origin),
            "creator": self.creator().render_user(origin),
            "is_private": content.is_private,
            "links": {
                "self": {"href": api},
                "html": {"href": html},
                "comments": {"href": format!("{api}/comments")},
                "watchers": {"href": format!("{api}/watchers")},
                "commits": {"href": format!("{api}/commits")}
            }
        })
    }

    /// The object of `GET /2.0/snippets/{workspace}/{encoded_id}`.
    pub(crate) fn render_whole(self, origin: &Origin) -> Value {
        let mut whole = self.render(origin);
        let html = self.page(origin);
        let mut files = Map::new();
        for name in self.content().files.into_keys() {
            let links = json!({
                "self": {"href": self.file_location(origin, &name)},
                "html": {"href": format!("{html}#file-{}", encoded(&name))}
            });
            files.insert(name, json!({"links": links}));
        }
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("files".to_owned(), Value::Object(files));
        }
        whole
    }
}

/// A file name as it appears in a path.
fn encoded(name: &str) -> String {
    byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
