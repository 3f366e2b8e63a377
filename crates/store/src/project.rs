//! Projects: the builder's applications, and the border of tenancy.

use jiff::Timestamp;

use crate::Store;
use crate::error::Result;
use crate::scope::{Actor, Tenant};

/// One application of a builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The identifier.
    pub id: String,
    /// The organisation that it belongs to.
    pub org_id: String,
    /// The unique name.
    pub name: String,
    /// The name shown to customers.
    pub app_name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

/// What a project is created from.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The unique name.
    pub name: String,
    /// The name shown to customers.
    pub app_name: String,
    /// The organisation; `None` is the default one.
    pub org_id: Option<String>,
}

impl Store {
    /// The projects that the actor may see, by name.
    pub async fn projects(&self, actor: &Actor) -> Result<Vec<Project>> {
        todo!()
    }

    /// Creates a project. `Conflict` when the name is taken.
    pub async fn create_project(
        &self,
        actor: &Actor,
        new: NewProject,
        now: Timestamp,
    ) -> Result<Project> {
        todo!()
    }
}

impl Tenant<'_> {
    /// The project of this scope.
    pub async fn project(&self) -> Result<Project> {
        todo!()
    }
}
