//! Reading one object of one installation: what a run needs, and the one
//! transaction by which it makes progress.
//!
//! The fence is the first statement of that transaction. Position, messages,
//! seen keys, progress and logs become visible together or not at all.

use jiff::Timestamp;
use sea_orm::EntityTrait;
use serde_json::Value;

use crate::columns::{At, ms};
use crate::connect::Tx;
use crate::connection::Connection;
use crate::consumer::Consumer;
use crate::entities::{
    self, connection, consumer, customer_group, insert, installation, integration, project,
    revision, sync,
};
use crate::error::{Result, StoreError};
use crate::group::Group;
use crate::installation::Installation;
use crate::integration::Integration;
use crate::notification::{self, Happening, ReadEnded};
use crate::operation::{self, OperationStatus, ReadType};
use crate::operation_log::{self, NewLog};
use crate::outbox::{self, Compressed, NewMessage};
use crate::project::Project;
use crate::revision::Revision;
use crate::scope::Scope;
use crate::seen::{self, SeenKey};
use crate::triggered::{self, ReadRange};
use crate::work::{self, Lease};
use crate::{Store, ids};

/// The state of reading one object of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// The identifier, the subject of its work.
    pub id: String,
    /// The installation.
    pub installation_id: String,
    /// The provider's name of the object.
    pub object_name: String,
    /// The run under way.
    pub operation_id: Option<String>,
    /// Why that run runs.
    pub read_type: Option<ReadType>,
    /// Where that run is: the connector's state as JSON.
    pub position: Option<String>,
    /// Where that run began; `None` is the beginning.
    pub since: Option<Timestamp>,
    /// What that run was asked to read, if somebody asked for it.
    pub range: Option<ReadRange>,
    /// Where the next incremental read begins.
    pub watermark: Option<Timestamp>,
    /// When the next scheduled read is due; `None` is never.
    pub due_at: Option<Timestamp>,
    /// Records of that run so far.
    pub records_processed: i64,
    /// How many there will be, where the provider says.
    pub records_estimated_total: Option<i64>,
    /// Whether it is to begin nothing of its own accord and rests meanwhile.
    pub paused: bool,
    /// Whether the backfill is to be begun anew.
    pub backfill_due: bool,
    /// The object's last definition, once the manifest has it no longer.
    pub definition: Option<Value>,
}

/// All that a run needs to know.
#[derive(Debug, Clone)]
pub struct ReadSubject {
    /// The scope of its project.
    pub scope: Scope,
    /// The state.
    pub sync: Sync,
    /// When the run under way began, or was asked for.
    pub begun_at: Option<Timestamp>,
    /// The installation.
    pub installation: Installation,
    /// The integration.
    pub integration: Integration,
    /// The integration's latest revision.
    pub revision: Revision,
    /// The connection.
    pub connection: Connection,
    /// The project.
    pub project: Project,
    /// The customer.
    pub group: Group,
    /// The person who connected.
    pub consumer: Consumer,
}

/// The progress of one page.
#[derive(Debug, Clone)]
pub struct PageCommit {
    /// Where the run is now.
    pub position: Option<String>,
    /// What is to be delivered.
    pub messages: Vec<NewMessage>,
    /// What has been seen.
    pub seen: Vec<SeenKey>,
    /// Records of this page, added to the progress.
    pub records: u64,
    /// A new estimate of the total.
    pub estimated_total: Option<u64>,
    /// Lines for the operation's log.
    pub logs: Vec<NewLog>,
    /// The end of the run, when this was the last page.
    pub end: Option<RunEnd>,
    /// What becomes of the lease.
    pub afterwards: Afterwards,
}

/// The end of a run.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The object, as messages name it.
    pub object_name: String,
    /// How it went.
    pub status: OperationStatus,
    /// A sentence about what came of it.
    pub result: Option<String>,
    /// Where the next incremental read begins; `None` leaves it, and where there
    /// was none it becomes the beginning of the run, unless that was triggered.
    pub watermark: Option<Timestamp>,
    /// Seen keys whose version is below this are forgotten.
    pub forget_seen_before: Option<String>,
    /// When the next scheduled read is due; `None` is never.
    pub due_at: Option<Timestamp>,
}

/// What becomes of the lease after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It is kept.
    Hold,
    /// The row is freed, to be due then; `None` sleeps until it is poked.
    Release(Option<Timestamp>),
}

impl Sync {
    /// Since when the installation reads the object: its identifier tells. `None` for
    /// an identifier that does not.
    #[must_use]
    pub fn create_time(&self) -> Option<Timestamp> {
        ids::made_at(&self.id)
    }
}

impl From<sync::Model> for Sync {
    fn from(row: sync::Model) -> Self {
        Self {
            id: row.id,
            installation_id: row.installation_id,
            object_name: row.object_name,
            operation_id: row.operation_id,
            read_type: row.read_type,
            position: row.position,
            since: At::opt(row.since),
            range: row.range.map(|span| span.0),
            watermark: At::opt(row.watermark),
            due_at: At::opt(row.due_at),
            records_processed: row.records_processed,
            records_estimated_total: row.records_estimated_total,
            paused: row.paused,
            backfill_due: row.backfill_due,
            definition: row.definition.map(|json| json.0),
        }
    }
}

impl Store {
    /// All that the run under this lease needs. `NotFound` when its subject is
    /// gone.
    pub async fn read_subject(&self, lease: &Lease) -> Result<ReadSubject> {
        let id = &lease.subject_id;
        let db = self.read();
        let gone = |what| move || StoreError::not_found(what, id);
        let sync = sync::Entity::find_by_id(id);
        let sync = sync.one(db).await?.ok_or_else(gone("sync"))?;
        let installation = installation::Entity::find_by_id(&sync.installation_id);
        let installation = installation
            .one(db)
            .await?
            .ok_or_else(gone("installation of sync"))?;
        let integration = integration::Entity::find_by_id(&installation.integration_id);
        let integration = integration
            .one(db)
            .await?
            .ok_or_else(gone("integration of sync"))?;
        let revision = revision::Entity::find_by_id(&integration.latest_revision_id);
        let revision = revision
            .one(db)
            .await?
            .ok_or_else(gone("revision of sync"))?;
        let connection = connection::Entity::find_by_id(&installation.connection_id);
        let connection = connection
            .one(db)
            .await?
            .ok_or_else(gone("connection of sync"))?;
        let project = project::Entity::find_by_id(&installation.project_id);
        let project = project.one(db).await?.ok_or_else(gone("project of sync"))?;
        let group = (project.id.clone(), installation.group_ref.clone());
        let group = customer_group::Entity::find_by_id(group);
        let group = group.one(db).await?.ok_or_else(gone("group of sync"))?;
        let consumer = (project.id.clone(), connection.consumer_ref.clone());
        let consumer = consumer::Entity::find_by_id(consumer);
        let consumer = consumer
            .one(db)
            .await?
            .ok_or_else(gone("consumer of sync"))?;
        let begun_at = match &sync.operation_id {
            Some(id) => {
                let begun = entities::operation::Entity::find_by_id(id);
                begun.one(db).await?
            }
            None => None,
        };
        let revision = Revision::from(revision);
        Ok(ReadSubject {
            scope: Scope::of_project(project.id.clone()),
            begun_at: begun_at.map(|operation| operation.create_time.0),
            sync: sync.into(),
            installation: installation.into(),
            integration: Integration::of(integration, revision.clone()),
            revision,
            connection: connection.into(),
            project: project.into(),
            group: group.into(),
            consumer: consumer.into(),
        })
    }

    /// Commits a page in one transaction. `LeaseLost`, and nothing written,
    /// when the lease has passed on.
    pub async fn commit_page(
        &self,
        lease: &Lease,
        commit: PageCommit,
        now: Timestamp,
    ) -> Result<()> {
        let committed = self.commit_page_once(lease, commit, now).await;
        self.watch(committed, now)
    }

    async fn commit_page_once(
        &self,
        lease: &Lease,
        commit: PageCommit,
        now: Timestamp,
    ) -> Result<()> {
        let messages = Compressed::all(&commit.messages)?;
        let mut tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        let run = progress(&tx, lease, &commit, now).await?;
        outbox::put(&mut tx, &messages, now).await?;
        seen::remember(&tx, &lease.subject_id, &commit.seen).await?;
        if let Some(operation_id) = &run.operation_id {
            operation_log::append(&tx, operation_id, &commit.logs, now).await?;
        }
        let mut afterwards = commit.afterwards;
        if let Some(end) = &commit.end {
            finish_run(&tx, &run, end, now).await?;
            tell_of_end(&mut tx, &run, end, now).await?;
            if triggered::is_next(&tx, lease).await? {
                afterwards = Afterwards::Release(Some(now));
            }
        }
        if let Afterwards::Release(next_at) = afterwards {
            work::release(&mut tx, lease, next_at, now).await?;
        }
        tx.commit().await
    }

    /// Begins a run where none is under way: an operation in progress, the
    /// position at the beginning. Returns the operation's id. Fenced.
    pub async fn begin_run(
        &self,
        lease: &Lease,
        read_type: ReadType,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<String> {
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        let sync = row_of(&tx, lease).await?;
        let installation = installation::Entity::find_by_id(&sync.installation_id)
            .one(tx.db())
            .await?
            .ok_or_else(|| StoreError::not_found("installation", &sync.installation_id))?;
        let operation = operation::read_of(&installation, &sync.object_name, read_type, now);
        let operation_id = operation.id.clone();
        insert(tx.db(), operation).await?;
        tx.execute(
            "UPDATE sync SET operation_id = $2, read_type = $3, position = NULL, since = $4, \
             range = NULL, backfill_due = (backfill_due AND $3 <> 'backfill'), \
             records_processed = 0, records_estimated_total = NULL WHERE id = $1",
            [
                sync.id.as_str().into(),
                operation_id.as_str().into(),
                read_type.as_str().into(),
                since.map(ms).into(),
            ],
        )
        .await?;
        tx.execute(
            "UPDATE installation SET last_operation_status = 'in_progress' WHERE id = $1",
            [installation.id.into()],
        )
        .await?;
        work::change_lane(&tx, lease, read_type.lane()).await?;
        tx.commit().await?;
        Ok(operation_id)
    }

    /// Plans the next scheduled read, and frees the row until then. Fenced.
    pub async fn plan(
        &self,
        lease: &Lease,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        tx.execute(
            "UPDATE sync SET due_at = $2 WHERE id = $1",
            [lease.subject_id.as_str().into(), due_at.map(ms).into()],
        )
        .await?;
        work::release(&mut tx, lease, due_at, now).await?;
        tx.commit().await
    }

    /// Begins without a backfill: the next read is a scheduled one, from
    /// `watermark` on. Frees the row until then. Fenced.
    pub async fn begin_without_backfill(
        &self,
        lease: &Lease,
        watermark: Option<Timestamp>,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        work::fence_progress(&tx, lease).await?;
        tx.execute(
            "UPDATE sync SET backfill_due = FALSE, watermark = $2, due_at = $3 WHERE id = $1",
            [
                lease.subject_id.as_str().into(),
                watermark.map(ms).into(),
                due_at.map(ms).into(),
            ],
        )
        .await?;
        work::release(&mut tx, lease, due_at, now).await?;
        tx.commit().await
    }

    /// Frees the row until then, with a line in the log, once for each run and
    /// sentence. The claim does not count as an attempt: nothing was tried.
    pub async fn wait(
        &self,
        lease: &Lease,
        log: &NewLog,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.write().await?;
        work::fence(&tx, lease).await?;
        if let Some(operation_id) = row_of(&tx, lease).await?.operation_id
            && !operation_log::says(&tx, &operation_id, &log.msg).await?
        {
            operation_log::append(&tx, &operation_id, std::slice::from_ref(log), now).await?;
        }
        work::put_off(tx, lease, until, now).await
    }

    /// Writes log lines and frees the row until `next_at`; attempts keep
    /// counting. Fenced.
    pub async fn retry_run(
        &self,
        lease: &Lease,
        logs: &[NewLog],
        next_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        note(&tx, lease, logs, now).await?;
        work::release(&mut tx, lease, Some(next_at), now).await?;
        tx.commit().await
    }
}

/// The state under a lease. Its lock is the fence.
async fn row_of(tx: &Tx<'_>, lease: &Lease) -> Result<sync::Model> {
    sync::Entity::find_by_id(&lease.subject_id)
        .one(tx.db())
        .await?
        .ok_or_else(|| StoreError::not_found("sync", &lease.subject_id))
}

/// Moves the position and counts the records.
async fn progress(
    tx: &Tx<'_>,
    lease: &Lease,
    commit: &PageCommit,
    now: Timestamp,
) -> Result<sync::Model> {
    let run = row_of(tx, lease).await?;
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let processed = run.records_processed.saturating_add(signed(commit.records));
    let total = commit.estimated_total.map(signed);
    let total = total.or(run.records_estimated_total);
    tx.execute(
        "UPDATE sync SET position = $2, records_processed = $3, records_estimated_total = $4 \
         WHERE id = $1",
        [
            run.id.as_str().into(),
            commit.position.as_deref().into(),
            processed.into(),
            total.into(),
        ],
    )
    .await?;
    if let Some(operation_id) = &run.operation_id {
        tx.execute(
            "UPDATE operation SET records_processed = $2, records_estimated_total = $3, \
             update_time = $4 WHERE id = $1",
            [
                operation_id.as_str().into(),
                processed.into(),
                total.into(),
                ms(now).into(),
            ],
        )
        .await?;
    }
    Ok(run)
}

/// Ends a run: its operation, the state that only it needed, what it has seen.
async fn finish_run(tx: &Tx<'_>, run: &sync::Model, end: &RunEnd, now: Timestamp) -> Result<()> {
    if let Some(operation_id) = &run.operation_id {
        tx.execute(
            "UPDATE operation SET status = $2, result = $3, update_time = $4 WHERE id = $1",
            [
                operation_id.as_str().into(),
                end.status.as_str().into(),
                end.result.as_deref().into(),
                ms(now).into(),
            ],
        )
        .await?;
    }
    // Everything is here up to where the next read begins; where reads are whole,
    // up to when this one began.
    tx.execute(
        "UPDATE sync SET operation_id = NULL, read_type = NULL, position = NULL, since = NULL, \
         range = NULL, watermark = COALESCE($2, watermark, since), due_at = $3, \
         records_processed = 0, records_estimated_total = NULL, failed = NOT $4, \
         fresh_at = CASE WHEN $4 THEN COALESCE($2, \
         (SELECT create_time FROM operation WHERE operation.id = sync.operation_id), $5) \
         ELSE fresh_at END WHERE id = $1",
        [
            run.id.as_str().into(),
            end.watermark.map(ms).into(),
            end.due_at.map(ms).into(),
            (end.status == OperationStatus::Success).into(),
            ms(now).into(),
        ],
    )
    .await?;
    tx.execute(
        "UPDATE installation SET last_operation_status = $2 WHERE id = $1",
        [
            run.installation_id.as_str().into(),
            end.status.as_str().into(),
        ],
    )
    .await?;
    if let Some(version) = &end.forget_seen_before {
        seen::forget_before(tx, &run.id, version).await?;
    }
    if let (Some(ReadType::Triggered), Some(operation_id)) = (run.read_type, &run.operation_id) {
        seen::forget_version(tx, &run.id, operation_id).await?;
    }
    Ok(())
}

/// Tells whoever listens that a run has ended.
async fn tell_of_end(
    tx: &mut Tx<'_>,
    run: &sync::Model,
    end: &RunEnd,
    now: Timestamp,
) -> Result<()> {
    let Some(read_type) = run.read_type else {
        return Ok(());
    };
    let range = run.range.as_ref().map(|span| span.0).unwrap_or_default();
    let ended = ReadEnded {
        installation_id: &run.installation_id,
        object_name: &end.object_name,
        read_type,
        status: end.status,
        from: range.since.or(At::opt(run.since)),
        until: range.until,
        error: end.result.as_deref(),
    };
    notification::tell(tx, Happening::ReadEnded(ended), now).await
}

/// Adds lines to the log of the run under a lease, fence first.
async fn note(tx: &Tx<'_>, lease: &Lease, logs: &[NewLog], now: Timestamp) -> Result<()> {
    work::fence(tx, lease).await?;
    match row_of(tx, lease).await?.operation_id {
        Some(operation_id) => operation_log::append(tx, &operation_id, logs, now).await,
        None => Ok(()),
    }
}
