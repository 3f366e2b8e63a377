//! Strictness through real HTTP, one file per area.
