//! The dashboard as a browser without scripts sees it. Browsers with them are in
//! the tests of the binary.

mod careful;
mod destinations;
mod door;
mod first_visit;
mod keys;
mod members;
mod notifications;
mod operations;
mod projects;
mod settings;
