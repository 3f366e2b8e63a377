//! Topics: names that events are routed to, and that destinations listen to.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::audit::note;
use crate::columns::{At, ms};
use crate::entities::{insert, topic};
use crate::error::{Result, StoreError, or_conflict};
use crate::ids;
use crate::scope::Tenant;

/// A name that events are routed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The name, unique in the project.
    pub name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
}

impl From<topic::Model> for Topic {
    fn from(row: topic::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            name: row.name,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Creates a topic. `Conflict` when the name is taken.
    pub async fn create_topic(&self, name: &str, now: Timestamp) -> Result<Topic> {
        let row = topic::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            name: name.to_owned(),
            create_time: At(now),
            update_time: None,
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone())
            .await
            .map_err(|error| or_conflict(error, "topic", || format!("name {name}")))?;
        note(&tx, self.scope, "topic.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Every topic of the project, oldest first.
    pub async fn topics(&self) -> Result<Vec<Topic>> {
        let rows = self.find_topics().all(self.store.read()).await?;
        Ok(rows.into_iter().map(Topic::from).collect())
    }

    /// One topic.
    pub async fn topic(&self, id: &str) -> Result<Topic> {
        self.find_topics()
            .filter(topic::Column::Id.eq(id))
            .one(self.store.read())
            .await?
            .map(Topic::from)
            .ok_or_else(|| StoreError::not_found("topic", id))
    }

    /// Gives a topic another name. `Conflict` when that is taken.
    pub async fn rename_topic(&self, id: &str, name: &str, now: Timestamp) -> Result<Topic> {
        let tx = self.store.write().await?;
        tx.execute(
            "UPDATE topic SET name = $3, update_time = $4 WHERE id = $1 AND project_id = $2",
            [
                id.into(),
                self.scope.project_id().into(),
                name.into(),
                ms(now).into(),
            ],
        )
        .await
        .map_err(|error| or_conflict(error, "topic", || format!("name {name}")))?;
        let row = self
            .find_topics()
            .filter(topic::Column::Id.eq(id))
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("topic", id))?;
        note(&tx, self.scope, "topic.update", id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// Deletes a topic and the routes to and from it.
    pub async fn delete_topic(&self, id: &str, now: Timestamp) -> Result<()> {
        let tx = self.store.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM topic WHERE id = $1 AND project_id = $2",
                [id.into(), self.scope.project_id().into()],
            )
            .await?;
        if deleted == 0 {
            return Err(StoreError::not_found("topic", id));
        }
        note(&tx, self.scope, "topic.delete", id, now).await?;
        tx.commit().await
    }

    fn find_topics(&self) -> Select<topic::Entity> {
        topic::Entity::find()
            .filter(topic::Column::ProjectId.eq(self.scope.project_id()))
            .order_by_asc(topic::Column::Id)
    }
}
