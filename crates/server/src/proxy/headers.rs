//! Which headers go further. Those about one connection do not (RFC 9110, 7.6.1),
//! in either direction; nor does what is for this server only, what would mislead
//! the provider about where a request comes from, or what would mislead a client
//! about this server.

use axum::http::{HeaderMap, HeaderName, header};

use crate::problem::Problem;

/// The value of a header that may be there once.
pub(super) fn one<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::new(
            400,
            format!("`{name}` is there more than once"),
        ));
    }
    let text = value.to_str().map(str::trim).ok();
    text.map(|text| Some(text).filter(|text| !text.is_empty()))
        .ok_or_else(|| Problem::new(400, format!("`{name}` is not plain text")))
}

/// What the provider is to see of a client's headers.
pub(super) fn to_provider(given: &HeaderMap) -> HeaderMap {
    let named = Named::of(given);
    let mut headers = HeaderMap::with_capacity(given.len().saturating_add(2));
    for (name, value) in given {
        if !is_of_connection(name) && !named.has(name) && !stays_here(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// Takes out what the client is not to see of a provider's headers.
pub(super) fn to_client(headers: &mut HeaderMap) {
    let named = Named::of(headers);
    // A length beside chunks is a lie, and whoever believed it would take the rest
    // for another answer.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_of_connection(name) || named.has(name) || stays_there(name))
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
}

/// About one connection.
fn is_of_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Names that `Connection` lists.
struct Named(Vec<HeaderName>);

impl Named {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::CONNECTION).iter();
        let names = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok());
        Self(names.collect())
    }

    fn has(&self, name: &HeaderName) -> bool {
        self.0.contains(name)
    }
}

/// What a client sends to this server and to nobody behind it: credentials, what
/// the HTTP library makes itself, and where the client says that it comes from or
/// wants to go.
fn stays_here(name: &HeaderName) -> bool {
    match name.as_str() {
        "host" | "content-length" | "expect" | "authorization" | "cookie" | "x-api-key"
        | "forwarded" | "via" | "x-real-ip" | "x-host" | "x-original-host" | "x-original-url"
        | "x-rewrite-url" => true,
        other => {
            other.starts_with("x-amp-")
                || other.starts_with("x-ligature-")
                || other.starts_with("x-forwarded-")
        }
    }
}

/// What a provider says about its own origin, which is not this one, and what only
/// this server says.
fn stays_there(name: &HeaderName) -> bool {
    match name.as_str() {
        "set-cookie"
        | "set-cookie2"
        | "alt-svc"
        | "strict-transport-security"
        | "public-key-pins"
        | "clear-site-data"
        | "nel"
        | "report-to"
        | "reporting-endpoints"
        | "service-worker-allowed" => true,
        other => other.starts_with("x-amp-") || other.starts_with("x-ligature-"),
    }
}
