//! Finding operations by what they are about.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Value,
};

use crate::columns::At;
use crate::entities::{installation, operation};
use crate::error::Result;
use crate::operation::{Operation, OperationStatus, ReadType};
use crate::scope::Tenant;
use crate::statement::{list, page_of};

/// Which operations to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter {
    /// Of this status.
    pub status: Option<OperationStatus>,
    /// Of this action, in the contract's word.
    pub action_type: Option<String>,
    /// Reads that run for this reason.
    pub read_type: Option<ReadType>,
    /// About this object, by the provider's name.
    pub object_name: Option<String>,
    /// Of this installation.
    pub installation_id: Option<String>,
    /// Of this customer.
    pub group_ref: Option<String>,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun before this time.
    pub to: Option<Timestamp>,
}

/// Whom an installation is of, and what it installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The customer.
    pub group_ref: String,
    /// That customer's name.
    pub group_name: String,
    /// The integration.
    pub integration_id: String,
    /// Its name.
    pub integration_name: String,
}

impl Tenant<'_> {
    /// One page of the operations that match, newest first, and the token of the
    /// next page.
    pub async fn operations_matching(
        &self,
        filter: OperationFilter,
        page_size: u64,
        page_token: Option<String>,
    ) -> Result<(Vec<Operation>, Option<String>)> {
        use operation::Column;
        let project = self.scope.project_id();
        let rows = self
            .find_operations()
            .apply_if(filter.status, |query, is| {
                query.filter(Column::Status.eq(is))
            })
            .apply_if(filter.action_type, |query, is| {
                query.filter(Column::ActionType.eq(is))
            })
            .apply_if(filter.read_type, |query, is| {
                query.filter(Column::ReadType.eq(is))
            })
            .apply_if(filter.object_name, |query, is| {
                query.filter(Column::ObjectName.eq(is))
            })
            .apply_if(filter.installation_id, |query, is| {
                query.filter(Column::InstallationId.eq(is))
            })
            .apply_if(filter.group_ref, |query, group| {
                let installations = installation::Entity::find()
                    .select_only()
                    .column(installation::Column::Id)
                    .filter(installation::Column::ProjectId.eq(project))
                    .filter(installation::Column::GroupRef.eq(group));
                query.filter(Column::InstallationId.in_subquery(installations.into_query()))
            })
            .apply_if(filter.from, |query, at| {
                query.filter(Column::CreateTime.gte(At(at)))
            })
            .apply_if(filter.to, |query, at| {
                query.filter(Column::CreateTime.lt(At(at)))
            })
            .apply_if(page_token, |query, token| {
                query.filter(Column::Id.lt(token))
            })
            .limit(page_size.saturating_add(1))
            .all(self.store.read())
            .await?;
        let found = rows.into_iter().map(Operation::from).collect();
        Ok(page_of(found, page_size, |last: &Operation| {
            last.id.clone()
        }))
    }

    /// Those of the operations named that there are, newest first.
    pub async fn operations_named(&self, ids: &[String]) -> Result<Vec<Operation>> {
        let ids = ids.iter().map(String::as_str);
        let rows = self
            .find_operations()
            .filter(operation::Column::Id.is_in(ids))
            .all(self.store.read())
            .await?;
        Ok(rows.into_iter().map(Operation::from).collect())
    }

    /// What is known of these installations, by their identifiers.
    pub async fn installed(&self, ids: &[&str]) -> Result<HashMap<String, Installed>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut values: Vec<Value> = vec![self.scope.project_id().into()];
        values.extend(ids.iter().map(|id| Value::from(*id)));
        let sql = format!(
            "SELECT i.id, i.group_ref, g.name AS group_name, i.integration_id, \
             n.name AS integration_name FROM installation i \
             JOIN customer_group g ON g.project_id = i.project_id AND g.group_ref = i.group_ref \
             JOIN integration n ON n.id = i.integration_id \
             WHERE i.project_id = $1 AND i.id IN ({})",
            list(2, ids.len())
        );
        let mut found = HashMap::new();
        let select = self.store.backend().sql_many(&sql, values);
        for row in self.store.read().query_all_raw(select).await? {
            let installed = Installed {
                group_ref: row.try_get("", "group_ref")?,
                group_name: row.try_get("", "group_name")?,
                integration_id: row.try_get("", "integration_id")?,
                integration_name: row.try_get("", "integration_name")?,
            };
            found.insert(row.try_get("", "id")?, installed);
        }
        Ok(found)
    }
}
