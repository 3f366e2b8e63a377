//! The target of a request: a path and a query, which leave byte for byte. What
//! some server on the way could read as another place, or as another path, is
//! refused rather than resolved.

use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Version, header};
use percent_encoding::percent_decode;

use crate::problem::Problem;

/// How often a path may have been encoded for it to be found out.
const LAYERS: usize = 3;

/// The path and the query of a request for the proxy.
pub(super) fn of(parts: &Parts) -> Result<PathAndQuery, Problem> {
    // CONNECT asks for a tunnel; TRACE asks to be told what was sent, and that is a
    // credential.
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        let method = &parts.method;
        return Err(Problem::new(
            405,
            format!("the proxy does not answer {method}"),
        ));
    }
    if parts.headers.get_all(header::HOST).iter().count() > 1 {
        return Err(refused("the request has more than one Host"));
    }
    // In HTTP/2 every request has an authority of its own, which is ours.
    let is_absolute = parts.uri.scheme().is_some() || parts.uri.authority().is_some();
    if is_absolute && parts.version < Version::HTTP_2 {
        return Err(refused("the target of the request is a whole URL"));
    }
    let target = parts.uri.path_and_query();
    let target = target.ok_or_else(|| refused("the request has no path"))?;
    let path = target.path();
    if !path.starts_with('/') {
        return Err(refused("the path does not begin with a slash"));
    }
    if path.starts_with("//") {
        return Err(refused("the path begins with two slashes"));
    }
    if path.contains('\\') {
        return Err(refused("the path has a backslash"));
    }
    if path.contains('%') && !is_encoded_well(path.as_bytes()) {
        return Err(refused("the path has a `%` without two digits"));
    }
    if is_tricky(path) {
        return Err(refused(
            "the path has `..`, a line break or a character that is none, encoded or not",
        ));
    }
    Ok(target.clone())
}

fn refused(why: &'static str) -> Problem {
    Problem::new(400, why).remedy(
        "Send the path and the query as the provider's documentation has them, and nothing else",
    )
}

fn is_encoded_well(path: &[u8]) -> bool {
    let mut rest = path;
    while let Some(at) = memchr::memchr(b'%', rest) {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {}
            Some(_) | None => return false,
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    true
}

/// Whether a path leads upwards, or holds what no path holds, as whoever decodes it
/// once, twice or three times would see it.
fn is_tricky(path: &str) -> bool {
    let mut seen = path.as_bytes().to_vec();
    for _ in 0..=LAYERS {
        if leads_up(&seen) || holds_nonsense(&seen) {
            return true;
        }
        if !seen.contains(&b'%') {
            return false;
        }
        seen = percent_decode(&seen).collect();
    }
    false
}

/// Whether a segment is `..`; what follows a `;` is a parameter to some.
fn leads_up(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
    segments.any(|segment| {
        let name = segment.split(|byte| *byte == b';').next();
        name == Some(b"..")
    })
}

/// Line breaks and other control characters; and the two bytes that begin longer
/// ways of writing short characters, such as a dot.
fn holds_nonsense(path: &[u8]) -> bool {
    path.iter()
        .any(|byte| matches!(byte, 0..=0x1f | 0x7f | 0xc0 | 0xc1))
}
