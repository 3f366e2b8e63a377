//! Bitbucket's query language for `q`, strictly: what is not documented is a 400.
//!
//! Operators `= != ~ !~ < <= > >=`, `IN (…)`, `NOT IN (…)`, `AND`, `OR`, parentheses; strings in
//! double quotes, timestamps without quotes, numbers, `true`, `false`, `null`.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>

mod evaluate;
mod lexer;
mod parser;

pub(crate) use evaluate::{Bounds, Record};

use std::cmp::Ordering;

/// The type of a field, which decides what it can be compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Number,
    Time,
    /// A string that is compared by rank: `permission > "read"`.
    Permission,
}

/// A field that can be filtered and sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}

/// In rising order.
const PERMISSIONS: [&str; 4] = ["none", "read", "write", "admin"];

/// A value on either side of an operator. Times are nanoseconds, so that a literal finer
/// than the data's microseconds still compares exactly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Time(i128),
}

impl Operand {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn time(at_us: i64) -> Self {
        Self::Time(i128::from(at_us) * 1000)
    }

    /// The rank of a permission; null when there is no such.
    pub(crate) fn permission(name: &str) -> Self {
        let rank = PERMISSIONS.iter().zip(0..).find(|(one, _)| **one == name);
        rank.map_or(Self::Null, |(_, rank)| Self::Number(rank))
    }

    /// Null sorts before everything.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    ContainsNot,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// A parsed `q`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test(Test),
}

/// One comparison; `values` holds more than one only for `IN`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test {
    field: &'static str,
    operator: Operator,
    values: Vec<Operand>,
}

impl Query {
    /// How many values the query compares `field` with.
    pub(crate) fn values_of(&self, field: &str) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(|part| part.values_of(field)).sum()
            }
            Self::Test(test) if test.field == field => test.values.len(),
            Self::Test(_) => 0,
        }
    }

    /// Parses `text` against the fields of an endpoint; the error is the message of the 400.
    pub(crate) fn parse(text: &str, fields: &'static [Field]) -> Result<Self, String> {
        let tokens = lexer::tokens(text)?;
        parser::parse(&tokens, fields)
    }
}
