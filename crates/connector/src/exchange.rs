//! A request that should be sent, and the answer to it, as plain values.

/// HTTP methods that providers need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read; safe to repeat.
    Get,
    /// Create, or exchange a token.
    Post,
    /// Change.
    Put,
    /// Delete.
    Delete,
}

/// What goes in a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// `application/x-www-form-urlencoded` pairs, not yet encoded.
    Form(Vec<(String, String)>),
    /// `application/json`.
    Json(serde_json::Value),
    /// `multipart/related`: the first part is what the others belong to.
    Multipart(Vec<Part>),
}

/// One part of a body of several.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Its headers, whose values are without line breaks.
    pub headers: Vec<(&'static str, String)>,
    /// Its bytes, which are sent as they are.
    pub content: Vec<u8>,
}

/// Parts hold customers' data, so only their size is shown.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("content_bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A request without its credential, which is added on the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute, encoded, sent as it is. Its origin is checked against
    /// [`crate::Description::origin`] before a credential is added.
    pub url: String,
    /// The body.
    pub body: Body,
    /// The [`crate::ResourceGroup`] that the provider counts this under.
    pub group: Option<&'static str>,
    /// Whether a 401 to this request means that the credential is no good. Where
    /// it does not, a 401 is an answer like any other: nothing is refreshed, and
    /// no connection is blamed.
    pub judges_credential: bool,
}

impl Request {
    /// A GET outside every resource group, of which a 401 judges the credential.
    #[must_use]
    pub fn get(url: String) -> Self {
        Self {
            method: Method::Get,
            url,
            body: Body::Empty,
            group: None,
            judges_credential: true,
        }
    }
}

/// A whole answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the content type says JSON, `application/problem+json` included.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let media = self.header("content-type").unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
            || essence.to_ascii_lowercase().ends_with("+json")
    }
}

/// Bodies hold customers' data, so only their size is shown.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
