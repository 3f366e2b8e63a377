//! Where a field is in a record.
//!
//! A manifest and a config name a field of the provider either plainly, by its
//! name at the top of the record, or by a JSONPath in bracket notation that goes
//! down through names: `$['owner']['uuid']`
//! ([RFC 9535](https://www.rfc-editor.org/rfc/rfc9535)). Anything more, such as
//! wildcards, filters and positions in lists, would name several values or none,
//! and could not be written back.

use serde_json::Value;
use serde_json_path::JsonPath;

/// The names from the top of a record down to a value; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldPath {
    first: String,
    rest: Vec<String>,
}

/// A field name that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldPathError {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// It begins like a JSONPath but is none.
    #[error("it is not a JSONPath: at position {position}, {reason}")]
    Malformed {
        /// From 1, in characters.
        position: usize,
        /// What was found or expected.
        reason: String,
    },
    /// It is a JSONPath, but not made of names in brackets alone.
    #[error("it is not made of names in brackets alone")]
    NotNames,
}

impl FieldPath {
    /// Reads a `fieldName`.
    ///
    /// # Errors
    /// [`FieldPathError`], when it begins with `$` and is not in bracket notation.
    pub fn parse(field_name: &str) -> Result<Self, FieldPathError> {
        if field_name.is_empty() {
            return Err(FieldPathError::Empty);
        }
        if !field_name.starts_with('$') {
            return Ok(Self {
                first: field_name.to_owned(),
                rest: Vec::new(),
            });
        }
        JsonPath::parse(field_name).map_err(|error| FieldPathError::Malformed {
            position: error.position(),
            reason: error.message().to_owned(),
        })?;
        let mut names = bracketed(field_name)
            .ok_or(FieldPathError::NotNames)?
            .into_iter();
        Ok(Self {
            first: names.next().ok_or(FieldPathError::NotNames)?,
            rest: names.collect(),
        })
    }

    /// Reads a name in which dots lead down, such as `project.key`; a JSONPath is
    /// read as [`FieldPath::parse`] reads it.
    ///
    /// # Errors
    /// As [`FieldPath::parse`], and when there is nothing between two dots.
    pub fn parse_dotted(field_name: &str) -> Result<Self, FieldPathError> {
        if field_name.starts_with('$') {
            return Self::parse(field_name);
        }
        let mut names = field_name.split('.').map(str::to_owned);
        let path = Self {
            first: names.next().unwrap_or_default(),
            rest: names.collect(),
        };
        if path.segments().any(str::is_empty) {
            return Err(FieldPathError::Empty);
        }
        Ok(path)
    }

    /// The name at the top of the record.
    #[must_use]
    pub fn first_segment(&self) -> &str {
        &self.first
    }

    /// The name, if the path goes no deeper than the top of the record.
    #[must_use]
    pub fn top_level(&self) -> Option<&str> {
        self.rest.is_empty().then_some(self.first.as_str())
    }

    /// All the names, from the top.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first)
            .chain(&self.rest)
            .map(String::as_str)
    }

    /// The value in a record, if it is there.
    #[must_use]
    pub fn select<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        self.below_first(record.get(&self.first)?)
    }

    /// The value in what [`FieldPath::first_segment`] names, if it is there.
    #[must_use]
    pub fn below_first<'v>(&self, first: &'v Value) -> Option<&'v Value> {
        self.rest
            .iter()
            .try_fold(first, |value, name| value.get(name))
    }
}

/// The names of `$['a']["b"]…`, given that it is a JSONPath.
fn bracketed(path: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = path.strip_prefix('$')?.trim_start();
    while !rest.is_empty() {
        let inside = rest.strip_prefix('[')?.trim_start();
        let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (name, after) = quoted(inside.strip_prefix(quote)?, quote)?;
        names.push(name);
        rest = after.trim_start().strip_prefix(']')?.trim_start();
    }
    Some(names)
}

/// The text up to the closing quote, and what comes after it. JSON's escapes are
/// JSONPath's, but for the quotes.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut json = String::from('"');
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            c if c == quote => break,
            '\\' => match rest.next()? {
                '\'' => json.push('\''),
                escaped => json.extend(['\\', escaped]),
            },
            '"' => json.push_str("\\\""),
            c => json.push(c),
        }
    }
    json.push('"');
    let name = serde_json::from_str(&json).ok()?;
    Some((name, rest.as_str()))
}
