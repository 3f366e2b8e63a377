//! One file a route.

mod api_keys;
mod auth;
mod connections;
mod destinations;
mod downloads;
mod health;
mod installations;
mod integrations;
mod jwt_keys;
mod metrics;
mod notification_routes;
mod oauth_callback;
mod oauth_connect;
mod operations;
mod pages;
mod problems;
mod projects;
mod provider_apps;
mod providers;
mod request_budgets;
mod topics;
mod uploads;
