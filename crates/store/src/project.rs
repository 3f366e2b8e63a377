//! Projects: the builder's applications, and the border of tenancy.

use jiff::Timestamp;

use sea_orm::{EntityTrait, QueryFilter, QueryOrder};

use crate::audit::note;
use crate::columns::{At, ms};
use crate::entities::{insert, project};
use crate::error::{Result, StoreError, or_conflict};
use crate::scope::{Actor, Scope, Tenant};
use crate::{Store, ids};

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
    /// Whether calls that are passed on for it are kept as operations.
    pub keeps_proxied: bool,
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

/// What is changed of a project; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    /// The unique name.
    pub name: Option<String>,
    /// The name shown to customers.
    pub app_name: Option<String>,
    /// Whether calls that are passed on for it are kept as operations.
    pub keeps_proxied: Option<bool>,
}

impl From<project::Model> for Project {
    fn from(row: project::Model) -> Self {
        Self {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            app_name: row.app_name,
            keeps_proxied: row.keeps_proxied,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Store {
    /// The projects that the actor may see, by name.
    pub async fn projects(&self, actor: &Actor) -> Result<Vec<Project>> {
        let rows = project::Entity::find()
            .filter(actor.projects_seen())
            .order_by_asc(project::Column::Name)
            .all(self.read())
            .await?;
        Ok(rows.into_iter().map(Project::from).collect())
    }

    /// Creates a project, in the actor's oldest organisation where none is named.
    /// `Conflict` when the name is taken.
    pub async fn create_project(
        &self,
        actor: &Actor,
        new: NewProject,
        now: Timestamp,
    ) -> Result<Project> {
        let org_id = self.org_for_projects(actor, new.org_id).await?;
        let tx = self.write().await?;
        let row = project::Model {
            id: ids::new(),
            org_id,
            name: new.name,
            app_name: new.app_name,
            keeps_proxied: true,
            create_time: At(now),
            update_time: None,
        };
        insert(tx.db(), row.clone())
            .await
            .map_err(|error| or_conflict(error, "project", || format!("name {}", row.name)))?;
        let scope = Scope::of_project(row.id.clone()).by(actor.label());
        note(&tx, &scope, "project.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The organisation to put a project in. Whoever may not create projects sees
    /// none.
    async fn org_for_projects(&self, actor: &Actor, named: Option<String>) -> Result<String> {
        if let Some(id) = named {
            return Ok(self.org_scope(actor, &id).await?.org_id().to_owned());
        }
        if actor.is_operator() {
            return Ok(self.default_organization().await?.id);
        }
        let own = self.memberships(actor).await?.into_iter().next();
        own.map(|(org, _)| org.id)
            .ok_or_else(|| StoreError::not_found("organization", ""))
    }
}

impl Tenant<'_> {
    /// The project of this scope.
    pub async fn project(&self) -> Result<Project> {
        let id = self.scope.project_id();
        project::Entity::find_by_id(id)
            .one(self.store.read())
            .await?
            .map(Project::from)
            .ok_or_else(|| StoreError::not_found("project", id))
    }

    /// Changes what is given. `Conflict` when the name is taken.
    pub async fn change_project(&self, change: ProjectChange, now: Timestamp) -> Result<Project> {
        let taken = change.name.clone().unwrap_or_default();
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE project SET name = COALESCE($2, name), app_name = COALESCE($3, app_name), \
             keeps_proxied = COALESCE($4, keeps_proxied), update_time = $5 WHERE id = $1",
            [
                self.scope.project_id().into(),
                change.name.into(),
                change.app_name.into(),
                change.keeps_proxied.into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| or_conflict(error, "project", || format!("name {taken}")))?;
        let id = self.scope.project_id();
        note(&tx, self.scope, "project.update", id, now).await?;
        tx.commit().await?;
        self.project().await
    }
}
