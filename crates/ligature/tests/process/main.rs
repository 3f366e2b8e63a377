//! The binary as its users run it: whole processes, killed and started again,
//! over real sockets and both databases.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod activity;
mod api;
mod browser;
mod chaos;
mod check;
mod cli;
mod contract;
mod crash;
mod crash_writes;
mod dashboard;
mod delivery;
mod demo;
mod deploy;
mod drain;
mod install_page;
mod nodes;
mod people;
mod proxy;
mod read;
mod receiver;
mod serve;
mod storage;
mod watch;
mod write;
