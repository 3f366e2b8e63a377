//! How a sender's free slots are shared out between the destinations that have
//! something due: pure.
//!
//! The next slot goes to whoever has the fewest attempts under way. Nobody gets
//! more than half of what is free at that moment, so that however many hang,
//! some slots stay free for the others; and destinations that fail get one slot
//! each, and all of them together a quarter.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Most attempts under way at once for one destination, on one node.
pub const PER_DESTINATION: usize = 32;
/// The part of all slots that destinations which fail may take together.
const FAILING_PART: usize = 4;

/// What a sender has room for.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// Attempts that can be begun.
    pub free: usize,
    /// Attempts under way, by destination.
    pub in_flight: HashMap<String, usize>,
    /// How many of those are of destinations that were failing.
    pub failing_in_flight: usize,
    /// Most messages a second for a project, over all nodes; 0 is no limit.
    pub rate: u32,
}

/// So many, with nothing under way and no limit of rate.
impl From<u32> for Room {
    fn from(free: u32) -> Self {
        Self {
            free: usize::try_from(free).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }
}

/// A destination that has something due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) destination_id: String,
    pub(super) project_id: String,
    /// Whether it has failed since it last took something.
    pub(super) failing: bool,
    /// Whether the head of its sequence is due.
    pub(super) sequence: bool,
    /// Whether something outside of the sequence is due.
    pub(super) parallel: bool,
}

/// Who gets how many.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    /// Slots, in the order of the destinations.
    pub(super) slots: Vec<usize>,
    /// Whether somebody may have more due than there was room for.
    pub(super) more: bool,
    /// Whether a project's rate was what stopped somebody.
    pub(super) rated: bool,
}

/// Shares `room` out between `due`, the longest due first. `allowance` says how
/// many more each project may send now; a project that is not in it, any number.
pub(super) fn shares(room: &Room, due: &[Due], mut allowance: HashMap<String, usize>) -> Shares {
    let under_way: usize = room.in_flight.values().sum();
    let failing_most = room.free.saturating_add(under_way) / FAILING_PART;
    let mut failing_most = failing_most.max(1).saturating_sub(room.failing_in_flight);
    let mut free = room.free;
    let mut shares = Shares {
        slots: vec![0; due.len()],
        ..Shares::default()
    };
    // Fewest under way first, of those the longest due.
    let mut waiting: BinaryHeap<Reverse<(usize, usize)>> = due
        .iter()
        .enumerate()
        .map(|(index, due)| {
            let load = room.in_flight.get(&due.destination_id);
            Reverse((load.copied().unwrap_or(0), index))
        })
        .collect();
    while let Some(Reverse((load, index))) = waiting.pop() {
        let (Some(due), Some(slots)) = (due.get(index), shares.slots.get_mut(index)) else {
            continue;
        };
        let most = if due.failing {
            failing_most.min(1)
        } else {
            PER_DESTINATION.min((free / 2).max(1))
        };
        if free == 0 || load >= most {
            shares.more = true;
            continue;
        }
        if let Some(left) = allowance.get_mut(&due.project_id) {
            if *left == 0 {
                shares.rated = true;
                continue;
            }
            *left -= 1;
        }
        if due.failing {
            failing_most -= 1;
        }
        free -= 1;
        *slots += 1;
        // A sequence has one head, whatever there is behind it.
        if due.parallel || *slots < usize::from(due.sequence) {
            waiting.push(Reverse((load + 1, index)));
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(name: &str) -> Due {
        Due {
            destination_id: name.to_owned(),
            project_id: "project".to_owned(),
            failing: false,
            sequence: false,
            parallel: true,
        }
    }

    fn many(count: usize) -> Vec<Due> {
        (0..count).map(|n| due(&n.to_string())).collect()
    }

    fn room(free: usize, in_flight: &[(&str, usize)]) -> Room {
        Room {
            free,
            in_flight: in_flight
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
            ..Room::default()
        }
    }

    #[test]
    fn one_alone_gets_its_most_and_not_all() {
        let shares = shares(&room(128, &[]), &many(1), HashMap::new());
        assert_eq!((shares.slots, shares.more), (vec![PER_DESTINATION], true));
    }

    #[test]
    fn slots_are_shared_evenly() {
        let shares = shares(&room(30, &[]), &many(10), HashMap::new());
        assert!(
            shares.slots.iter().all(|slots| (2..=3).contains(slots)),
            "{shares:?}"
        );
    }

    #[test]
    fn whoever_has_the_fewest_under_way_goes_first() {
        let shares = shares(&room(4, &[("0", 9)]), &many(2), HashMap::new());
        assert_eq!(shares.slots[0], 0, "{shares:?}");
        assert!(shares.slots[1] >= 1, "{shares:?}");
    }

    #[test]
    fn however_many_hang_slots_stay_free() {
        let mut taken: HashMap<String, usize> = HashMap::new();
        let (total, hanging) = (128, many(20));
        for _ in 0..100 {
            let under_way: usize = taken.values().sum();
            let now = Room {
                free: total - under_way,
                in_flight: taken.clone(),
                ..Room::default()
            };
            let shares = shares(&now, &hanging, HashMap::new());
            for (due, slots) in hanging.iter().zip(shares.slots) {
                *taken.entry(due.destination_id.clone()).or_default() += slots;
            }
        }
        let under_way: usize = taken.values().sum();
        assert!(under_way < total, "nothing is left: {under_way}");
        let free = total - under_way;
        let late = Room {
            free,
            in_flight: taken,
            ..Room::default()
        };
        let shares = shares(&late, &[due("healthy")], HashMap::new());
        assert!(shares.slots[0] >= 1, "{shares:?}");
    }

    #[test]
    fn those_that_fail_get_one_each_and_a_quarter_together() {
        let mut all = many(100);
        all.iter_mut().for_each(|due| due.failing = true);
        let first = shares(&room(128, &[]), &all, HashMap::new());
        assert_eq!(first.slots.iter().sum::<usize>(), 32);
        assert!(first.slots.iter().all(|slots| *slots <= 1));
        let full = Room {
            failing_in_flight: 32,
            ..room(96, &[("x", 32)])
        };
        let second = shares(&full, &all, HashMap::new());
        assert_eq!(second.slots.iter().sum::<usize>(), 0);
        assert!(second.more);
    }

    #[test]
    fn a_sequence_gets_one() {
        let mut one = due("0");
        (one.sequence, one.parallel) = (true, false);
        let alone = shares(&room(9, &[]), &[one.clone()], HashMap::new());
        assert_eq!(alone.slots, [1]);
        one.parallel = true;
        let both = shares(&room(9, &[]), &[one], HashMap::new());
        assert!(both.slots[0] > 1);
    }

    #[test]
    fn a_rate_is_shared_too() {
        let mut all = many(4);
        all.push(Due {
            project_id: "other".to_owned(),
            ..due("4")
        });
        let allowance = HashMap::from([("project".to_owned(), 4)]);
        let shares = shares(&room(99, &[]), &all, allowance);
        assert_eq!(shares.slots[..4], [1, 1, 1, 1]);
        assert!(shares.slots[4] > 4 && shares.rated);
    }
}
