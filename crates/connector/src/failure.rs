//! Why a provider did not do what it was asked: a closed list, from which retry,
//! alerts, health and our own HTTP status follow.

use std::collections::BTreeMap;

/// A provider's refusal. Messages are the provider's own words where it gave
/// any, fit to be shown to a builder; they never hold a body or a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The credential is wrong, expired or revoked.
    #[error("{message}")]
    Unauthorized {
        /// What the provider said.
        message: String,
    },
    /// The credential is good, but not for this.
    #[error("{message}")]
    Forbidden {
        /// What the provider said.
        message: String,
        /// The scopes that the request needs, if told.
        required: Vec<String>,
        /// The scopes that the credential has, if told.
        granted: Vec<String>,
    },
    /// There is no such thing, or it may not be seen.
    #[error("{message}")]
    NotFound {
        /// What the provider said.
        message: String,
    },
    /// The provider has removed it. Never retried.
    #[error("{message}")]
    Gone {
        /// What the provider said.
        message: String,
        /// Where the provider announced it.
        announcement: Option<String>,
    },
    /// It exists already, or has changed meanwhile.
    #[error("{message}")]
    Conflict {
        /// What the provider said.
        message: String,
    },
    /// The request is wrong and would be wrong again.
    #[error("{message}")]
    Invalid {
        /// What the provider said.
        message: String,
        /// What is wrong with each field.
        fields: BTreeMap<String, Vec<String>>,
    },
    /// Too many requests.
    #[error("the provider's request limit is reached")]
    RateLimited {
        /// Seconds to wait, if the provider said so.
        retry_after_s: Option<u64>,
    },
    /// The provider failed, or could not be reached, or was too slow.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
    },
    /// The provider answered something that its API does not.
    #[error("{message}")]
    Protocol {
        /// What was unexpected.
        message: String,
    },
}

impl Failure {
    /// Whether the same request may succeed later without anyone's doing.
    /// A cut-off or malformed answer counts: the next one may be whole.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Protocol { .. } => true,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Conflict { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// The stable name of the class, for logs, metrics and problem codes.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Gone { .. } => "gone",
            Self::Conflict { .. } => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Protocol { .. } => "protocol",
        }
    }
}
