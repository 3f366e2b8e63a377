//! Who a call is for, which decides in what order calls are served.

use crate::work;

/// Who waits for an answer. The order is the order of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A person or a program waits.
    Interactive,
    /// A scheduled read.
    Scheduled,
    /// A backfill.
    Backfill,
}

impl Lane {
    /// Every lane, in the order of service.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Scheduled, Self::Backfill];

    /// The lanes whose work waits in line; a person waits in the call itself.
    pub(crate) const IN_LINE: [Self; 2] = [Self::Scheduled, Self::Backfill];

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Scheduled => "scheduled",
            Self::Backfill => "backfill",
        }
    }

    /// The number in the tables.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Interactive => work::INTERACTIVE,
            Self::Scheduled => work::SCHEDULED,
            Self::Backfill => work::BACKFILL,
        }
    }
}

/// A number for each lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "(u32, u32, u32)", into = "(u32, u32, u32)")]
pub struct PerLane {
    /// Of [`Lane::Interactive`].
    pub interactive: u32,
    /// Of [`Lane::Scheduled`].
    pub scheduled: u32,
    /// Of [`Lane::Backfill`].
    pub backfill: u32,
}

impl PerLane {
    /// The number of one lane.
    #[must_use]
    pub fn of(self, lane: Lane) -> u32 {
        match lane {
            Lane::Interactive => self.interactive,
            Lane::Scheduled => self.scheduled,
            Lane::Backfill => self.backfill,
        }
    }

    /// The number of one lane, to be changed.
    pub(crate) fn at(&mut self, lane: Lane) -> &mut u32 {
        match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Scheduled => &mut self.scheduled,
            Lane::Backfill => &mut self.backfill,
        }
    }

    /// All lanes together.
    #[must_use]
    pub fn total(self) -> u32 {
        self.interactive
            .saturating_add(self.scheduled)
            .saturating_add(self.backfill)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            interactive: self.interactive.saturating_add(other.interactive),
            scheduled: self.scheduled.saturating_add(other.scheduled),
            backfill: self.backfill.saturating_add(other.backfill),
        }
    }
}

impl From<(u32, u32, u32)> for PerLane {
    fn from((interactive, scheduled, backfill): (u32, u32, u32)) -> Self {
        Self {
            interactive,
            scheduled,
            backfill,
        }
    }
}

impl From<PerLane> for (u32, u32, u32) {
    fn from(numbers: PerLane) -> Self {
        (numbers.interactive, numbers.scheduled, numbers.backfill)
    }
}
