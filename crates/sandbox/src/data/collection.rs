//! One object's records in one workspace: which exist, their UUIDs, and what was written.
//!
//! A record that nobody has written to is built from its number; only written ones are kept.

use super::calendar::Calendar;
use super::identity::Identity;
use super::ledger::Ledger;
use std::collections::HashMap;

#[derive(Debug)]
pub(crate) struct Collection<T> {
    pub(crate) ledger: Ledger,
    ids: Identity,
    written: HashMap<u32, T>,
}

impl<T> Collection<T> {
    pub(super) fn new(parts: &[u64], count: u32) -> Self {
        Self {
            ledger: Ledger::new(Calendar::new(parts, count)),
            ids: Identity::new(parts),
            written: HashMap::new(),
        }
    }

    pub(crate) fn uuid(&self, number: u32) -> String {
        self.ids.uuid(number)
    }

    /// The existing record with this UUID, which has its braces.
    pub(crate) fn number(&self, uuid: &str) -> Option<u32> {
        let number = self.ids.number(uuid)?;
        self.ledger.exists(number).then_some(number)
    }

    /// What a record was written as; `None` when it is as generated.
    pub(crate) fn written(&self, number: u32) -> Option<&T> {
        self.written.get(&number)
    }

    /// The existing records that were written, in no order.
    pub(crate) fn all_written(&self) -> impl Iterator<Item = (u32, &T)> {
        let written = self.written.iter();
        written
            .map(|(number, content)| (*number, content))
            .filter(|(number, _)| self.ledger.exists(*number))
    }

    pub(crate) fn write(&mut self, number: u32, content: T) {
        self.written.insert(number, content);
    }

    /// A new record and its number.
    pub(crate) fn create(&mut self, content: T, at_us: i64) -> u32 {
        let number = self.ledger.add(at_us);
        self.write(number, content);
        number
    }

    /// False when there is no such record.
    pub(crate) fn remove(&mut self, number: u32) -> bool {
        self.written.remove(&number);
        self.ledger.remove(number)
    }
}
