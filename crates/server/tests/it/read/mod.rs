//! Reading, from the installation to the app.

mod end_to_end;
mod failures;
mod removed;
mod room;
mod schedule;
mod tokens;
