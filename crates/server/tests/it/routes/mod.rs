//! One file a route.

mod auth;
mod connections;
mod destinations;
mod downloads;
mod health;
mod installations;
mod integrations;
mod oauth_callback;
mod oauth_connect;
mod operations;
mod pages;
mod problems;
mod projects;
mod provider_apps;
mod request_budgets;
mod uploads;
