//! Links to the provider in JSON, turned into links through this server, so that a
//! client that follows `next` stays on the proxy.
//!
//! The body is rewritten as it streams: what is held of it is the beginning of one
//! string, as long as the provider's origin at most, so a body of any size passes.
//! A string is rewritten if it begins with the origin; one that only mentions it, as
//! a description may, is text, and stays. Nothing else of the bytes changes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use engine::Relayed;
use hyper::body::{Body as HttpBody, Frame};

/// What no longer fits a body that is rewritten.
const OF_THE_BYTES: [&str; 5] = [
    "content-length",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
];

/// Where links are to lead.
#[derive(Debug)]
pub(super) struct Links {
    to: String,
}

impl Links {
    pub(super) fn to(public_url: &str) -> Self {
        Self {
            to: public_url.to_owned(),
        }
    }

    /// The body and its headers, with the links in them rewritten: those of JSON in
    /// UTF-8 that is not compressed, and the one that is a header.
    pub(super) fn rewritten(&self, origin: &str, parts: &mut Parts, body: Relayed) -> Body {
        if let Some(rest) = parts.headers.get(header::LOCATION)
            && let Some(rest) = below(rest, origin)
            && let Ok(here) = HeaderValue::from_str(&format!("{}{rest}", self.to))
        {
            parts.headers.insert(header::LOCATION, here);
        }
        if !is_plain_json(&parts.headers) || parts.status == StatusCode::PARTIAL_CONTENT {
            return Body::new(body);
        }
        for name in OF_THE_BYTES {
            parts.headers.remove(name);
        }
        Body::new(Rewritten {
            body,
            scan: Scan::new(origin, &self.to),
            is_over: false,
        })
    }
}

/// What follows the origin in a header that is a URL of it.
fn below<'h>(value: &'h HeaderValue, origin: &str) -> Option<&'h str> {
    let rest = value.to_str().ok()?.strip_prefix(origin)?;
    let ends = rest.is_empty() || rest.starts_with(['/', '?', '#']);
    ends.then_some(rest)
}

fn is_plain_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("identity");
    let kind = text(header::CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut kind = kind.split(';').map(str::trim);
    let essence = kind.next().unwrap_or_default();
    let is_json = essence == "application/json" || essence.ends_with("+json");
    let charset = kind.find_map(|parameter| parameter.strip_prefix("charset="));
    let is_utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    is_json && is_utf8 && encoding.eq_ignore_ascii_case("identity")
}

struct Rewritten {
    body: Relayed,
    scan: Scan,
    is_over: bool,
}

impl HttpBody for Rewritten {
    type Data = Bytes;
    type Error = <Relayed as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        loop {
            let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
            let Some(frame) = frame.transpose()? else {
                this.is_over = true;
                let rest = this.scan.rest();
                return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
            };
            match frame.into_data() {
                Ok(piece) => {
                    let piece = this.scan.piece(piece);
                    if !piece.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
    }
}

/// Where in a JSON text the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Outside of strings.
    Outside,
    /// At the beginning of a string, so much of which is the origin.
    Beginning { matched: usize },
    /// Within a string, of which the beginning is decided.
    Inside,
    /// Behind a backslash within a string.
    Escaped,
}

/// The rewriting of one text, piece by piece.
#[derive(Debug)]
struct Scan {
    from: Vec<u8>,
    to: Vec<u8>,
    at: At,
    /// The beginning of a string that may be the origin, as it was written.
    held: Vec<u8>,
}

impl Scan {
    fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.as_bytes().to_vec(),
            to: to.as_bytes().to_vec(),
            at: At::Outside,
            held: Vec::new(),
        }
    }

    /// What is left at the end of a text that broke off within a string.
    fn rest(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.held))
    }

    /// One piece, less what is held back of its end, behind what was held back of
    /// the one before. A piece without links is handed on as it is.
    fn piece(&mut self, piece: Bytes) -> Bytes {
        let mut out = BytesMut::new();
        // What lies before `place` and behind `copied` is decided: it stays.
        let (mut place, mut copied) = (0, 0);
        while let Some(&byte) = piece.get(place) {
            let rest = piece.get(place..).unwrap_or_default();
            match self.at {
                At::Outside => {
                    let Some(quote) = memchr::memchr(b'"', rest) else {
                        break;
                    };
                    place += quote + 1;
                    self.at = At::Beginning { matched: 0 };
                }
                At::Inside => {
                    let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                        break;
                    };
                    place += end + 1;
                    let is_end = rest.get(end) == Some(&b'"');
                    self.at = if is_end { At::Outside } else { At::Escaped };
                }
                At::Escaped => {
                    place += 1;
                    self.at = At::Inside;
                }
                At::Beginning { matched } => {
                    if let Some(matched) = self.next(byte, matched) {
                        out.extend_from_slice(piece.get(copied..place).unwrap_or_default());
                        self.held.push(byte);
                        place += 1;
                        copied = place;
                        self.at = At::Beginning { matched };
                    } else {
                        self.decide(byte, matched, &mut out);
                    }
                }
            }
        }
        if copied == 0 && out.is_empty() {
            return piece;
        }
        out.extend_from_slice(piece.get(copied..).unwrap_or_default());
        out.freeze()
    }

    /// How much of the origin is there with this byte; `None` when it is not one
    /// more of it. A slash may be written with a backslash before it, the one behind
    /// the origin too.
    fn next(&self, byte: u8, matched: usize) -> Option<usize> {
        let expected = self.from.get(matched).copied();
        let may_be_slash = matches!(expected, Some(b'/') | None);
        match byte {
            byte if expected == Some(byte) => Some(matched + 1),
            b'\\' if may_be_slash && !self.is_escaped() => Some(matched),
            _ => None,
        }
    }

    fn is_escaped(&self) -> bool {
        self.held.last() == Some(&b'\\')
    }

    /// The string goes on with a byte that is no part of the origin.
    fn decide(&mut self, byte: u8, matched: usize, out: &mut BytesMut) {
        let is_escaped = self.is_escaped();
        let ends_origin = match byte {
            b'/' => true,
            b'?' | b'#' | b'"' => !is_escaped,
            _ => false,
        };
        if ends_origin && matched == self.from.len() {
            out.extend_from_slice(&self.to);
            if is_escaped {
                out.extend_from_slice(b"\\");
            }
        } else {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
        self.at = if is_escaped { At::Escaped } else { At::Inside };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text in pieces of that many bytes.
    fn rewritten(text: &str, size: usize) -> String {
        let mut scan = Scan::new("https://api.example", "http://here:80");
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            out.extend(scan.piece(Bytes::copy_from_slice(piece)));
        }
        out.extend(scan.rest());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn links_are_rewritten_and_nothing_else_is_however_the_text_is_cut() {
        for (text, expected) in [
            (
                r#"{"next": "https://api.example/2.0/x?page=2"}"#,
                r#"{"next": "http://here:80/2.0/x?page=2"}"#,
            ),
            (
                r#"["https:\/\/api.example\/2.0"]"#,
                r#"["http://here:80\/2.0"]"#,
            ),
            (r#"["https://api.example"]"#, r#"["http://here:80"]"#),
            (
                r#"["https://api.example?a", "https://api.example#b"]"#,
                r#"["http://here:80?a", "http://here:80#b"]"#,
            ),
            // Other hosts that begin alike.
            (
                r#"["https://api.example.evil/"]"#,
                r#"["https://api.example.evil/"]"#,
            ),
            (
                r#"["https://api.example:8443/"]"#,
                r#"["https://api.example:8443/"]"#,
            ),
            (
                r#"["https://api.example@evil/"]"#,
                r#"["https://api.example@evil/"]"#,
            ),
            (r#"["http://api.example/"]"#, r#"["http://api.example/"]"#),
            // And those that go on with a character that is written with a backslash.
            (
                r#"["https://api.example\u0040evil/", "https://api.example\".evil/"]"#,
                r#"["https://api.example\u0040evil/", "https://api.example\".evil/"]"#,
            ),
            // Text that mentions one.
            (
                r#"{"d": "see https://api.example/2.0"}"#,
                r#"{"d": "see https://api.example/2.0"}"#,
            ),
            (
                r#"{"d": "\"https://api.example/2.0\""}"#,
                r#"{"d": "\"https://api.example/2.0\""}"#,
            ),
            (
                r#"["https:\"x", "\\", "https://api.example/1"]"#,
                r#"["https:\"x", "\\", "http://here:80/1"]"#,
            ),
            (
                r#"["h", "", "https", "https://", "https:\/x"]"#,
                r#"["h", "", "https", "https://", "https:\/x"]"#,
            ),
            // Broken off, or no JSON at all.
            (r#"["https://api.exa"#, r#"["https://api.exa"#),
            (r#"["https://api.example"#, r#"["https://api.example"#),
            (r#"["https://api.example\"#, r#"["https://api.example\"#),
            ("no json", "no json"),
        ] {
            for size in 1..=text.len() {
                assert_eq!(rewritten(text, size), expected, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_piece_without_links_is_not_copied() {
        let mut scan = Scan::new("https://api.example", "http://here");
        let piece = Bytes::from_static(b"{\"a\": \"b\", \"c\": [1, 2, 3]}");
        assert_eq!(scan.piece(piece.clone()).as_ptr(), piece.as_ptr());
    }
}
