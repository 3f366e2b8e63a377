//! Pages for people.

pub(crate) mod install;
pub(crate) mod invite;
pub(crate) mod status;
