//! What a body wants to become of a snippet, in each of the three media types.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-snippets/>

use super::super::document::{Document, media_type};
use super::multipart::{Part, parameter, parts};
use crate::data::SnippetContent;
use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whatever is absent stays as it is.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// `Some(None)` removes it.
    title: Option<Option<String>>,
    is_private: Option<bool>,
    files: BTreeMap<String, Vec<u8>>,
    /// Named without a part: to be removed.
    removed: BTreeSet<String>,
}

impl Change {
    /// For a snippet that does not exist yet, which has nothing to remove.
    pub(super) fn is_creation(&self) -> bool {
        self.removed.is_empty()
    }

    pub(super) fn apply(self, content: &mut SnippetContent) {
        if let Some(title) = self.title {
            content.title = title.unwrap_or_default();
        }
        if let Some(is_private) = self.is_private {
            content.is_private = is_private;
        }
        content.files.retain(|name, _| !self.removed.contains(name));
        content.files.extend(self.files);
    }

    /// The members of the JSON document; `files` is what it lists.
    fn describe(&mut self, mut document: Document) -> Result<BTreeMap<String, Value>, Refusal> {
        self.title = document.text("title");
        self.is_private = document.flag("is_private");
        if document.get("scm").is_some_and(|scm| scm != "git") {
            document.refuse("scm", "Not a valid choice.");
        }
        let files = match document.get("files") {
            None => BTreeMap::new(),
            Some(Value::Object(files)) => files.clone().into_iter().collect(),
            Some(_) => {
                document.refuse("files", "Not a valid mapping.");
                BTreeMap::new()
            }
        };
        document.check()?;
        Ok(files)
    }

    /// JSON knows no contents: a file can only be removed, by null.
    fn from_json(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut change = Self::default();
        let files = change.describe(Document::parse(bytes)?)?;
        let nulls = files.into_iter().filter(|(_, value)| value.is_null());
        change.removed = nulls.map(|(name, _)| name).collect();
        Ok(change)
    }

    fn from_form(parts: Vec<Part>) -> Result<Self, Refusal> {
        let mut change = Self::default();
        for part in parts {
            let name = part.name().ok_or_else(malformed)?;
            match name.as_str() {
                "file" => {
                    let file = part.file_name().filter(|name| !name.is_empty());
                    let file = file.ok_or_else(malformed)?;
                    let content = part.decoded().ok_or_else(malformed)?;
                    change.files.insert(file, content);
                }
                "files" => {
                    change.removed.insert(part.text().ok_or_else(malformed)?);
                }
                "title" => change.title = Some(Some(part.text().ok_or_else(malformed)?)),
                "is_private" => {
                    change.is_private = match part.text().ok_or_else(malformed)?.as_str() {
                        "true" => Some(true),
                        "false" => Some(false),
                        _ => return Err(malformed()),
                    }
                }
                _ => {}
            }
        }
        change.unlist();
        Ok(change)
    }

    /// The JSON is the part that `start` names, else the first.
    fn from_related(content_type: &str, mut parts: Vec<Part>) -> Result<Self, Refusal> {
        let start = parameter(content_type, "start");
        let start = start.as_deref().map(|text| text.trim_matches(['<', '>']));
        let named = |part: &Part| part.content_id() == start;
        let place = start.map_or(Some(0), |_| parts.iter().position(named));
        let place = place.filter(|place| *place < parts.len());
        let root = parts.remove(place.ok_or_else(malformed)?);
        let mut change = Self::default();
        let document = Document::parse(&root.decoded().ok_or_else(malformed)?)?;
        change.removed = change.describe(document)?.into_keys().collect();
        for part in parts {
            let content_id = part.content_id().map(str::to_owned);
            let name = part.file_name().or(content_id).ok_or_else(malformed)?;
            let content = part.decoded().ok_or_else(malformed)?;
            change.files.insert(name, content);
        }
        change.unlist();
        Ok(change)
    }

    /// A listed file that has a part is written, not removed.
    fn unlist(&mut self) {
        self.removed.retain(|name| !self.files.contains_key(name));
    }
}

fn malformed() -> Refusal {
    Refusal::bad_request("Bad request: malformed multipart body")
}

impl<S: Send + Sync> FromRequest<S> for Change {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let media_type = media_type(request.headers());
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::bad_request("Bad request: unreadable body"))?;
        let parts = || parts(&content_type, &bytes).ok_or_else(malformed);
        match media_type.as_str() {
            "application/json" => Self::from_json(&bytes),
            "multipart/form-data" => Self::from_form(parts()?),
            "multipart/related" => Self::from_related(&content_type, parts()?),
            _ => Err(Refusal::bad_request("Bad request: unknown media type")),
        }
    }
}
