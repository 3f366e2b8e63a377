//! The server through its real surface. The tree mirrors the routes; every test
//! that touches the store runs on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected has failed"
)]
#![allow(
    clippy::too_many_lines,
    reason = "a test tells one story from its beginning to its end"
)]

mod clients;
mod contract;
mod delivery;
mod docs;
mod notifications;
mod pages;
mod proxy;
mod read;
mod routes;
mod secrecy;
mod world;
mod write;
