//! HTTP in: the APIs, the OAuth callback, downloads, uploads, pages, health.
//!
//! Handlers extract and render. What changes state is an action of the engine;
//! what only reads asks the store, within the scope that the caller's credential
//! gives. `problem` alone maps errors to status codes.

mod answer;
mod api;
mod app;
mod auth;
mod description;
mod docs;
mod downloads;
mod extract;
mod health;
mod metrics;
mod oauth_callback;
mod pages;
mod problem;
mod protect;
mod proxy;
mod read_api;
mod search_api;
mod uploads;
mod write_api;

pub use api::deliveries::delivery_json;
pub use app::{health_router, service};
pub use metrics::{UPKEEP_EVERY, keep_metrics};
pub use protect::{Protections, serve};
pub use proxy::Front;
