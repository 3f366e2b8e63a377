//! Provider apps: the builder's OAuth client at a provider. The client secret
//! is sealed.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::Store;
use crate::error::Result;
use crate::scope::Tenant;

/// An OAuth client without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderApp {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The provider's own identifier of it.
    pub external_ref: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client id.
    pub client_id: String,
    /// The scopes to ask consent for.
    pub scopes: Vec<String>,
    /// What the builder keeps with it.
    pub metadata: Option<Value>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What a provider app is created from.
#[derive(Debug, Clone)]
pub struct NewProviderApp {
    /// The provider's own identifier of it.
    pub external_ref: Option<String>,
    /// The provider's name.
    pub provider: String,
    /// The OAuth client id.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: SecretString,
    /// The scopes to ask consent for.
    pub scopes: Vec<String>,
    /// What the builder keeps with it.
    pub metadata: Option<Value>,
}

impl Tenant<'_> {
    /// Creates a provider app. `Conflict` when the project has one for that
    /// provider and `external_ref`.
    pub async fn create_provider_app(
        &self,
        new: NewProviderApp,
        now: Timestamp,
    ) -> Result<ProviderApp> {
        todo!()
    }

    /// Every provider app of the project, oldest first.
    pub async fn provider_apps(&self) -> Result<Vec<ProviderApp>> {
        todo!()
    }

    /// One provider app.
    pub async fn provider_app(&self, id: &str) -> Result<ProviderApp> {
        todo!()
    }

    /// The oldest provider app for a provider.
    pub async fn provider_app_for(&self, provider: &str) -> Result<Option<ProviderApp>> {
        todo!()
    }

    /// The client secret of a provider app.
    pub async fn provider_app_secret(&self, id: &str) -> Result<SecretString> {
        todo!()
    }
}

impl Store {
    /// The client id and secret with which a connection's token is refreshed.
    pub async fn client_of(&self, provider_app_id: &str) -> Result<(String, SecretString)> {
        todo!()
    }
}
