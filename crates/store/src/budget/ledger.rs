//! The account of one bucket: which calls are within the window, what is
//! promised, who waits, and whether one more call may be made. Pure, so that
//! the rules can be tested without a database; the store keeps it, as JSON in
//! one column, and changes it by compare-and-set.
//!
//! **The window.** Calls are counted in slots of a sixtieth of the window. A
//! slot counts until its last moment has left the window, and a margin longer:
//! a sixtieth of the window, at least one second, at most ten. The provider
//! counts a call when it arrives, on a clock of its own; the margin is what a
//! call may take to arrive, plus what the clocks of two nodes may be apart. So
//! in no window of the provider's are there more calls than the limit. It costs
//! what it says: of an hour, ten seconds and half a slot, about one percent.
//!
//! **Lanes.** Calls go by the order of service: interactive, scheduled,
//! backfill. So that nobody starves, each lane has a floor, a part of the limit
//! that no other lane may take: a tenth for interactive calls, always; a tenth
//! for scheduled reads and a fifth for backfills, while some wait and for two
//! slots after (whoever waits in line calls between two waits).
//! What is beyond the floors, three fifths at least, goes to the first lane that
//! wants it: interactive calls may use everything while nobody waits. A fifth
//! lets a backfill of 5,000 pages end within a day and a bit under a limit of
//! 1,000 an hour, however much there is to read on schedule.
//!
//! **Waiting.** A read that finds no room steps back and waits in line. While
//! others of its lane or of an earlier one wait, a newcomer goes to the line
//! too. When calls leave the window, as many as are free are given out as
//! *passes* to the first in line, a few to each: about as many wake up as can
//! call. A pass is held against the limit until it is used, given back, or has
//! lapsed.

use serde::{Deserialize, Serialize};

use super::gate::{Gate, Pace, Refusal};
use super::lane::{Lane, PerLane};

/// Slots in a window.
const SLOTS: i64 = 60;
/// The shortest slot.
const MIN_SLOT_MS: i64 = 100;
/// The shortest and the longest margin.
const MARGIN_MS: (i64, i64) = (1_000, 10_000);
/// How long a pass is good for: a claim, and some calls.
const PASS_MS: i64 = 30_000;
/// How long an interactive call waits at most.
const PATIENCE_MS: i64 = 10_000;
/// How long a lane keeps its floor after somebody began to wait, at least.
const DEMAND_MS: i64 = 3_000;
/// Below this a part of the limit is no whole call, and nothing is kept.
const LEAST_WITH_FLOORS: u32 = 4;

/// How many calls may be made in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Calls in a window; `u32::MAX` is no limit.
    pub(crate) limit: u32,
    pub(crate) window_ms: i64,
}

impl Terms {
    /// How much longer than the window a call counts.
    pub(crate) fn margin_ms(self) -> i64 {
        (self.window_ms / SLOTS).clamp(MARGIN_MS.0, MARGIN_MS.1)
    }
}

/// The answer to a wish to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// So many calls may be made, before `until`.
    Granted { calls: u32, until: i64 },
    /// No room before `until`.
    Full { until: i64 },
    /// The provider has said to wait.
    Blocked { until: i64 },
}

/// Calls counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    #[serde(rename = "l")]
    leaves_at: i64,
    #[serde(rename = "u")]
    used: PerLane,
}

/// Passes given out together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Passes {
    #[serde(rename = "l")]
    lapses_at: i64,
    #[serde(rename = "p")]
    left: PerLane,
}

/// The account of one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    limit: u32,
    window_ms: i64,
    slots: Vec<Slot>,
    passes: Vec<Passes>,
    waiting: PerLane,
    /// Until when scheduled reads, and until when backfills, keep their floor.
    kept_until: (i64, i64),
    /// An interactive call waits, at most until then.
    eager_until: i64,
    gate: Gate,
    pace: Pace,
}

impl Ledger {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            limit: terms.limit,
            window_ms: terms.window_ms,
            slots: Vec::new(),
            passes: Vec::new(),
            waiting: PerLane::default(),
            kept_until: (0, 0),
            eager_until: 0,
            gate: Gate::default(),
            pace: Pace::default(),
        }
    }

    /// From now on on these terms; what was counted on others still counts.
    pub(crate) fn on(&mut self, terms: Terms) {
        self.limit = terms.limit;
        self.window_ms = terms.window_ms;
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            limit: self.limit,
            window_ms: self.window_ms,
        }
    }

    /// One lane wants to make up to `wanted` calls; with a pass, one.
    pub(crate) fn take(&mut self, lane: Lane, wanted: u32, with_pass: bool, now: i64) -> Taken {
        self.settle(now);
        if let Some(until) = self.gate.shut(now) {
            return Taken::Blocked { until };
        }
        let slot_ends = self.slot_ends(now);
        if self.limit == u32::MAX {
            self.gate.passed(now);
            return Taken::Granted {
                calls: wanted,
                until: slot_ends,
            };
        }
        let calls = if with_pass && self.redeem(lane) {
            1
        } else {
            let room = self.room(lane, now);
            if room == 0 || self.must_queue(lane) {
                return self.full(lane, now);
            }
            // A block is for a bucket at ease; near its end calls go one by one.
            let is_easy = room / 4 >= wanted && self.waiting.total() == 0;
            if is_easy && !self.gate.is_probing() {
                wanted
            } else {
                1
            }
        };
        self.count(lane, calls, now);
        self.gate.passed(now);
        if lane == Lane::Interactive {
            self.eager_until = 0;
        } else {
            self.pace.passed(self.limit, self.window_ms, now);
        }
        Taken::Granted {
            calls,
            until: slot_ends,
        }
    }

    /// How many more calls a lane may make now: up to its floor after the floors
    /// of the lanes before it; beyond, after the floors of all others, and only
    /// while no lane before it waits.
    fn room(&self, lane: Lane, now: i64) -> u32 {
        let held = self.held();
        let unfilled = |lane| self.floor(lane).saturating_sub(held.of(lane));
        let free_after = |others: &dyn Fn(Lane) -> bool| {
            let kept = Lane::ALL
                .into_iter()
                .filter(|other| *other != lane && others(*other) && self.keeps(*other, now))
                .map(unfilled)
                .fold(held.total(), u32::saturating_add);
            self.limit.saturating_sub(kept)
        };
        let within = free_after(&|other| other < lane).min(unfilled(lane));
        let yields = Lane::ALL
            .into_iter()
            .any(|other| other < lane && self.waits(other, now));
        let beyond = if yields { 0 } else { free_after(&|_| true) };
        let room = within.max(beyond);
        match lane {
            Lane::Interactive => room,
            Lane::Scheduled | Lane::Backfill => {
                let paced = match (self.pace.next(now), self.pace.slow(now)) {
                    (Some(_), _) => 0,
                    (None, Some(_)) => 1,
                    (None, None) => u32::MAX,
                };
                room.min(paced)
            }
        }
    }

    /// The part of the limit that no other lane may take.
    pub(crate) fn floor(&self, lane: Lane) -> u32 {
        if self.limit < LEAST_WITH_FLOORS || self.limit == u32::MAX {
            return 0;
        }
        let part = match lane {
            Lane::Interactive | Lane::Scheduled => self.limit / 10,
            Lane::Backfill => self.limit / 5,
        };
        part.max(1)
    }

    /// Whether a lane's floor is out of the others' reach. A person cannot say
    /// before the call that they will call.
    fn keeps(&self, lane: Lane, now: i64) -> bool {
        match lane {
            Lane::Interactive => true,
            Lane::Scheduled => self.waiting.scheduled > 0 || self.kept_until.0 > now,
            Lane::Backfill => self.waiting.backfill > 0 || self.kept_until.1 > now,
        }
    }

    /// Somebody waits, or has just waited.
    fn keep_floor(&mut self, lane: Lane, now: i64) {
        let until = now.saturating_add((2 * self.slot_ms()).max(DEMAND_MS));
        match lane {
            Lane::Interactive => {}
            Lane::Scheduled => self.kept_until.0 = self.kept_until.0.max(until),
            Lane::Backfill => self.kept_until.1 = self.kept_until.1.max(until),
        }
    }

    fn waits(&self, lane: Lane, now: i64) -> bool {
        match lane {
            Lane::Interactive => self.eager_until > now,
            Lane::Scheduled | Lane::Backfill => self.waiting.of(lane) > 0,
        }
    }

    /// Whether someone stands in line before a newcomer of this lane.
    fn must_queue(&self, lane: Lane) -> bool {
        Lane::IN_LINE
            .into_iter()
            .any(|other| other <= lane && self.waiting.of(other) > 0)
    }

    fn full(&mut self, lane: Lane, now: i64) -> Taken {
        let mut until = self.next_change(now);
        match lane {
            Lane::Interactive => {
                let is_patient = until <= now.saturating_add(PATIENCE_MS);
                if is_patient && self.eager_until <= now {
                    self.eager_until = until.saturating_add(1_000);
                }
            }
            Lane::Scheduled | Lane::Backfill => {
                if let Some(next) = self.pace.next(now) {
                    until = until.min(next);
                }
            }
        }
        Taken::Full { until }
    }

    /// What counts against the limit: calls and passes.
    fn held(&self) -> PerLane {
        let passes = self.passes.iter().map(|passes| passes.left);
        passes.fold(self.used(), PerLane::plus)
    }

    /// Calls within the window.
    pub(crate) fn used(&self) -> PerLane {
        let used = self.slots.iter().map(|slot| slot.used);
        used.fold(PerLane::default(), PerLane::plus)
    }

    /// Who waits in line.
    pub(crate) fn waiting(&self) -> PerLane {
        self.waiting
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Forgets what has left the window and what has lapsed.
    pub(crate) fn settle(&mut self, now: i64) {
        self.slots.retain(|slot| slot.leaves_at > now);
        self.passes
            .retain(|passes| passes.lapses_at > now && passes.left.total() > 0);
    }

    fn slot_ms(&self) -> i64 {
        (self.window_ms / SLOTS).max(MIN_SLOT_MS)
    }

    fn slot_ends(&self, now: i64) -> i64 {
        let slot = self.slot_ms();
        now.div_euclid(slot).saturating_add(1).saturating_mul(slot)
    }

    /// When a call that is counted now no longer counts.
    fn leaves_at(&self, now: i64) -> i64 {
        self.slot_ends(now)
            .saturating_add(self.window_ms)
            .saturating_add(self.terms().margin_ms())
    }

    /// Counts a call now that was counted earlier and has not left yet. False
    /// when it is not in the ledger any more.
    pub(crate) fn count_anew(&mut self, lane: Lane, counted_at: i64, now: i64) -> bool {
        self.settle(now);
        let leaves_at = self.leaves_at(counted_at);
        let slot = self.slots.iter_mut().find(|s| s.leaves_at == leaves_at);
        let Some(slot) = slot.filter(|slot| slot.used.of(lane) > 0) else {
            return false;
        };
        *slot.used.at(lane) -= 1;
        self.count(lane, 1, now);
        true
    }

    fn count(&mut self, lane: Lane, calls: u32, now: i64) {
        let leaves_at = self.leaves_at(now);
        let place = self
            .slots
            .iter()
            .position(|slot| slot.leaves_at >= leaves_at)
            .unwrap_or(self.slots.len());
        match self.slots.get_mut(place) {
            Some(slot) if slot.leaves_at == leaves_at => *slot.used.at(lane) += calls,
            _ => {
                let mut used = PerLane::default();
                *used.at(lane) = calls;
                self.slots.insert(place, Slot { leaves_at, used });
            }
        }
    }

    fn redeem(&mut self, lane: Lane) -> bool {
        let oldest = self
            .passes
            .iter_mut()
            .find(|passes| passes.left.of(lane) > 0);
        oldest.is_some_and(|passes| {
            *passes.left.at(lane) -= 1;
            true
        })
    }

    /// Passes that are not needed go to the next in line.
    pub(crate) fn give_back(&mut self, lane: Lane, calls: u32, now: i64) {
        self.settle(now);
        for _ in 0..calls {
            if !self.redeem(lane) {
                break;
            }
        }
        self.settle(now);
    }

    /// One more waits.
    pub(crate) fn queue(&mut self, lane: Lane, now: i64) {
        self.settle(now);
        let waiting = self.waiting.at(lane);
        *waiting = waiting.saturating_add(1);
        self.keep_floor(lane, now);
    }

    /// How many calls may be promised to those of a lane who wait.
    pub(crate) fn to_promise(&self, lane: Lane, now: i64) -> u32 {
        if self.gate.shut(now).is_some() {
            return 0;
        }
        let room = if self.limit == u32::MAX {
            u32::MAX
        } else {
            self.room(lane, now)
        };
        if self.gate.is_probing() {
            // Whoever comes first tries; the others need not wake.
            let nobody = self.passes.iter().all(|passes| passes.left.total() == 0);
            return room.min(u32::from(nobody));
        }
        room
    }

    /// Counts who waits anew: the rows in the table are the truth.
    pub(crate) fn recount(&mut self, lane: Lane, waiting: u32) {
        *self.waiting.at(lane) = waiting;
    }

    /// Promises calls to some who waited; so many wait on.
    pub(crate) fn promise(&mut self, lane: Lane, calls: u32, still_waiting: u32, now: i64) {
        self.recount(lane, still_waiting);
        self.keep_floor(lane, now);
        if calls == 0 || self.limit == u32::MAX {
            return;
        }
        let mut left = PerLane::default();
        *left.at(lane) = calls;
        self.passes.push(Passes {
            lapses_at: now.saturating_add(PASS_MS),
            left,
        });
        self.pace.passed(self.limit, self.window_ms, now);
    }

    /// When the line should be looked at again; `None` when nobody waits. Of a
    /// ledger that has just been settled.
    pub(crate) fn look_at(&self, now: i64) -> Option<i64> {
        if self.waiting.total() == 0 {
            return None;
        }
        if let Some(until) = self.gate.shut(now) {
            return Some(until);
        }
        let is_free = |lane| self.waiting.of(lane) > 0 && self.to_promise(lane, now) > 0;
        if Lane::IN_LINE.into_iter().any(is_free) {
            return Some(now);
        }
        let others = [
            self.pace.next(now),
            (self.eager_until > now).then_some(self.eager_until),
        ];
        let next = self.next_change(now);
        Some(others.into_iter().flatten().fold(next, i64::min))
    }

    /// When calls leave the window or passes lapse next.
    fn next_change(&self, now: i64) -> i64 {
        let slots = self.slots.iter().map(|slot| slot.leaves_at);
        let passes = self.passes.iter().map(|passes| passes.lapses_at);
        let next = slots.chain(passes).filter(|at| *at > now).min();
        next.unwrap_or_else(|| self.slot_ends(now))
    }

    /// A call was refused for coming too often.
    pub(crate) fn refused(&mut self, refusal: Refusal, now: i64) {
        self.settle(now);
        self.gate.refused(refusal, self.window_ms, now);
    }

    /// Whether calls pass without anything being counted: there is no limit, and the
    /// provider has refused none.
    pub(crate) fn is_free(&self, now: i64) -> bool {
        self.limit == u32::MAX && !self.gate.is_probing() && self.gate.shut(now).is_none()
    }

    /// Whether [`Ledger::answered`] would change anything.
    pub(crate) fn is_news(&self, sent_at: i64, near: Option<bool>, now: i64) -> bool {
        let (mut gate, mut pace) = (self.gate, self.pace);
        gate.answered(sent_at);
        if let Some(near) = near {
            pace.told(near, self.window_ms, now);
        }
        (gate, pace) != (self.gate, self.pace)
    }

    /// A call was answered; `near` is what the answer said of the limit.
    pub(crate) fn answered(&mut self, sent_at: i64, near: Option<bool>, now: i64) {
        self.gate.answered(sent_at);
        if let Some(near) = near {
            self.pace.told(near, self.window_ms, now);
        }
    }
}
