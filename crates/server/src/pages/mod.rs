//! Pages for people.

pub(crate) mod status;
