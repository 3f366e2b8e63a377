//! What an action can answer other than success. The server maps each variant to
//! one status code; what the public reads is here, what we log is in `source`.

use connector::Failure;
use outbound::ObjectError;
use store::StoreError;

/// Why an action was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// There is none, or the actor may not know of it.
    #[error("{what} `{id}` was not found")]
    NotFound {
        /// The kind of thing, as the public calls it.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The actor may not do this.
    #[error("{detail}")]
    Forbidden {
        /// What would be needed.
        detail: String,
    },
    /// The request cannot be understood.
    #[error("{detail}")]
    BadRequest {
        /// What is wrong.
        detail: String,
        /// What to do.
        remedy: Option<String>,
    },
    /// The request is understood and wrong.
    #[error("{detail}")]
    Invalid {
        /// What is wrong, in one sentence.
        detail: String,
        /// Each thing that is wrong.
        causes: Vec<String>,
        /// What to do.
        remedy: Option<String>,
    },
    /// It exists already, or something depends on it.
    #[error("{detail}")]
    Conflict {
        /// What is in the way.
        detail: String,
    },
    /// The provider refused.
    #[error("{0}")]
    Provider(Failure),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The object store failed.
    #[error("the object store failed")]
    Objects(#[source] ObjectError),
    /// A defect or a broken environment, such as a source of randomness gone.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ActionError {
    /// A refusal with one cause, itself.
    #[must_use]
    pub fn invalid(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Invalid {
            causes: vec![detail.clone()],
            detail,
            remedy: Some(remedy.into()),
        }
    }

    /// A malformed request and its remedy.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::BadRequest {
            detail: detail.into(),
            remedy: Some(remedy.into()),
        }
    }
}

impl From<StoreError> for ActionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, id } => Self::NotFound { what, id },
            StoreError::Conflict { what, detail } => Self::Conflict {
                detail: format!("{what} exists already: {detail}"),
            },
            StoreError::Outdated => Self::Conflict {
                detail: "it is being changed by others all the time; try again later".to_owned(),
            },
            other => Self::Store(other),
        }
    }
}

impl From<ObjectError> for ActionError {
    fn from(error: ObjectError) -> Self {
        Self::Objects(error)
    }
}
