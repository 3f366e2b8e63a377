//! Why a request got no usable answer: a closed list.
//!
//! Texts are fit to be shown to a builder. They name a host at most: never an
//! address that a name resolved to, a path, a query, a header or a body.

use std::error::Error;
use std::io;

/// A request that was not sent, or an answer that did not arrive whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL cannot be used at all.
    #[error("the URL is not usable: {reason}")]
    Url {
        /// What is wrong, without the URL.
        reason: &'static str,
    },
    /// A custom header that would break or forge the request.
    #[error("the header `{name}` cannot be set on a webhook")]
    Header {
        /// The header's name.
        name: String,
    },
    /// Every address of the host is private or reserved.
    #[error("{host} is at a private or reserved address, which outgoing requests may not reach")]
    Refused {
        /// The host as the URL has it.
        host: String,
    },
    /// `http://` to somewhere outside the allowed private networks.
    #[error("{host} is asked for without TLS: use https://")]
    PlainHttp {
        /// The host as the URL has it.
        host: String,
    },
    /// The request is for another origin than the credential.
    #[error("the request is for {host}, which is not the provider's origin")]
    OriginMismatch {
        /// The host of the request.
        host: String,
    },
    /// The name has no address, or the name server did not answer.
    #[error("{host} cannot be resolved")]
    Dns {
        /// The host as the URL has it.
        host: String,
    },
    /// Nobody answered the connection.
    #[error("{host} cannot be connected to")]
    Connect {
        /// The host as the URL has it.
        host: String,
    },
    /// No secure connection came about.
    #[error("the TLS handshake with {host} failed: {reason}")]
    Tls {
        /// The host as the URL has it.
        host: String,
        /// What the TLS library said about the certificate or the handshake.
        reason: String,
    },
    /// The whole answer did not arrive in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host as the URL has it.
        host: String,
    },
    /// The answer, decompressed, is above the limit.
    #[error("the answer of {host} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The host as the URL has it.
        host: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// The connection ended before the answer did.
    #[error("the answer of {host} broke off")]
    Cut {
        /// The host as the URL has it.
        host: String,
    },
    /// What arrived is not HTTP, or its compression is broken.
    #[error("the answer of {host} is not valid HTTP")]
    Protocol {
        /// The host as the URL has it.
        host: String,
    },
}

impl SendError {
    /// Whether the same request may succeed later without anyone's doing here.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Protocol { .. } => true,
            Self::Url { .. }
            | Self::Header { .. }
            | Self::Refused { .. }
            | Self::PlainHttp { .. }
            | Self::OriginMismatch { .. }
            | Self::TooLarge { .. } => false,
        }
    }

    /// The stable name of the cause, for logs and metrics.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Url { .. } => "url",
            Self::Header { .. } => "header",
            Self::Refused { .. } => "refused",
            Self::PlainHttp { .. } => "plain_http",
            Self::OriginMismatch { .. } => "origin_mismatch",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Cut { .. } => "cut",
            Self::Protocol { .. } => "protocol",
        }
    }

    /// What a failed send or read means. The client's own text is dropped: it
    /// may quote the URL.
    pub(crate) fn from_client(error: &reqwest::Error, host: &str) -> Self {
        let host = host.to_owned();
        if let Some(refusal) = find::<Self>(error) {
            return refusal.clone();
        }
        if error.is_timeout() {
            return Self::Timeout { host };
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls {
                host,
                reason: tls.to_string(),
            };
        }
        if error.is_connect() {
            return Self::Connect { host };
        }
        if error.is_builder() {
            return Self::Url {
                reason: "no request can be made of it",
            };
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) || is_garbled(error) {
            return Self::Protocol { host };
        }
        Self::Cut { host }
    }

    /// What it means that no connection came about, which nothing can have been sent
    /// on.
    pub(crate) fn of_connecting(error: &(dyn Error + 'static), host: &str) -> Self {
        let host = host.to_owned();
        if let Some(refusal) = find::<Self>(error) {
            return refusal.clone();
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls {
                host,
                reason: tls.to_string(),
            };
        }
        Self::Connect { host }
    }

    /// What a stream that broke off means.
    pub(crate) fn from_stream(error: &hyper::Error, host: &str) -> Self {
        let host = host.to_owned();
        if let Some(own) = find::<Self>(error) {
            return own.clone();
        }
        if error.is_parse() {
            return Self::Protocol { host };
        }
        Self::Cut { host }
    }
}

/// A body that decompresses to nonsense, as opposed to one that ends early.
fn is_garbled(error: &reqwest::Error) -> bool {
    find::<io::Error>(error).is_some_and(|e| {
        matches!(
            e.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        )
    })
}

/// The first cause of that type. `io::Error` hides what it wraps from
/// `source()`, so it is opened by hand.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        next = match current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}
