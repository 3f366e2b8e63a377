//! The providers that this process knows, handed in at start-up. Nothing else in
//! the engine or the server names one.

use std::sync::Arc;

use connector::{Connector, Description};

/// Connectors by name.
#[derive(Debug, Clone, Default)]
pub struct Registry(Vec<Arc<dyn Connector>>);

impl Registry {
    /// A registry of these, in the order in which they are shown.
    #[must_use]
    pub fn new(connectors: Vec<Arc<dyn Connector>>) -> Self {
        Self(connectors)
    }

    /// The connector of that name.
    #[must_use]
    pub fn get(&self, provider: &str) -> Option<&Arc<dyn Connector>> {
        self.0
            .iter()
            .find(|connector| connector.describe().provider == provider)
    }

    /// Every provider's table.
    pub fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.0.iter().map(|connector| connector.describe())
    }

    /// The names, for messages: `bitbucket, …`.
    #[must_use]
    pub fn names(&self) -> String {
        self.descriptions()
            .map(|d| d.provider)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
