//! One file a route.

mod api_keys;
mod auth;
mod connections;
mod destinations;
mod downloads;
mod health;
mod hydrate;
mod installations;
mod integrations;
mod jwt_keys;
mod metrics;
mod names;
mod notification_routes;
mod oauth_callback;
mod oauth_connect;
mod object_metadata;
mod operations;
mod pages;
mod problems;
mod projects;
mod provider_apps;
mod providers;
mod request_budgets;
mod revisions;
mod topics;
mod uploads;
