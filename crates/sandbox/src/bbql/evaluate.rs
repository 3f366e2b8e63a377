//! Decides which records a query selects.

use super::{Operand, Operator, Query, Test};
use std::cmp::Ordering;

/// Something with fields.
pub(crate) trait Record {
    /// The value at a dotted path; null when there is none.
    fn operand(&self, field: &str) -> Operand;
}

impl Query {
    pub(crate) fn selects(&self, record: &impl Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.selects(record)),
            Self::Any(parts) => parts.iter().any(|part| part.selects(record)),
            Self::Test(test) => test.holds(&record.operand(test.field)),
        }
    }

    /// What the query says about the time `field` on its own.
    pub(crate) fn bounds(&self, field: &str) -> Bounds {
        let mut bounds = Bounds {
            complete: true,
            ..Bounds::default()
        };
        let parts = match self {
            Self::All(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for part in parts {
            bounds.complete &= matches!(part, Self::Test(test) if bounds.narrow(test, field));
        }
        bounds
    }
}

impl Test {
    fn holds(&self, actual: &Operand) -> bool {
        let any = |check: fn(&Operand, &Operand) -> bool| {
            self.values.iter().any(|wanted| check(actual, wanted))
        };
        match self.operator {
            Operator::Equal | Operator::In => any(|a, b| a == b),
            Operator::NotEqual | Operator::NotIn => !any(|a, b| a == b),
            Operator::Contains => any(contains),
            Operator::ContainsNot => !any(contains),
            Operator::Less => any(|a, b| ordered(a, b) == Some(Ordering::Less)),
            Operator::Greater => any(|a, b| ordered(a, b) == Some(Ordering::Greater)),
            Operator::LessOrEqual => any(|a, b| ordered(a, b).is_some_and(Ordering::is_le)),
            Operator::GreaterOrEqual => any(|a, b| ordered(a, b).is_some_and(Ordering::is_ge)),
        }
    }
}

/// Null is neither less nor greater.
fn ordered(actual: &Operand, wanted: &Operand) -> Option<Ordering> {
    (*actual != Operand::Null).then(|| actual.order(wanted))
}

fn contains(actual: &Operand, wanted: &Operand) -> bool {
    match (actual, wanted) {
        (Operand::Text(actual), Operand::Text(wanted)) => {
            actual.to_lowercase().contains(&wanted.to_lowercase())
        }
        _ => false,
    }
}

/// A range of times in nanoseconds, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) from_ns: Option<i128>,
    pub(crate) to_ns: Option<i128>,
    /// Whether the range alone decides, so that no record need be looked at.
    pub(crate) complete: bool,
}

impl Bounds {
    /// Applies one comparison; false when it is not about `field` or not a range.
    fn narrow(&mut self, test: &Test, field: &str) -> bool {
        let (name, [Operand::Time(at)]) = (test.field, test.values.as_slice()) else {
            return false;
        };
        if name != field {
            return false;
        }
        let (from, to) = match test.operator {
            Operator::Equal => (Some(*at), Some(*at)),
            Operator::GreaterOrEqual => (Some(*at), None),
            Operator::Greater => (Some(at + 1), None),
            Operator::LessOrEqual => (None, Some(*at)),
            Operator::Less => (None, Some(at - 1)),
            _ => return false,
        };
        self.from_ns = self.from_ns.max(from);
        self.to_ns = match (self.to_ns, to) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
        true
    }

    /// The part of a list sorted by time that lies in the range.
    pub(crate) fn slice(self, sorted: &[(i64, u32)]) -> &[(i64, u32)] {
        let nanoseconds = |entry: &(i64, u32)| i128::from(entry.0) * 1000;
        let end = self.to_ns.map_or(sorted.len(), |to| {
            sorted.partition_point(|entry| nanoseconds(entry) <= to)
        });
        let start = self.from_ns.map_or(0, |from| {
            sorted.partition_point(|entry| nanoseconds(entry) < from)
        });
        sorted.get(start..end).unwrap_or_default()
    }
}
