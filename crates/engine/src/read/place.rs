//! Where a run is: the connector's state, and what the engine itself must not
//! forget over a restart.

use connector::State;
use serde::{Deserialize, Serialize};

/// A run's place, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    /// The connector's.
    pub(super) state: State,
    /// Distinct records delivered in this run so far.
    pub(super) delivered: u64,
    /// Whether this is the second reading of a full read whose first one did not
    /// come to as many records as the provider says there are.
    pub(super) repairing: bool,
}

impl Place {
    /// The beginning of a run.
    pub(super) fn begin(state: State) -> Self {
        Self {
            state,
            delivered: 0,
            repairing: false,
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
