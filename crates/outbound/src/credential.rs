//! What a request is authenticated with, put in at the last moment.

use std::fmt;

use secrecy::SecretString;

/// A provider credential.
#[derive(Clone)]
pub enum Credential {
    /// `Authorization: Bearer …`: OAuth access tokens and access tokens.
    Bearer(SecretString),
    /// `Authorization: Basic …`: e-mail and API token, client id and secret.
    Basic {
        /// May be an e-mail address, so it is not shown either.
        username: String,
        /// The password, API token or client secret.
        password: SecretString,
    },
}

/// Says which kind it is and nothing else.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer([redacted])",
            Self::Basic { .. } => "Basic([redacted])",
        })
    }
}
