//! Reading one object of one installation: what a run needs, and the one
//! transaction by which it makes progress.
//!
//! The fence is the first statement of that transaction. Position, messages,
//! seen keys, progress and logs become visible together or not at all.

use jiff::Timestamp;

use crate::Store;
use crate::connection::Connection;
use crate::consumer::Consumer;
use crate::error::Result;
use crate::group::Group;
use crate::installation::Installation;
use crate::integration::Integration;
use crate::operation::{OperationStatus, ReadType};
use crate::operation_log::NewLog;
use crate::outbox::NewMessage;
use crate::project::Project;
use crate::revision::Revision;
use crate::scope::Scope;
use crate::seen::SeenKey;
use crate::work::Lease;

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
    /// Where the next incremental read begins.
    pub watermark: Option<Timestamp>,
    /// Records of that run so far.
    pub records_processed: i64,
    /// How many there will be, where the provider says.
    pub records_estimated_total: Option<i64>,
}

/// All that a run needs to know.
#[derive(Debug, Clone)]
pub struct ReadSubject {
    /// The scope of its project.
    pub scope: Scope,
    /// The state.
    pub sync: Sync,
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
    /// How it went.
    pub status: OperationStatus,
    /// A sentence about what came of it.
    pub result: Option<String>,
    /// Where the next incremental read begins; `None` leaves it.
    pub watermark: Option<Timestamp>,
    /// Seen keys whose version is below this are forgotten.
    pub forget_seen_before: Option<String>,
}

/// What becomes of the lease after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It is kept.
    Hold,
    /// The row is freed, to be due then; `None` sleeps until it is poked.
    Release(Option<Timestamp>),
}

impl Store {
    /// All that the run under this lease needs. `NotFound` when its subject is
    /// gone.
    pub async fn read_subject(&self, lease: &Lease) -> Result<ReadSubject> {
        todo!()
    }

    /// Commits a page in one transaction. `LeaseLost`, and nothing written,
    /// when the lease has passed on.
    pub async fn commit_page(
        &self,
        lease: &Lease,
        commit: PageCommit,
        now: Timestamp,
    ) -> Result<()> {
        todo!()
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
        todo!()
    }

    /// Writes log lines without progress. Fenced.
    pub async fn note(&self, lease: &Lease, logs: &[NewLog], now: Timestamp) -> Result<()> {
        todo!()
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
        todo!()
    }
}
