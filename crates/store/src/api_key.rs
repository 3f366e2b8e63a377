//! API keys: only a hash of the whole key is kept, next to its public part.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::error::Result;
use crate::scope::Tenant;

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The identifier.
    pub id: String,
    /// The project that it sees.
    pub project_id: String,
    /// The public part: `lig_` and 12 characters.
    pub key: String,
    /// A name for people.
    pub label: Option<String>,
    /// The scopes as they were given; none is everything.
    pub scopes: Vec<String>,
    /// Whether it still opens anything.
    pub active: bool,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What an API key is created from.
#[derive(Debug, Clone, Default)]
pub struct NewApiKey {
    /// A name for people.
    pub label: Option<String>,
    /// Scopes; none is everything.
    pub access: Vec<String>,
    /// The whole key, where it is given from outside; else one is made.
    pub whole: Option<SecretString>,
}

impl Tenant<'_> {
    /// Creates a key and returns it with the whole key, which is nowhere kept.
    pub async fn create_api_key(
        &self,
        new: NewApiKey,
        now: Timestamp,
    ) -> Result<(ApiKey, SecretString)> {
        todo!()
    }

    /// Every key of the project, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        todo!()
    }

    /// Makes a key, named by its public part or whole, open nothing any more.
    pub async fn revoke_api_key(&self, public_part_or_whole: &str, now: Timestamp) -> Result<()> {
        todo!()
    }
}
