//! What extractors ask of a request, and how they refuse it.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use engine::Engine;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::{IntoParams, ToSchema};

use super::{Description, Input};
use crate::auth::{BuilderCaller, Caller, FullCaller};
use crate::extract::{Json, MaybeJson, Path, Query};

/// The names of the security schemes, which are the contract's.
pub(super) const API_KEY: &str = "APIKeyHeader";
pub(super) const BEARER: &str = "Bearer";
/// A builder's; the contract has its identity provider's tokens in its place.
pub(super) const SESSION: &str = "Session";

impl Input for State<Engine> {}
impl Input for HeaderMap {}
impl Input for Parts {}
impl<T> Input for Extension<T> {}
impl<T> Input for Option<Extension<T>> {}

impl Input for Caller {
    fn describe(description: &mut Description) {
        opened_by(description, &[API_KEY, BEARER, SESSION]);
        description.refuses(401);
    }
}

impl Input for FullCaller {
    fn describe(description: &mut Description) {
        opened_by(description, &[API_KEY, SESSION]);
        description.refuses(401);
        description.refuses(403);
    }
}

impl Input for BuilderCaller {
    fn describe(description: &mut Description) {
        opened_by(description, &[SESSION]);
        description.refuses(401);
        description.refuses(403);
    }
}

fn opened_by(description: &mut Description, schemes: &[&str]) {
    for scheme in schemes {
        let no_scopes: [&str; 0] = [];
        let requirement = SecurityRequirement::new(*scheme, no_scopes);
        description.security.push(requirement);
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
