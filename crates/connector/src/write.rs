//! What is to be written: one record of one object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One write of one record.
#[derive(Clone, PartialEq)]
pub struct WriteIntent {
    /// The provider's name of the object, one of [`crate::Description::writable`].
    pub object: String,
    /// The connection's values for [`crate::Description::inputs`].
    pub inputs: BTreeMap<String, String>,
    /// What is done.
    pub action: WriteAction,
}

/// What is done with a record. Records are in the provider's names; names that
/// the connector does not know are sent as they are.
#[derive(Clone, PartialEq)]
pub enum WriteAction {
    /// Make one.
    Create {
        /// What it is made of.
        record: Map<String, Value>,
    },
    /// Change one. What is not named stays as it is.
    Update {
        /// What [`crate::Written::id`] said, or the provider's own identifier.
        id: String,
        /// What changes.
        record: Map<String, Value>,
        /// Whether this may have been sent before, and its answer was lost.
        again: bool,
    },
    /// Delete one.
    Delete {
        /// As for an update.
        id: String,
    },
    /// Look at one as it is now.
    Look {
        /// As for an update.
        id: String,
    },
    /// Find out whether a create whose answer was lost has come about.
    Trace {
        /// What was sent.
        record: Map<String, Value>,
        /// Seconds since it was sent: clocks differ, and so the provider's own
        /// time of answering is counted back from.
        sent_ago_s: i64,
    },
}

impl WriteAction {
    /// Its name, for messages and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Delete { .. } => "delete",
            Self::Look { .. } => "look",
            Self::Trace { .. } => "trace",
        }
    }
}

/// Records hold customers' data and secrets, so they are not shown.
impl std::fmt::Debug for WriteIntent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteIntent")
            .field("object", &self.object)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WriteAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
