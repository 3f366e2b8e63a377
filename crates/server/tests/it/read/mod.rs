//! Reading, from the installation to the app.

mod asked;
mod end_to_end;
mod failures;
mod filters;
mod limits;
mod removed;
mod sample;
mod schedule;
mod skew;
mod tokens;
mod triggered;
