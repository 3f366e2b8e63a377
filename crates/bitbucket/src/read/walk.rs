//! A read by key: `q=updated_on >= T`, sorted by `updated_on`, T moving on to
//! the last record of each page.
//!
//! **Why it misses nothing.** A page that is the first of its query is one
//! moment's view of everything from T on, in order. What changes afterwards gets
//! a later time and is met further on; nothing is ever skipped by counting. The
//! walk ends at the first page that holds less than was asked for and names no
//! `next`. T is cut down to milliseconds in the query, so seams overlap by at
//! least one record; whoever takes the records knows repeats by key and version.
//!
//! **When T cannot move** (a full page whose last record lies in the
//! millisecond T, after a bulk change for instance) `next` is followed within
//! the query. Those further pages *are* found by counting on Bitbucket's side: a
//! record that changes meanwhile moves to the end, all behind it move up by one,
//! and one is skipped at the seam. So the crowd at T is read again until two
//! passes running saw the same. That proves the former of them whole: what moves
//! up, moves up over a record that was seen and left, and one that left T cannot
//! be in the later pass. The crowd only shrinks, so this ends. Then T moves on by
//! one millisecond. It costs one more pass, and only such a crowd pays it.
//!
//! **When T cannot move and there is no `next`:** if `size` says that there is
//! more, pages are counted. If not, the query has been read whole, which is what
//! an absent `next` means; where `size` is absent too, a note says so.
//!
//! **Records without a legible time** are delivered without a version. They
//! never move T; a page that holds no other is a crowd "before all times".
//! Bitbucket stamps every repository, so nothing is known of where it would sort
//! one that has no time; a query with `q` would not return it.
//!
//! **Until a time:** the query says `updated_on < B` too, B cut up to milliseconds.
//! What changes during the read leaves the range, or stays in it further on, and
//! the walk ends as ever: at the first short page. T may come to B, and then the
//! page is empty. Whoever takes the records drops those of B's own millisecond.
//! Such a walk tells no watermark.
//!
//! **Only some records** (conditions in `q`): a record that comes to fulfil them
//! changes, and is met further on like any other.
//!
//! **An end even if records change faster than they are read:** records later
//! than Bitbucket's own `Date` on the first page are counted, and when there are
//! more of them than `size` of that page, the read stops and says so. Nothing is
//! lost: the next read goes on from the watermark. Where `size` is absent, what
//! was read up to that `Date` stands for it (at least [`LEAST_LATE`]); where
//! `Date` is absent, which HTTP does not allow, all records are counted against
//! twice the `size`.

use connector::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Turn;
use super::place::{Digest, Place, Trail};
use crate::objects::Row;
use crate::time;
use crate::wire::{Entry, Envelope};

/// Late records that are read in any case, where `size` is not told.
const LEAST_LATE: u64 = 1000;

/// Passes over a crowd before it is left as it is. Each further one needs a
/// record of the crowd to have changed meanwhile.
const MOST_PASSES: u32 = 10;

/// Where a walk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    pagelen: u32,
    /// From when on the read was asked for.
    since: Option<Timestamp>,
    /// Until when, a whole millisecond; `None` is to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// T: a whole millisecond; `None` asks from the beginning.
    from: Option<Timestamp>,
    /// The latest time read.
    reached: Option<Timestamp>,
    /// What the first page told; `None` before it.
    begun: Option<Begun>,
    /// Records read, seams not counted twice.
    read: u64,
    /// Those of them that changed after the start.
    late: u64,
    /// Further pages of this query; `None` at its first.
    chain: Option<Chain>,
    /// What the pass before saw at T.
    before: Option<Digest>,
    /// Passes made at T.
    passes: u32,
}

/// What the first page told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    at: Option<Timestamp>,
    total: Option<u64>,
}

/// Pages followed while T cannot move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Chain {
    place: Place,
    trail: Trail,
    /// What this pass saw at T.
    seen: Digest,
    /// Whether Bitbucket did not sort.
    unordered: bool,
}

impl Walk {
    /// The beginning.
    pub(super) fn new(pagelen: u32, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self {
            pagelen,
            since,
            until: until.map(time::cut_up),
            from: since.map(time::cut),
            reached: None,
            begun: None,
            read: 0,
            late: 0,
            chain: None,
            before: None,
            passes: 0,
        }
    }

    /// The same walk, at the first page of its query, with other pages.
    pub(super) fn with_pagelen(&self, pagelen: u32) -> Self {
        Self {
            pagelen,
            chain: None,
            ..self.clone()
        }
    }

    pub(super) fn place(&self) -> &Place {
        self.chain
            .as_ref()
            .map_or(&Place::First, |chain| &chain.place)
    }

    pub(super) fn pagelen(&self) -> u32 {
        self.pagelen
    }

    /// The field that is walked by.
    pub(super) fn field(&self, row: &Row) -> &'static str {
        row.version.unwrap_or_default()
    }

    /// What `q` says of times.
    pub(super) fn times(&self, row: &Row) -> Option<String> {
        let field = self.field(row);
        let from = self
            .from
            .map(|from| format!("{field} >= {}", time::filter(from)));
        let until = self
            .until
            .map(|until| format!("{field} < {}", time::filter(until)));
        let bounds: Vec<String> = from.into_iter().chain(until).collect();
        (!bounds.is_empty()).then(|| bounds.join(" AND "))
    }

    /// Moves on past a page that Bitbucket answered at `answered_at`.
    pub(super) fn turn(
        mut self,
        page: &Envelope<'_>,
        entries: &[Entry],
        answered_at: Option<Timestamp>,
    ) -> Result<Turn<Self>, Failure> {
        let begun = *self.begun.get_or_insert(Begun {
            at: answered_at,
            total: page.size,
        });
        let mut notes = Vec::new();
        let goes_on = match self.chain.take() {
            None => self.turn_first(page, entries, begun, &mut notes)?,
            Some(chain) => self.turn_further(chain, page, entries, &mut notes)?,
        };
        let watermark = self.watermark(begun);
        Ok(Turn {
            records: Vec::new(),
            next: goes_on.then_some(self),
            estimated_total: begun.total,
            watermark,
            notes,
        })
    }

    /// Past the first page of a query, which is one moment's view. Whether the
    /// walk goes on.
    fn turn_first(
        &mut self,
        page: &Envelope<'_>,
        entries: &[Entry],
        begun: Begun,
        notes: &mut Vec<String>,
    ) -> Result<bool, Failure> {
        let more = Place::after(page, 1, self.pagelen);
        let full = u64::try_from(entries.len()).is_ok_and(|n| n >= self.pagelen.into());
        let order = Order::of(entries);
        let last = order.last.filter(|last| self.is_beyond(Some(*last)));
        if !full && more.is_none() {
            self.reached = self.reached.max(order.latest);
            return Ok(false);
        }
        if let (Some(last), true) = (last, order.sorted) {
            self.count(entries, begun);
            self.reached = self.reached.max(Some(last));
            self.move_to(time::cut(last));
            let outrun = self.is_outrun(begun);
            if outrun {
                notes.push(format!(
                    "records change faster than they can be read: stopped after {} that changed \
                     since the start; the next read goes on from there",
                    self.late
                ));
            }
            return Ok(!outrun);
        }
        let Some(place) = more else {
            if page.size.is_none() {
                notes.push(format!(
                    "the last {} records share one time, and Bitbucket names no page after them",
                    entries.len()
                ));
            }
            self.reached = self.reached.max(order.latest);
            return Ok(false);
        };
        let mut chain = Chain {
            place: Place::First,
            trail: Trail::default(),
            seen: self.crowd(entries),
            unordered: !order.sorted,
        };
        chain.follow(place)?;
        self.chain = Some(chain);
        Ok(true)
    }

    /// Past a further page of a query whose first did not move T. Whether the
    /// walk goes on.
    fn turn_further(
        &mut self,
        mut chain: Chain,
        page: &Envelope<'_>,
        entries: &[Entry],
        notes: &mut Vec<String>,
    ) -> Result<bool, Failure> {
        let order = Order::of(entries);
        chain.seen.extend(self.crowd(entries));
        chain.unordered |= !order.sorted;
        let left = !chain.unordered && self.is_beyond(order.last);
        let more = Place::after(page, chain.trail.number(), self.pagelen);
        if let (false, Some(place)) = (left, more) {
            chain.follow(place)?;
            self.chain = Some(chain);
            return Ok(true);
        }
        if chain.unordered {
            notes.push(
                "Bitbucket did not sort the records by time, so they were read page by page; \
                 one that changed meanwhile may have been passed over"
                    .to_owned(),
            );
            // Times say nothing of what has been read.
            self.reached = None;
            return Ok(false);
        }
        self.passes = self.passes.saturating_add(1);
        let settled = self.before == Some(chain.seen);
        if settled || self.passes >= MOST_PASSES {
            if !settled {
                notes.push(format!(
                    "{} records share one time and kept changing while they were read; \
                     one of them may have been passed over",
                    chain.seen.count()
                ));
            }
            self.reached = self.reached.max(self.from);
            // Without a T, the crowd was of records without a time; Bitbucket
            // has none from before 1970.
            self.move_to(self.from.map_or(Timestamp::UNIX_EPOCH, time::after));
        } else {
            self.before = Some(chain.seen);
        }
        Ok(true)
    }

    fn move_to(&mut self, from: Timestamp) {
        self.from = Some(from);
        self.before = None;
        self.passes = 0;
    }

    /// Whether a time lies in a millisecond after T.
    fn is_beyond(&self, time: Option<Timestamp>) -> bool {
        time.map(time::cut) > self.from
    }

    /// The records at T, and those without a time.
    fn crowd(&self, entries: &[Entry]) -> Digest {
        let mut digest = Digest::default();
        for entry in entries {
            if !self.is_beyond(entry.changed_at) {
                digest.add(&entry.record.key, entry.record.version.as_deref());
            }
        }
        digest
    }

    /// Counts what lies beyond T, before T moves: the seam was counted before.
    fn count(&mut self, entries: &[Entry], begun: Begun) {
        for entry in entries {
            if self.is_beyond(entry.changed_at) {
                self.read = self.read.saturating_add(1);
                if entry.changed_at > begun.at {
                    self.late = self.late.saturating_add(1);
                }
            }
        }
    }

    fn is_outrun(&self, begun: Begun) -> bool {
        match (begun.at, begun.total) {
            (Some(_), Some(total)) => self.late > total,
            (Some(_), None) => self.late > self.read.saturating_sub(self.late).max(LEAST_LATE),
            (None, Some(total)) => self.late > total.saturating_mul(2),
            // Nothing to measure by; only Bitbucket's own pace can end it.
            (None, None) => false,
        }
    }

    /// From when on the next read must ask; nothing is said of that by a walk
    /// that was to stop somewhere.
    fn watermark(&self, begun: Begun) -> Option<Timestamp> {
        if self.until.is_some() {
            return None;
        }
        let start = begun.at.map(time::less_overlap);
        let reached = self.reached.map(time::less_overlap);
        reached.or(self.since).or(start)
    }
}

impl Chain {
    fn follow(&mut self, place: Place) -> Result<(), Failure> {
        self.trail.follow(&place)?;
        self.place = place;
        Ok(())
    }
}

/// What a page's times say.
struct Order {
    /// The last legible one.
    last: Option<Timestamp>,
    /// The latest.
    latest: Option<Timestamp>,
    /// Whether none is earlier than the one before it, to the millisecond:
    /// Bitbucket does not say how exactly it sorts.
    sorted: bool,
}

impl Order {
    fn of(entries: &[Entry]) -> Self {
        let times = || entries.iter().filter_map(|entry| entry.changed_at);
        Self {
            last: times().next_back(),
            latest: times().max(),
            sorted: times().map(time::cut).is_sorted(),
        }
    }
}
