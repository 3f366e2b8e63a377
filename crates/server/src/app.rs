//! All routes, and what every request passes through: an id, a trace, a body
//! limit, headers that keep browsers careful.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, put};
use engine::Engine;
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use uuid::Uuid;

use crate::problem::{self, Problem};
use crate::{
    api, description, downloads, health, metrics, oauth_callback, pages, read_api, uploads,
};

/// The largest request body: a manifest of a megabyte in its JSON string, or zipped.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole server over an engine.
pub fn router(engine: Engine) -> Router {
    let header =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let (platform, mut described) = api::routes().finish("/v1");
    let (read, more) = read_api::routes().finish("/read/v1");
    described.extend(more);
    let document = description::document(described);
    let document = ([(header::CONTENT_TYPE, "application/json")], document);
    Router::new()
        .route("/", get(pages::status::show))
        .route("/openapi.json", get(move || async move { document }))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/callbacks/v1/oauth", get(oauth_callback::receive))
        .route("/downloads/v1/{message}", get(downloads::fetch))
        .route("/uploads/v1/{upload}", put(uploads::receive))
        .nest("/v1", platform)
        .nest("/read/v1", read)
        .route_layer(middleware::from_fn(metrics::count))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(middleware::from_fn(identify))
        // Outermost, so that a refusal too can be read by the page that asked.
        .layer(cors())
        .with_state(engine)
}

/// Pages of the builder's app call the API from their own origin. Whoever has a
/// key may; cookies never count here, so any origin is as good as another.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-amp-client"),
            HeaderName::from_static("x-amp-client-version"),
        ])
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
}

/// What a node answers that only works in the background: whether it is well, and its
/// metrics.
pub fn health_router(engine: Engine) -> Router {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn(identify))
        .with_state(engine)
}

/// Gives the request an id, which problems and logs name. An id that a proxy in
/// front sent is kept if it is short and plain.
async fn identify(request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let id = given
        .filter(plain)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = problem::REQUEST_ID
        .scope(id.clone(), next.run(request))
        .await;
    // The query is left out: it may hold a code or a signature.
    tracing::debug!(%method, path, status = response.status().as_u16(), request_id = id, "request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

pub(crate) async fn no_route(OriginalUri(uri): OriginalUri) -> Problem {
    Problem::new(404, format!("there is nothing at `{}`", uri.path()))
        .remedy("The paths of this server: /v1/… and /read/v1/… for the API, /openapi.json for its description, / for its status")
}

pub(crate) async fn no_method(method: Method, OriginalUri(uri): OriginalUri) -> Problem {
    Problem::new(405, format!("`{}` does not answer {method}", uri.path()))
}
