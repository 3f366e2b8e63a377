//! The store's tests, every one on both databases.

mod fixture;

mod budget;
mod open;
mod outbox;
mod reading;
mod sealing;
mod tenancy;
mod uniqueness;
mod wake;
mod work;
mod work_model;
