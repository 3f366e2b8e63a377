//! Groups: the builder's customers, from their first consent until they are erased.

use jiff::Timestamp;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryTrait,
};
use serde_json::Value;

use crate::audit;
use crate::columns::{At, ms};
use crate::connect::Tx;
use crate::entities::customer_group;
use crate::error::{Result, StoreError};
use crate::install_link;
use crate::outbox;
use crate::scope::Tenant;
use crate::statement::{ROWS_PER_STATEMENT, list};
use crate::uninstall::{Leaving, delete_unused};

/// Notifications that are looked at in one statement: each is up to 300 KB.
const LOOKED_AT: i64 = 50;

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

impl From<customer_group::Model> for Group {
    fn from(row: customer_group::Model) -> Self {
        Self {
            project_id: row.project_id,
            group_ref: row.group_ref,
            name: row.name,
            create_time: row.create_time.0,
            update_time: At::opt(row.update_time),
        }
    }
}

impl Tenant<'_> {
    /// Creates the group, or renames it when a name is given.
    pub async fn upsert_group(
        &self,
        group_ref: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Group> {
        let upsert = self.store.backend().sql(
            "INSERT INTO customer_group (project_id, group_ref, name, create_time) \
             VALUES ($1, $2, COALESCE($3, $2), $4) \
             ON CONFLICT (project_id, group_ref) DO UPDATE \
             SET name = COALESCE($3, customer_group.name), update_time = $4 \
             RETURNING project_id, group_ref, name, create_time, update_time",
            [
                self.scope.project_id().into(),
                group_ref.into(),
                name.filter(|name| !name.is_empty()).into(),
                ms(now).into(),
            ],
        );
        let tx = self.store.write().await?;
        let row = customer_group::Model::find_by_statement(upsert)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("group", group_ref))?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// One group.
    pub async fn group(&self, group_ref: &str) -> Result<Group> {
        customer_group::Entity::find()
            .filter(customer_group::Column::ProjectId.eq(self.scope.project_id()))
            .filter(customer_group::Column::GroupRef.eq(group_ref))
            .apply_if(self.scope.group_ref(), |query, own| {
                query.filter(customer_group::Column::GroupRef.eq(own))
            })
            .one(self.store.read())
            .await?
            .map(Group::from)
            .ok_or_else(|| StoreError::not_found("group", group_ref))
    }

    /// The identifiers of the notifications that are about a group. Those do not say
    /// so but in their bodies, which are all opened here, a few at a time.
    pub async fn notifications_about(&self, group_ref: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let select = self.store.backend().sql(
                "SELECT id, COALESCE(envelope, body) AS json FROM outbox \
                 WHERE project_id = $1 AND operation_id = '' AND id > $2 ORDER BY id LIMIT $3",
                [
                    self.scope.project_id().into(),
                    after.as_str().into(),
                    LOOKED_AT.into(),
                ],
            );
            let rows = self.store.read().query_all_raw(select).await?;
            for row in &rows {
                after = row.try_get("", "id")?;
                let json = outbox::decompress(&row.try_get::<Vec<u8>>("", "json")?)?;
                let message: Value = serde_json::from_slice(&json).unwrap_or_default();
                let about = message.pointer("/data/groupRef").and_then(Value::as_str);
                if about == Some(group_ref) {
                    found.push(after.clone());
                }
            }
            if rows.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Deletes a connection of a group that is erased, and with it the person who
    /// connected, unless another connection is theirs too. `Outdated` while
    /// something is installed over it.
    pub async fn erase_connection(&self, connection_id: &str, now: Timestamp) -> Result<()> {
        let known = self.connection(connection_id).await?;
        let mut tx = self.store.write().await?;
        if !delete_unused(&mut tx, &known.id, Leaving::Erased, now).await? {
            return Err(StoreError::Outdated);
        }
        tx.commit().await
    }

    /// Deletes what is left of a group once nothing of it is connected or installed:
    /// these notifications, its links to the install page, and the group itself. `Outdated` while something is.
    pub async fn erase_group(&self, group_ref: &str, notifications: &[String]) -> Result<()> {
        let backend = self.store.backend();
        let project = self.scope.project_id();
        let tx = self.store.write().await?;
        let mut notifications = notifications.to_vec();
        notifications.sort();
        for ids in notifications.chunks(ROWS_PER_STATEMENT) {
            let sql = format!(
                "WITH gone AS MATERIALIZED (SELECT id AS gone_id FROM outbox \
                 WHERE id IN ({}) ORDER BY id{}) \
                 DELETE FROM outbox WHERE id IN (SELECT gone_id FROM gone)",
                list(1, ids.len()),
                backend.for_update()
            );
            let values = ids.iter().map(|id| id.as_str().into()).collect();
            tx.db().execute_raw(backend.sql_many(&sql, values)).await?;
        }
        // Whoever connects or installs refers to this row and so waits, or is seen.
        let lock = format!(
            "SELECT group_ref FROM customer_group WHERE project_id = $1 AND group_ref = $2{}",
            backend.for_update()
        );
        let lock = backend.sql(&lock, [project.into(), group_ref.into()]);
        if tx.db().query_one_raw(lock).await?.is_none() {
            return Err(StoreError::not_found("group", group_ref));
        }
        for table in ["connection", "installation"] {
            let sql =
                format!("SELECT id FROM {table} WHERE project_id = $1 AND group_ref = $2 LIMIT 1");
            let select = backend.sql(&sql, [project.into(), group_ref.into()]);
            if tx.db().query_one_raw(select).await?.is_some() {
                return Err(StoreError::Outdated);
            }
        }
        install_link::erase(&tx, project, group_ref).await?;
        tx.execute(
            "DELETE FROM customer_group WHERE project_id = $1 AND group_ref = $2",
            [project.into(), group_ref.into()],
        )
        .await?;
        tx.commit().await
    }
}

/// A person, whose row is locked.
pub(crate) struct LockedConsumer {
    project_id: String,
    consumer_ref: String,
}

/// Locks the person of a connection: a connection that is being made for the same
/// person waits, or is seen.
pub(crate) async fn lock_consumer_of(
    tx: &Tx<'_>,
    connection_id: &str,
) -> Result<Option<LockedConsumer>> {
    let sql = format!(
        "SELECT project_id, consumer_ref FROM consumer WHERE (project_id, consumer_ref) = \
         (SELECT project_id, consumer_ref FROM connection WHERE id = $1){}",
        tx.backend().for_update()
    );
    let select = tx.backend().sql(&sql, [connection_id.into()]);
    let row = tx.db().query_one_raw(select).await?;
    row.map(|row| {
        Ok(LockedConsumer {
            project_id: row.try_get("", "project_id")?,
            consumer_ref: row.try_get("", "consumer_ref")?,
        })
    })
    .transpose()
}

/// Deletes a person who has no connection any more. What the audit log tells of them
/// stays, under a hash of their reference: whoever knows it can tell that it was meant.
pub(crate) async fn delete_unused_consumer(tx: &Tx<'_>, consumer: &LockedConsumer) -> Result<()> {
    let values = || {
        [
            consumer.project_id.as_str().into(),
            consumer.consumer_ref.as_str().into(),
        ]
    };
    let others = tx.backend().sql(
        "SELECT id FROM connection WHERE project_id = $1 AND consumer_ref = $2 LIMIT 1",
        values(),
    );
    if tx.db().query_one_raw(others).await?.is_none() {
        let delete = "DELETE FROM consumer WHERE project_id = $1 AND consumer_ref = $2";
        tx.execute(delete, values()).await?;
        audit::rename_consumer(tx, &consumer.project_id, &consumer.consumer_ref).await?;
    }
    Ok(())
}
