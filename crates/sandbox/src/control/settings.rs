//! What can be changed while the sandbox runs.

use super::read;
use crate::Options;
use crate::app::Shared;
use crate::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// The present settings; `rate_limit` 0 means none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Settings {
    pub(crate) latency_ms: u64,
    pub(crate) rate_limit: u32,
    pub(crate) rate_window_seconds: u64,
    pub(crate) callback_url: String,
    pub(crate) private_consumer: bool,
    pub(crate) scopes: Vec<String>,
    pub(crate) rotate_refresh_tokens: bool,
    pub(crate) legacy_scopes_field: bool,
    pub(crate) access_token_seconds: u64,
    /// Lists of variables say nothing of `next`, as the Pipelines service did for years.
    /// That is the stricter way: a client that counts pages reads both kinds whole.
    pub(crate) omit_variables_next: bool,
    /// 401 (for everybody but a Connect app), 404 or 410.
    pub(crate) linkers_status: u16,
    /// Takes webhook addresses that no outsider reaches, such as `http://127.0.0.1:8080/`.
    pub(crate) private_hook_urls: bool,
}

impl Settings {
    pub(crate) fn from_options(options: &Options) -> Self {
        Self {
            latency_ms: 0,
            rate_limit: options.rate_limit.unwrap_or_default(),
            rate_window_seconds: options.rate_window_seconds,
            callback_url: options.callback_url.clone(),
            private_consumer: options.private_consumer,
            scopes: options.scopes.clone(),
            rotate_refresh_tokens: options.rotate_refresh_tokens,
            legacy_scopes_field: options.legacy_scopes_field,
            access_token_seconds: options.access_token_seconds,
            omit_variables_next: true,
            linkers_status: 401,
            private_hook_urls: false,
        }
    }
}

/// Fields to replace; those left out stay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    latency_ms: Option<u64>,
    rate_limit: Option<u32>,
    rate_window_seconds: Option<u64>,
    callback_url: Option<String>,
    private_consumer: Option<bool>,
    scopes: Option<Vec<String>>,
    rotate_refresh_tokens: Option<bool>,
    legacy_scopes_field: Option<bool>,
    access_token_seconds: Option<u64>,
    omit_variables_next: Option<bool>,
    linkers_status: Option<u16>,
    private_hook_urls: Option<bool>,
}

pub(super) async fn show(State(app): State<Shared>) -> Json<Settings> {
    Json(app.settings())
}

pub(super) async fn change(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<Json<Settings>, Refusal> {
    let change: Change = read(&body)?;
    if change
        .linkers_status
        .is_some_and(|status| !matches!(status, 401 | 404 | 410))
    {
        return Err(Refusal::bad_request("linkers_status is 401, 404 or 410"));
    }
    let mut settings = app.settings_mut();
    replace(&mut settings.latency_ms, change.latency_ms);
    replace(&mut settings.rate_limit, change.rate_limit);
    replace(
        &mut settings.rate_window_seconds,
        change.rate_window_seconds,
    );
    replace(&mut settings.callback_url, change.callback_url);
    replace(&mut settings.private_consumer, change.private_consumer);
    replace(&mut settings.scopes, change.scopes);
    replace(
        &mut settings.rotate_refresh_tokens,
        change.rotate_refresh_tokens,
    );
    replace(
        &mut settings.legacy_scopes_field,
        change.legacy_scopes_field,
    );
    replace(
        &mut settings.access_token_seconds,
        change.access_token_seconds,
    );
    replace(
        &mut settings.omit_variables_next,
        change.omit_variables_next,
    );
    replace(&mut settings.linkers_status, change.linkers_status);
    replace(&mut settings.private_hook_urls, change.private_hook_urls);
    Ok(Json(settings.clone()))
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

pub(super) async fn latency(
    State(app): State<Shared>,
    body: Bytes,
) -> Result<Json<Settings>, Refusal> {
    let Latency { ms } = read(&body)?;
    app.settings_mut().latency_ms = ms;
    Ok(Json(app.settings()))
}
