//! The audit log: who did what in a project, or in an organisation. Entries are
//! only ever added, each in the transaction of what it tells of; a person who is
//! erased is called by a hash in them from then on.

use jiff::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::columns::At;
use crate::connect::Tx;
use crate::entities::{audit_entry, insert, org_audit_entry};
use crate::error::Result;
use crate::ids;
use crate::organization::OrgTenant;
use crate::scope::{Scope, Tenant, consumer_label};
use crate::secrets::digest;
use crate::statement::page_of;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The identifier; later ones are greater.
    pub id: String,
    /// Who: [`crate::Actor::label`].
    pub actor: String,
    /// What, such as `connection.credentials.read`.
    pub action: String,
    /// To what: its identifier.
    pub subject: String,
    /// When.
    pub create_time: Timestamp,
}

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self {
            id: row.id,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            create_time: row.create_time.0,
        }
    }
}

/// Calls a person by a hash of their reference wherever they did something.
pub(crate) async fn rename_consumer(
    tx: &Tx<'_>,
    project_id: &str,
    consumer_ref: &str,
) -> Result<()> {
    let hashed = format!("sha256:{}", digest(consumer_ref));
    tx.execute(
        "UPDATE audit_entry SET actor = $3 WHERE project_id = $1 AND actor = $2",
        [
            project_id.into(),
            consumer_label(consumer_ref).into(),
            consumer_label(&hashed).into(),
        ],
    )
    .await?;
    Ok(())
}

impl From<org_audit_entry::Model> for AuditEntry {
    fn from(row: org_audit_entry::Model) -> Self {
        Self {
            id: row.id,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            create_time: row.create_time.0,
        }
    }
}

/// Writes down what the scope's actor does to `subject` in this transaction. Where
/// nobody acts, the store goes on with what somebody asked for before, and that is
/// written down already.
pub(crate) async fn note(
    tx: &Tx<'_>,
    scope: &Scope,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    tx.changes_passages();
    let Some(actor) = scope.actor() else {
        return Ok(());
    };
    let row = audit_entry::Model {
        id: ids::new(),
        project_id: scope.project_id().to_owned(),
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        create_time: At(now),
    };
    Ok(insert(tx.db(), row).await?)
}

/// The same of an organisation.
pub(crate) async fn note_org(
    tx: &Tx<'_>,
    org_id: &str,
    actor: &str,
    action: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    let row = org_audit_entry::Model {
        id: ids::new(),
        org_id: org_id.to_owned(),
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        create_time: At(now),
    };
    Ok(insert(tx.db(), row).await?)
}

impl Tenant<'_> {
    /// Writes down what `actor` did to `subject` where the store changes nothing,
    /// as when a credential is looked at.
    pub async fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<()> {
        let scope = self.scope.clone().by(actor.to_owned());
        let tx = self.store.write().await?;
        note(&tx, &scope, action, subject, now).await?;
        tx.commit().await
    }

    /// A page of the log, newest first, and the token of the next page.
    pub async fn audit_entries(
        &self,
        page_size: u64,
        page_token: Option<String>,
    ) -> Result<(Vec<AuditEntry>, Option<String>)> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::ProjectId.eq(self.scope.project_id()))
            .apply_if(page_token, |query, token| {
                query.filter(audit_entry::Column::Id.lt(token))
            })
            .order_by_desc(audit_entry::Column::Id)
            .limit(page_size.saturating_add(1))
            .all(self.store.read())
            .await?;
        let found = rows.into_iter().map(AuditEntry::from).collect();
        Ok(page_of(found, page_size, |last: &AuditEntry| {
            last.id.clone()
        }))
    }
}

impl OrgTenant<'_> {
    /// A page of the organisation's log, newest first, and the token of the next
    /// page.
    pub async fn audit_entries(
        &self,
        page_size: u64,
        page_token: Option<String>,
    ) -> Result<(Vec<AuditEntry>, Option<String>)> {
        let rows = org_audit_entry::Entity::find()
            .filter(org_audit_entry::Column::OrgId.eq(self.scope.org_id()))
            .apply_if(page_token, |query, token| {
                query.filter(org_audit_entry::Column::Id.lt(token))
            })
            .order_by_desc(org_audit_entry::Column::Id)
            .limit(page_size.saturating_add(1))
            .all(self.store.read())
            .await?;
        let found = rows.into_iter().map(AuditEntry::from).collect();
        Ok(page_of(found, page_size, |last: &AuditEntry| {
            last.id.clone()
        }))
    }
}
