//! The binary as its users run it: whole processes, killed and started again,
//! over real sockets and both databases.

mod api;
mod cli;
mod crash;
mod demo;
mod receiver;
mod serve;
