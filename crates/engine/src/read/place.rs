//! Where a run is: the connector's state, and what the engine itself must not
//! forget over a restart.

use connector::State;
use serde::{Deserialize, Serialize};

/// A run's place, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    /// The connector's.
    pub(super) state: State,
    /// Distinct records that came in this run so far, wanted or not.
    pub(super) distinct: u64,
    /// Whether this is the second reading of a full read whose first one did not
    /// come to as many records as the provider says there are.
    pub(super) repairing: bool,
    /// Whether nothing of the run has been committed yet.
    #[serde(skip)]
    pub(super) fresh: bool,
}

impl Place {
    /// The beginning of a run.
    pub(super) fn begin(state: State) -> Self {
        Self {
            state,
            distinct: 0,
            repairing: false,
            fresh: true,
        }
    }

    /// A place that was stored.
    ///
    /// # Errors
    /// When the text is none.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The stored form.
    ///
    /// # Errors
    /// Never, in truth: a state is text.
    pub(super) fn stored(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}
