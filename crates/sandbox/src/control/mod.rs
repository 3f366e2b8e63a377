//! Run-time control under `/_sandbox/…`: JSON in, JSON out, no credential.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /_sandbox/stats` | | `{"calls":{"/2.0/repositories":{"200":3}},"rate_limited":0,"access_tokens_issued":1,"refreshes":0}` |
//! | `GET /_sandbox/calls?path=PREFIX` | | `{"calls":[{"at","method","path","query","status"}]}`: the latest 2000, oldest first |
//! | `GET /_sandbox/settings` | | the settings below |
//! | `PUT /_sandbox/settings` | any of the fields of the settings | the settings: `latency_ms`, `rate_limit` (0 = off), `rate_window_seconds`, `callback_url`, `private_consumer`, `scopes`, `rotate_refresh_tokens`, `legacy_scopes_field`, `access_token_seconds`, `omit_variables_next` (default true), `linkers_status` (401, 404 or 410), `private_hook_urls` (default false) |
//! | `PUT /_sandbox/latency` | `{"ms":250}` | the settings |
//! | `GET /_sandbox/clock` | | `{"now":"2026-11-23T12:00:00Z"}` |
//! | `POST /_sandbox/clock` | `{"advance_seconds":7200}` | the same |
//! | `POST /_sandbox/faults` | a rule, see below | 201 `{"id":1}` |
//! | `GET /_sandbox/faults` | | `{"faults":[{"id","matched","rule"}]}` |
//! | `DELETE /_sandbox/faults[/{id}]` | | 204 |
//! | `POST /_sandbox/barriers` | `{"path":"/2.0/repositories/acme","page":3}` or `{"path":…,"nth":3}`; `"hold":"request"` (default) or `"response"` | 201 `{"id":1}` |
//! | `GET /_sandbox/barriers/{id}?wait_ms=5000` | | `{"id":1,"parked":1}`, as soon as somebody is parked; 408 with `"parked":0` when the time is over |
//! | `POST /_sandbox/barriers/{id}/release` | | 204; the barrier is gone |
//! | `POST /_sandbox/mutations` | a change of data, see below | `{"changed":[{"full_name", "key", "uuid" or "id", "updated_on" where there is one}]}` |
//! | `POST /_sandbox/tokens` | `{"expire_access":true,"revoke_refresh":true}` | 204 |
//! | `POST /_sandbox/grants` | `{"user":"ada","scopes":["repository"]}`, both optional | what the token endpoint answers, without a consent |
//! | `POST /_sandbox/reset` | | 204: data, settings, tokens, faults, barriers and numbers as at the start; the clock goes on |
//!
//! A fault rule is `{"path":"/2.0/repositories","method":"GET","nth":2,"times":1,"action":{…}}`:
//! `path` is a prefix by whole segments (`/` is everything), `method` may be left out, `nth` is
//! the first matching call that is hit (default 1), `times` how many are (default 1, 0 = all).
//! The action is one of
//! - `{"kind":"respond","status":503,"content_type":"text/html","body":"…","headers":{"Retry-After":"5"}}`
//! - `{"kind":"html_error"}`: a 500 page
//! - `{"kind":"html_not_found"}`: the 404 page, with the caller's profile and a token in it
//! - `{"kind":"rate_limited","retry_after":5}`: the plain-text 429, `retry_after` optional
//! - `{"kind":"expired_token"}`: the 401 of an expired access token
//! - `{"kind":"truncate","keep_bytes":100}`: full `Content-Length`, then the connection ends
//! - `{"kind":"close"}`: the connection ends without an answer
//! - `{"kind":"foreign_next","origin":"http://elsewhere.example"}`
//!
//! A barrier holds requests below its `path` until it is released: those that ask for `page`
//! (no `page` counts as 1) or, with `nth`, only the Nth matching request since the barrier was
//! set. With neither it holds all. `"hold":"response"` computes the answer first.
//!
//! A change of data is one of
//! - `{"kind":"touch","object":"repositories","workspace":"acme","name":"mail-api-3","updated_on":"2026-11-23T12:00:00Z"}`;
//!   `name` is what the object's path takes (slug, project key, `{uuid}`, snippet id), or
//!   `"index":2` counts in order of creation; without `updated_on` it is now. `object` is
//!   `repositories`, `projects`, `members`, `hooks`, `variables` or `snippets`, here and below.
//!   Objects without `updated_on` change in a text: `display_name`, `description`, `value`.
//! - `{"kind":"add","object":"repositories","workspace":"acme","count":5}`
//! - `{"kind":"delete","object":"repositories","workspace":"acme","name":"mail-api-3"}`
//! - `{"kind":"churn","object":"repositories","workspace":"acme","touches":50}`: drawn from the
//!   seed, each a microsecond after the one before

mod barriers;
mod faults;
mod mutations;
mod numbers;
mod settings;
mod tokens;

pub(crate) use barriers::{Barriers, Parked};
pub(crate) use faults::{Action, Faults};
pub(crate) use settings::Settings;

use crate::app::Shared;
use crate::refusal::Refusal;
use axum::Router;
use axum::body::Bytes;
use axum::routing::{delete, get, post, put};
use serde::de::DeserializeOwned;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/_sandbox/stats", get(numbers::stats))
        .route("/_sandbox/calls", get(numbers::calls))
        .route("/_sandbox/reset", post(numbers::reset))
        .route(
            "/_sandbox/clock",
            get(numbers::clock).post(numbers::advance),
        )
        .route(
            "/_sandbox/settings",
            get(settings::show).put(settings::change),
        )
        .route("/_sandbox/latency", put(settings::latency))
        .route(
            "/_sandbox/faults",
            get(faults::list).post(faults::add).delete(faults::clear),
        )
        .route("/_sandbox/faults/{id}", delete(faults::remove))
        .route("/_sandbox/barriers", post(barriers::add))
        .route("/_sandbox/barriers/{id}", get(barriers::wait))
        .route("/_sandbox/barriers/{id}/release", post(barriers::release))
        .route("/_sandbox/mutations", post(mutations::apply))
        .route("/_sandbox/tokens", post(tokens::invalidate))
        .route("/_sandbox/grants", post(tokens::grant))
}

/// A body of the documented shape, whatever its content type; unknown fields are refused.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad_request(error.to_string()))
}

/// Whether a rule for `prefix` is about `path`: whole segments count, so that the rule for one
/// workspace leaves alone another whose slug begins the same.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
