//! Integrations: what a manifest declares, by name, each with its revisions.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

use crate::audit::note;
use crate::columns::{At, Json, ms};
use crate::connect::Tx;
use crate::entities::{insert, integration, revision};
use crate::error::{Result, StoreError};
use crate::ids;
use crate::revision::{NewRevision, Revision};
use crate::scope::Tenant;
use crate::statement::ROWS_PER_STATEMENT;
use crate::work::{self, Kind, Reads};
use crate::{Backend, reconcile, removed};

/// A named declaration of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The name, unique in the project.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
    /// What it says now.
    pub latest_revision: Revision,
}

impl Integration {
    /// A row with the revision that it names.
    pub(crate) fn of(row: integration::Model, latest_revision: Revision) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            provider: row.provider,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
            latest_revision,
        }
    }
}

impl Tenant<'_> {
    /// Deploys a manifest's integrations in one transaction, in their order:
    /// each is found by name or created, and gets a new revision unless its
    /// content is unchanged. Reads go by the new revision from the commit on;
    /// what else it asks for is done by the work that is requested here.
    ///
    /// Reads of objects that the manifest has no longer go on by their last
    /// definition, which is kept here, or stop if this is `destructive`.
    pub async fn deploy(
        &self,
        revisions: Vec<NewRevision>,
        destructive: bool,
        now: Timestamp,
    ) -> Result<Vec<Integration>> {
        let mut tx = self.store.write().await?;
        self.lock_project(&tx).await?;
        let mut steps = Vec::with_capacity(revisions.len());
        for new in revisions {
            let known = self.known(&tx, &new).await?;
            steps.push((new, known));
        }
        let mut touched: Vec<String> = steps
            .iter()
            .filter(|(new, known)| destructive || !known.as_ref().is_some_and(|k| k.says(new)))
            .filter_map(|(_, known)| Some(known.as_ref()?.row.id.clone()))
            .collect();
        touched.sort();
        for id in &touched {
            work::request(&mut tx, Kind::INTEGRATION, id, work::INTERACTIVE, now).await?;
        }
        work::recall_reads(&mut tx, Reads::OfIntegrations(&touched), now).await?;
        reconcile::forget_ticks(&tx, Reads::OfIntegrations(&touched), now).await?;
        let mut deployed = Vec::with_capacity(steps.len());
        for (new, known) in steps {
            if let Some(known) = &known
                && touched.contains(&known.row.id)
            {
                removed::settle(
                    &mut tx,
                    &known.row.id,
                    &known.latest.content.0,
                    &new,
                    destructive,
                    now,
                )
                .await?;
            }
            let integration = self.deploy_one(&tx, new, known, now).await?;
            note(&tx, self.scope, "integration.deploy", &integration.id, now).await?;
            deployed.push(integration);
        }
        tx.commit().await?;
        Ok(deployed)
    }

    /// Creates an integration with its first revision. `Conflict` when the project
    /// has one of that name.
    pub async fn create_integration(
        &self,
        new: NewRevision,
        now: Timestamp,
    ) -> Result<Integration> {
        let tx = self.store.write().await?;
        self.lock_project(&tx).await?;
        if self.known(&tx, &new).await?.is_some() {
            return Err(StoreError::Conflict {
                what: "integration",
                detail: format!("name {}", new.name),
            });
        }
        let created = self.deploy_one(&tx, new, None, now).await?;
        tx.commit().await?;
        Ok(created)
    }

    /// Deletes an integration that nobody has installed, with its revisions and its
    /// work. `Outdated` while somebody has.
    pub async fn delete_integration(&self, id: &str) -> Result<()> {
        let backend = self.store.backend();
        let tx = self.store.write().await?;
        self.lock_project(&tx).await?;
        // A deploy on its way to the installations finds its row gone.
        tx.execute(
            "DELETE FROM work WHERE kind = $1 AND subject_id = $2",
            [Kind::INTEGRATION.as_str().into(), id.into()],
        )
        .await?;
        // Whoever installs keeps this row from being deleted, and is seen below.
        let lock = format!(
            "SELECT id FROM integration WHERE id = $1 AND project_id = $2{}",
            backend.for_update()
        );
        let lock = backend.sql(&lock, [id.into(), self.scope.project_id().into()]);
        tx.db()
            .query_one_raw(lock)
            .await?
            .ok_or_else(|| StoreError::not_found("integration", id))?;
        let installed = backend.sql(
            "SELECT id FROM installation WHERE integration_id = $1 LIMIT 1",
            [id.into()],
        );
        if tx.db().query_one_raw(installed).await?.is_some() {
            return Err(StoreError::Outdated);
        }
        tx.execute("DELETE FROM integration WHERE id = $1", [id.into()])
            .await?;
        tx.commit().await
    }

    /// Lets deployments of a project follow one another. Rows that refer to the
    /// project may be added meanwhile: commits of pages must not wait here.
    async fn lock_project(&self, tx: &Tx<'_>) -> Result<()> {
        let backend = self.store.backend();
        let project = self.scope.project_id();
        let lock = match backend {
            Backend::Sqlite => "SELECT id FROM project WHERE id = $1",
            Backend::Postgres => "SELECT id FROM project WHERE id = $1 FOR NO KEY UPDATE",
        };
        tx.db()
            .query_one_raw(backend.sql(lock, [project.into()]))
            .await?
            .ok_or_else(|| StoreError::not_found("project", project))
            .map(drop)
    }

    /// Every integration of the project, by name.
    pub async fn integrations(&self) -> Result<Vec<Integration>> {
        let rows = self
            .find_integrations()
            .order_by_asc(integration::Column::Name)
            .all(self.store.read())
            .await?;
        self.with_revisions(rows).await
    }

    /// One integration.
    pub async fn integration(&self, id_or_name: &str) -> Result<Integration> {
        let rows = self
            .find_integrations()
            .filter(
                integration::Column::Id
                    .eq(id_or_name)
                    .or(integration::Column::Name.eq(id_or_name)),
            )
            .all(self.store.read())
            .await?;
        // An identifier goes before a name that looks like one.
        let row = rows
            .iter()
            .find(|row| row.id == id_or_name)
            .or(rows.first())
            .cloned();
        self.with_revisions(row.into_iter().collect())
            .await?
            .pop()
            .ok_or_else(|| StoreError::not_found("integration", id_or_name))
    }

    /// The revisions of an integration that this scope sees, newest first, so many
    /// at most.
    pub async fn revisions(&self, integration: &Integration, most: u64) -> Result<Vec<Revision>> {
        let rows = revision::Entity::find()
            .filter(revision::Column::IntegrationId.eq(&integration.id))
            .order_by_desc(revision::Column::Id)
            .limit(most)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Revision::from).collect())
    }

    fn find_integrations(&self) -> Select<integration::Entity> {
        integration::Entity::find()
            .filter(integration::Column::ProjectId.eq(self.scope.project_id()))
    }

    async fn with_revisions(&self, rows: Vec<integration::Model>) -> Result<Vec<Integration>> {
        let mut revisions = HashMap::with_capacity(rows.len());
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let latest = rows.iter().map(|row| row.latest_revision_id.as_str());
            let found = revision::Entity::find()
                .filter(revision::Column::Id.is_in(latest))
                .all(self.store.read())
                .await?;
            revisions.extend(found.into_iter().map(|row| (row.id.clone(), row)));
        }
        rows.into_iter()
            .map(|row| {
                let latest = revisions
                    .remove(&row.latest_revision_id)
                    .ok_or_else(|| StoreError::not_found("revision", &row.latest_revision_id))?;
                Ok(Integration::of(row, latest.into()))
            })
            .collect()
    }

    /// The integration that a new revision is for, with what it says now.
    async fn known(&self, tx: &Tx<'_>, new: &NewRevision) -> Result<Option<Known>> {
        let row = self
            .find_integrations()
            .filter(integration::Column::Name.eq(&new.name))
            .one(tx.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let latest = revision::Entity::find_by_id(&row.latest_revision_id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("revision", &row.latest_revision_id))?;
        Ok(Some(Known { row, latest }))
    }

    async fn deploy_one(
        &self,
        tx: &Tx<'_>,
        new: NewRevision,
        known: Option<Known>,
        now: Timestamp,
    ) -> Result<Integration> {
        let revision_id = ids::new();
        let row = match known {
            Some(known) if known.says(&new) => {
                return Ok(Integration::of(known.row, known.latest.into()));
            }
            Some(Known { row, .. }) => {
                tx.execute(
                    "UPDATE integration SET provider = $2, latest_revision_id = $3, \
                     update_time = $4 WHERE id = $1",
                    [
                        row.id.as_str().into(),
                        new.provider.as_str().into(),
                        revision_id.as_str().into(),
                        ms(now).into(),
                    ],
                )
                .await?;
                integration::Model {
                    provider: new.provider,
                    latest_revision_id: revision_id.clone(),
                    update_time: Some(At(now)),
                    ..row
                }
            }
            None => {
                let row = integration::Model {
                    id: ids::new(),
                    project_id: self.scope.project_id().to_owned(),
                    name: new.name,
                    provider: new.provider,
                    latest_revision_id: revision_id.clone(),
                    create_time: At(now),
                    update_time: None,
                };
                insert(tx.db(), row.clone()).await?;
                row
            }
        };
        let latest = revision::Model {
            id: revision_id,
            integration_id: row.id.clone(),
            spec_version: new.spec_version,
            content: Json(new.content),
            create_time: At(now),
        };
        insert(tx.db(), latest.clone()).await?;
        Ok(Integration::of(row, latest.into()))
    }
}

/// An integration that is there, with what it says now.
struct Known {
    row: integration::Model,
    latest: revision::Model,
}

impl Known {
    /// Whether it says just that already.
    fn says(&self, new: &NewRevision) -> bool {
        self.latest.content.0 == new.content
            && self.latest.spec_version == new.spec_version
            && self.row.provider == new.provider
    }
}
