//! The tables that are read and written as entities. Hot tables (work, outbox,
//! seen keys, budgets) have their statements beside their functions instead.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel};

pub(crate) mod api_key;
pub(crate) mod audit_entry;
pub(crate) mod builder;
pub(crate) mod builder_session;
pub(crate) mod connection;
pub(crate) mod consumer;
pub(crate) mod customer_group;
pub(crate) mod destination;
pub(crate) mod event_topic_route;
pub(crate) mod install_link;
pub(crate) mod installation;
pub(crate) mod integration;
pub(crate) mod invite;
pub(crate) mod jwt_key;
pub(crate) mod membership;
pub(crate) mod operation;
pub(crate) mod operation_log;
pub(crate) mod org_audit_entry;
pub(crate) mod organization;
pub(crate) mod project;
pub(crate) mod provider_app;
pub(crate) mod revision;
pub(crate) mod sync;
pub(crate) mod topic;
pub(crate) mod topic_destination_route;

/// Inserts a row, every column of it.
pub(crate) async fn insert<A: ActiveModelTrait>(
    db: &impl ConnectionTrait,
    row: impl IntoActiveModel<A>,
) -> Result<(), DbErr> {
    A::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(())
}
