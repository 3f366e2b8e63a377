//! Reading, from the installation to the app.

mod deployed;
mod end_to_end;
mod failures;
mod paused;
mod reconnected;
mod removed;
mod schedule;
mod tokens;
mod uninstalled;
mod updated;
