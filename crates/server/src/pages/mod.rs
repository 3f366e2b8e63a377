//! Pages for people.

pub(crate) mod invite;
pub(crate) mod status;
