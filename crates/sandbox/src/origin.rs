//! The origin that goes into links: the one by which the caller reached the server.
//!
//! A client sends its token only to the origin it was configured with, so `next` must name
//! exactly that one, `localhost` and `127.0.0.1` being two different origins.

use crate::app::Shared;
use axum::extract::FromRequestParts;
use http::header::HOST;
use http::request::Parts;
use std::convert::Infallible;
use std::fmt;

/// `scheme://host[:port]`, without a slash at the end.
#[derive(Clone, Debug)]
pub(crate) struct Origin(String);

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromRequestParts<Shared> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        if let Some(url) = &app.options.public_url {
            return Ok(Self(url.trim_end_matches('/').to_owned()));
        }
        let host = parts
            .uri
            .authority()
            .map(|authority| authority.as_str().to_owned())
            .or_else(|| Some(parts.headers.get(HOST)?.to_str().ok()?.to_owned()));
        Ok(Self(host.map_or_else(
            || app.fallback_origin.clone(),
            |host| format!("http://{host}"),
        )))
    }
}
