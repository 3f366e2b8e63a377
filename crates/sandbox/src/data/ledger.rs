//! Which records of one object exist, and in which order they were updated.
//!
//! Two sorted lists are kept, of numbers and of times; a page is found in them by binary
//! search, and a change moves one entry.

use super::calendar::Calendar;
use std::collections::HashMap;

/// One object's records in one workspace.
#[derive(Debug)]
pub(crate) struct Ledger {
    calendar: Calendar,
    /// Creation times of the records that came after the generated ones.
    added_us: Vec<i64>,
    /// Update times that differ from the calendar's.
    touched_us: HashMap<u32, i64>,
    live: Vec<u32>,
    by_update: Vec<(i64, u32)>,
}

impl Ledger {
    pub(crate) fn new(calendar: Calendar) -> Self {
        let live: Vec<u32> = (0..calendar.count()).collect();
        let mut by_update: Vec<_> = live
            .iter()
            .map(|number| (calendar.updated_us(*number), *number))
            .collect();
        by_update.sort_unstable();
        Self {
            calendar,
            added_us: Vec::new(),
            touched_us: HashMap::new(),
            live,
            by_update,
        }
    }

    /// Numbers of the existing records in order of creation.
    pub(crate) fn live(&self) -> &[u32] {
        &self.live
    }

    /// `(updated_on in microseconds, number)` of the existing records, in this order.
    pub(crate) fn by_update(&self) -> &[(i64, u32)] {
        &self.by_update
    }

    pub(crate) fn exists(&self, number: u32) -> bool {
        self.live.binary_search(&number).is_ok()
    }

    pub(crate) fn created_us(&self, number: u32) -> i64 {
        let beyond = number.checked_sub(self.calendar.count());
        let added = beyond.and_then(|place| self.added_us.get(usize::try_from(place).ok()?));
        added
            .copied()
            .unwrap_or_else(|| self.calendar.created_us(number))
    }

    pub(crate) fn updated_us(&self, number: u32) -> i64 {
        self.touched_us
            .get(&number)
            .copied()
            .unwrap_or_else(|| self.calendar.updated_us(number))
    }

    /// Gives a record a new `updated_on`; false when it does not exist.
    pub(crate) fn touch(&mut self, number: u32, at_us: i64) -> bool {
        if !self.unlist(number) {
            return false;
        }
        self.touched_us.insert(number, at_us);
        self.list(number, at_us);
        true
    }

    /// Creates a record and returns its number.
    pub(crate) fn add(&mut self, at_us: i64) -> u32 {
        let place = u32::try_from(self.added_us.len()).unwrap_or(u32::MAX);
        let number = self.calendar.count().saturating_add(place);
        self.added_us.push(at_us);
        self.touched_us.insert(number, at_us);
        self.live.push(number);
        self.list(number, at_us);
        number
    }

    /// Removes a record for good; false when it does not exist.
    pub(crate) fn remove(&mut self, number: u32) -> bool {
        if !self.unlist(number) {
            return false;
        }
        if let Ok(place) = self.live.binary_search(&number) {
            self.live.remove(place);
        }
        true
    }

    fn list(&mut self, number: u32, at_us: i64) {
        let entry = (at_us, number);
        let place = self.by_update.partition_point(|other| *other < entry);
        self.by_update.insert(place, entry);
    }

    fn unlist(&mut self, number: u32) -> bool {
        if !self.exists(number) {
            return false;
        }
        let entry = (self.updated_us(number), number);
        if let Ok(place) = self.by_update.binary_search(&entry) {
            self.by_update.remove(place);
        }
        true
    }
}
