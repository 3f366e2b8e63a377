//! Sealing.

use secrecy::{SecretBox, SecretString};

use crate::error::Result;

/// The keys under which everything secret is sealed.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    current: std::sync::Arc<SecretBox<[u8; 32]>>,
    previous: Option<std::sync::Arc<SecretBox<[u8; 32]>>>,
}

impl MasterKeys {
    /// The key to seal with, and the one before it, which still opens.
    #[must_use]
    pub fn new(current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self {
            current: std::sync::Arc::new(SecretBox::new(Box::new(current))),
            previous: previous.map(|key| std::sync::Arc::new(SecretBox::new(Box::new(key)))),
        }
    }

    /// The same from base64 of 32 bytes each.
    pub fn parse(current: &SecretString, previous: Option<&SecretString>) -> Result<Self> {
        todo!()
    }
}
