//! Groups: the builder's customers.

use jiff::Timestamp;

use crate::error::Result;
use crate::scope::Tenant;

/// A customer of the builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The project that it belongs to.
    pub project_id: String,
    /// The builder's own identifier of the customer.
    pub group_ref: String,
    /// The name, which falls back to `group_ref`.
    pub name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

impl Tenant<'_> {
    /// Creates the group, or renames it when a name is given.
    pub async fn upsert_group(
        &self,
        group_ref: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Group> {
        todo!()
    }
}
