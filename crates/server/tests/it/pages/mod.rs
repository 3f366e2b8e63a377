//! The dashboard as a browser without scripts sees it. Browsers with them are in
//! the tests of the binary.

mod careful;
mod connections;
mod door;
mod first_visit;
mod installations;
mod integrations;
mod overview;
mod projects;
mod provider_apps;
