//! Consumers: the people at a customer who connect and install.

use jiff::Timestamp;

use crate::error::Result;
use crate::scope::Tenant;

/// A person at a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// The project that it belongs to.
    pub project_id: String,
    /// The builder's own identifier of the person.
    pub consumer_ref: String,
    /// The name, which falls back to `consumer_ref`.
    pub name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

impl Tenant<'_> {
    /// Creates the consumer, or renames it when a name is given.
    pub async fn upsert_consumer(
        &self,
        consumer_ref: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Consumer> {
        todo!()
    }
}
