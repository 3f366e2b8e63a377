//! `/projects/{p}/audit-log`, beside the contract: who did what.

use axum::extract::State;
use engine::Engine;
use jiff::Timestamp;
use serde::Serialize;
use store::AuditEntry;
use utoipa::ToSchema;

use super::page::{PageQuery, Pagination};
use crate::auth::FullCaller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// One page, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLogPage)]
pub(crate) struct PageJson {
    results: Vec<EntryJson>,
    pagination: Pagination,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditLogEntry)]
struct EntryJson {
    id: String,
    actor: String,
    action: String,
    subject: String,
    create_time: Timestamp,
}

impl PageJson {
    /// Entries, and where the next page begins.
    pub(super) fn of(entries: Vec<AuditEntry>, next: Option<String>) -> Self {
        Self {
            results: entries.into_iter().map(Into::into).collect(),
            pagination: Pagination::of(next),
        }
    }
}

impl From<AuditEntry> for EntryJson {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            create_time: entry.create_time,
        }
    }
}

/// What was done in the project.
pub(crate) async fn list(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<PageJson>, Problem> {
    let size = u64::from(query.size()?);
    let token = query.token().map(str::to_owned);
    let scope = engine.store.scope(&actor, &project).await?;
    let (entries, next) = engine
        .store
        .within(&scope)
        .audit_entries(size, token)
        .await?;
    Ok(axum::Json(PageJson::of(entries, next)))
}
