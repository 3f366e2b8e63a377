//! Where Bitbucket is. It can be moved, to a look-alike in tests for instance;
//! each endpoint is an origin only, since paths are the connector's own.

use url::Url;

/// The two origins that Bitbucket Cloud is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The origin of the REST API.
    pub api_url: String,
    /// The origin on which customers consent and tokens are handed out.
    pub oauth_url: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            api_url: "https://api.bitbucket.org".to_owned(),
            oauth_url: "https://bitbucket.org".to_owned(),
        }
    }
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It does not parse.
    #[error("{name} is not a URL")]
    NotAUrl {
        /// The field of [`Endpoints`].
        name: &'static str,
        /// What the parser said.
        source: url::ParseError,
    },
    /// It is more or other than scheme, host and port.
    #[error("{name} must be http:// or https:// with a host and, if need be, a port")]
    NotAnOrigin {
        /// The field of [`Endpoints`].
        name: &'static str,
    },
}

/// Parses an endpoint.
pub(crate) fn origin(name: &'static str, text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).map_err(|source| EndpointError::NotAUrl { name, source })?;
    let plain = matches!(url.scheme(), "http" | "https")
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if plain {
        Ok(url)
    } else {
        Err(EndpointError::NotAnOrigin { name })
    }
}
