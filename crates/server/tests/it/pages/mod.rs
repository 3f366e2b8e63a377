//! The dashboard as a browser without scripts sees it. Browsers with them are in
//! the tests of the binary.

mod careful;
mod connections;
mod cookies;
mod destinations;
mod door;
mod first_visit;
mod install_links;
mod installation_object;
mod installations;
mod integrations;
mod keys;
mod live;
mod members;
mod notifications;
mod operations;
mod overview;
mod projects;
mod provider_apps;
mod settings;
