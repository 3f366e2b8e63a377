//! Consumers: the people at a customer who connect and install.

use jiff::Timestamp;

use sea_orm::FromQueryResult;

use crate::columns::{At, ms};
use crate::entities::consumer;
use crate::error::{Result, StoreError};
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

impl From<consumer::Model> for Consumer {
    fn from(row: consumer::Model) -> Self {
        Self {
            project_id: row.project_id,
            consumer_ref: row.consumer_ref,
            name: row.name,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Creates the consumer, or renames it when a name is given.
    pub async fn upsert_consumer(
        &self,
        consumer_ref: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Consumer> {
        let upsert = self.store.backend().sql(
            "INSERT INTO consumer (project_id, consumer_ref, name, create_time) \
             VALUES ($1, $2, COALESCE($3, $2), $4) \
             ON CONFLICT (project_id, consumer_ref) DO UPDATE \
             SET name = COALESCE($3, consumer.name), update_time = $4 \
             RETURNING project_id, consumer_ref, name, create_time, update_time",
            [
                self.scope.project_id().into(),
                consumer_ref.into(),
                name.filter(|name| !name.is_empty()).into(),
                ms(now).into(),
            ],
        );
        let tx = self.store.write().await?;
        let row = consumer::Model::find_by_statement(upsert)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("consumer", consumer_ref))?;
        tx.commit().await?;
        Ok(row.into())
    }
}
