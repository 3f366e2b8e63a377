//! What extractors ask of a request, and how they refuse it.

use axum::extract::State;
use axum::http::HeaderMap;
use engine::Engine;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::{IntoParams, ToSchema};

use super::{Description, Input};
use crate::auth::{Caller, FullCaller};
use crate::extract::{Json, MaybeJson, Path, Query};

/// The names of the security schemes, which are the contract's.
pub(super) const API_KEY: &str = "APIKeyHeader";
pub(super) const BEARER: &str = "Bearer";

impl Input for State<Engine> {}
impl Input for HeaderMap {}

impl Input for Caller {
    fn describe(description: &mut Description) {
        for scheme in [API_KEY, BEARER] {
            let no_scopes: [&str; 0] = [];
            let requirement = SecurityRequirement::new(scheme, no_scopes);
            description.security.push(requirement);
        }
        description.refuses(401);
    }
}

impl Input for FullCaller {
    fn describe(description: &mut Description) {
        let no_scopes: [&str; 0] = [];
        let requirement = SecurityRequirement::new(API_KEY, no_scopes);
        description.security.push(requirement);
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
