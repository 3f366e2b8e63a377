//! What extractors ask of a request, and how they refuse it.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use engine::Engine;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};

use super::{Description, Input};
use crate::auth::{BuilderCaller, Caller, FullCaller};
use crate::extract::{Json, MaybeJson, Path, Query};

/// The names of the security schemes; the first two are the contract's, which leaves
/// the signing in of builders to another service.
pub(super) const API_KEY: &str = "APIKeyHeader";
pub(super) const BEARER: &str = "Bearer";
pub(super) const SESSION: &str = "Session";

impl Input for State<Engine> {}
impl Input for HeaderMap {}

/// What the server has of itself, and nothing that a client says.
impl<T> Input for Extension<T> {}
impl<T> Input for Option<Extension<T>> {}

impl Input for Parts {}

impl Input for Caller {
    fn describe(description: &mut Description) {
        description.asks_for(&[API_KEY, BEARER, SESSION]);
        description.refuses(401);
    }
}

impl Input for FullCaller {
    fn describe(description: &mut Description) {
        description.asks_for(&[API_KEY, SESSION]);
        description.refuses(401);
        description.refuses(403);
    }
}

impl Input for BuilderCaller {
    fn describe(description: &mut Description) {
        description.asks_for(&[SESSION]);
        description.refuses(401);
        description.refuses(403);
    }
}

/// Their names are in the path; what they name may not be there.
impl<T> Input for Path<T> {
    fn describe(description: &mut Description) {
        description.refuses(404);
    }
}

impl<T: IntoParams> Input for Query<T> {
    fn describe(description: &mut Description) {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        description.parameters.extend(parameters);
        description.refuses(400);
    }
}

impl<T: ToSchema> Input for Json<T> {
    fn describe(description: &mut Description) {
        description.takes::<T>(Required::True);
        for status in [400, 413, 415] {
            description.refuses(status);
        }
    }
}

impl<T: ToSchema> Input for MaybeJson<T> {
    fn describe(description: &mut Description) {
        description.takes::<T>(Required::False);
        for status in [400, 413] {
            description.refuses(status);
        }
    }
}
