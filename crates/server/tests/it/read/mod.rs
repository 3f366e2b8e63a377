//! Reading, from the installation to the app.

mod budget;
mod end_to_end;
mod failures;
mod removed;
mod schedule;
mod tokens;
