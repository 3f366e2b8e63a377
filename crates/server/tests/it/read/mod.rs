//! Reading, from the installation to the app.

mod asked;
mod budget;
mod deployed;
mod end_to_end;
mod failures;
mod filters;
mod limits;
mod paused;
mod reconnected;
mod removed;
mod room;
mod sample;
mod schedule;
mod skew;
mod tokens;
mod triggered;
mod uninstalled;
mod updated;
