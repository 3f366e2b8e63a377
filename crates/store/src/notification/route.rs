//! Routes: from an event to a topic, and from a topic to a destination. They
//! end with the topic or destination that they lead to.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QueryTrait};

use super::event::NotificationEvent;
use crate::audit::note;
use crate::columns::At;
use crate::entities::{event_topic_route, insert, topic_destination_route};
use crate::error::{Result, StoreError, or_conflict};
use crate::ids;
use crate::scope::Tenant;

/// A topic that an event is routed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRoute {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The event.
    pub event: NotificationEvent,
    /// The topic.
    pub topic_id: String,
    /// When it was created.
    pub create_time: Timestamp,
}

/// A destination that listens to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationRoute {
    /// The identifier.
    pub id: String,
    /// The project that it belongs to.
    pub project_id: String,
    /// The topic.
    pub topic_id: String,
    /// The destination.
    pub destination_id: String,
    /// When it was created.
    pub create_time: Timestamp,
}

impl From<event_topic_route::Model> for EventRoute {
    fn from(row: event_topic_route::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            event: row.event_type,
            topic_id: row.topic_id,
            create_time: row.create_time.0,
        }
    }
}

impl From<topic_destination_route::Model> for DestinationRoute {
    fn from(row: topic_destination_route::Model) -> Self {
        Self {
            id: row.id,
            project_id: row.project_id,
            topic_id: row.topic_id,
            destination_id: row.destination_id,
            create_time: row.create_time.0,
        }
    }
}

impl Tenant<'_> {
    /// Routes an event to a topic. `NotFound` when there is no such topic,
    /// `Conflict` when it is routed there already.
    pub async fn create_event_route(
        &self,
        event: NotificationEvent,
        topic_id: &str,
        now: Timestamp,
    ) -> Result<EventRoute> {
        let row = event_topic_route::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            event_type: event,
            topic_id: self.topic(topic_id).await?.id,
            create_time: At(now),
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone()).await.map_err(|error| {
            or_conflict(error, "route", || {
                format!("{} to topic {topic_id}", event.as_str())
            })
        })?;
        note(&tx, self.scope, "event-route.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The routes of events that match, oldest first; `None` is any.
    pub async fn event_routes(
        &self,
        event: Option<NotificationEvent>,
        topic_id: Option<&str>,
    ) -> Result<Vec<EventRoute>> {
        let rows = event_topic_route::Entity::find()
            .filter(event_topic_route::Column::ProjectId.eq(self.scope.project_id()))
            .apply_if(event, |query, event| {
                query.filter(event_topic_route::Column::EventType.eq(event))
            })
            .apply_if(topic_id, |query, id| {
                query.filter(event_topic_route::Column::TopicId.eq(id))
            })
            .order_by_asc(event_topic_route::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(EventRoute::from).collect())
    }

    /// Deletes the route of an event.
    pub async fn delete_event_route(&self, id: &str, now: Timestamp) -> Result<()> {
        let action = "event-route.delete";
        self.delete_route("event_topic_route", id, action, now)
            .await
    }

    /// Lets a destination listen to a topic. `NotFound` when there is no such
    /// topic or destination, `Conflict` when it listens already.
    pub async fn create_destination_route(
        &self,
        topic_id: &str,
        destination_id: &str,
        now: Timestamp,
    ) -> Result<DestinationRoute> {
        let row = topic_destination_route::Model {
            id: ids::new(),
            project_id: self.scope.project_id().to_owned(),
            topic_id: self.topic(topic_id).await?.id,
            destination_id: self.destination(destination_id).await?.id,
            create_time: At(now),
        };
        let tx = self.store.write().await?;
        insert(tx.db(), row.clone()).await.map_err(|error| {
            or_conflict(error, "route", || {
                format!("topic {topic_id} to destination {destination_id}")
            })
        })?;
        note(&tx, self.scope, "destination-route.create", &row.id, now).await?;
        tx.commit().await?;
        Ok(row.into())
    }

    /// The routes to destinations that match, oldest first; `None` is any.
    pub async fn destination_routes(
        &self,
        topic_id: Option<&str>,
        destination_id: Option<&str>,
    ) -> Result<Vec<DestinationRoute>> {
        let rows = topic_destination_route::Entity::find()
            .filter(topic_destination_route::Column::ProjectId.eq(self.scope.project_id()))
            .apply_if(topic_id, |query, id| {
                query.filter(topic_destination_route::Column::TopicId.eq(id))
            })
            .apply_if(destination_id, |query, id| {
                query.filter(topic_destination_route::Column::DestinationId.eq(id))
            })
            .order_by_asc(topic_destination_route::Column::Id)
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(DestinationRoute::from).collect())
    }

    /// Deletes the route to a destination.
    pub async fn delete_destination_route(&self, id: &str, now: Timestamp) -> Result<()> {
        let action = "destination-route.delete";
        self.delete_route("topic_destination_route", id, action, now)
            .await
    }

    async fn delete_route(
        &self,
        table: &'static str,
        id: &str,
        action: &'static str,
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.store.write().await?;
        let deleted = tx
            .execute(
                &format!("DELETE FROM {table} WHERE id = $1 AND project_id = $2"),
                [id.into(), self.scope.project_id().into()],
            )
            .await?;
        if deleted == 0 {
            return Err(StoreError::not_found("route", id));
        }
        note(&tx, self.scope, action, id, now).await?;
        tx.commit().await
    }
}
