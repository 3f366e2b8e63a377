//! Where a test may make the database fail: around every transaction that writes.
//!
//! What commits is what counts, so a process that dies, or is told of a failure,
//! just before or just after a commit covers every way in which the database can
//! leave its caller in the dark. Nothing but tests ever sets this.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};

use crate::Store;
use crate::error::{Result, StoreError};

/// A moment of a transaction that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It is about to begin.
    Begin,
    /// Its statements are done. A failure here rolls it back.
    BeforeCommit,
    /// It is committed, and its caller does not know yet.
    AfterCommit,
}

/// Decides what goes wrong.
pub trait Faults: Debug + Send + Sync {
    /// Whether all goes well at that moment. It may also wait, for as long as a
    /// process is frozen, or for ever, as if it had died there.
    fn at(&self, moment: Moment) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

impl Store {
    /// The same store, with failures; for tests.
    #[must_use]
    pub fn with_faults(self, faults: Arc<dyn Faults>) -> Self {
        Self {
            faults: Some(faults),
            ..self
        }
    }

    /// Lets a moment pass.
    pub(crate) async fn pass(&self, moment: Moment) -> Result<()> {
        match &self.faults {
            Some(faults) if !faults.at(moment).await => {
                let text = format!("a failure was asked for: {moment:?}");
                let cause = DbErr::Conn(RuntimeErr::Internal(text));
                Err(StoreError::Unreachable(cause))
            }
            Some(_) | None => Ok(()),
        }
    }
}
