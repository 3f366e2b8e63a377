//! Identifiers.

/// A new identifier: a version 7 UUID as lower-case text. Within a process
/// later ones compare greater.
#[must_use]
pub fn new() -> String {
    uuid::Uuid::now_v7().to_string()
}
