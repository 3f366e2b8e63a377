//! All routes, and what every request passes through: an id, a trace, bounds of
//! size and time, headers that keep browsers careful.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, DefaultBodyLimit, OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, put};
use axum::{Extension, Router};
use engine::Engine;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use uuid::Uuid;

use crate::problem::{self, Problem};
use crate::protect::client::{self, ClientAddress};
use crate::protect::{Guard, Protections, patience};
use crate::proxy::Front;
use crate::{
    api, description, docs, downloads, health, metrics, oauth_callback, pages, read_api,
    search_api, uploads, write_api,
};

/// The largest request body: a manifest of a megabyte in its JSON string, or zipped.
pub(crate) const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What keeps browsers careful, on every answer that is this server's own.
pub(crate) const CAREFUL: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The whole server over an engine.
pub fn service(engine: Engine, protections: &Protections) -> Front {
    let guard = Guard::new(protections.clone());
    let [nosniff, no_referrer, no_frames, no_store] = CAREFUL.map(|(name, value)| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    });
    let (platform, mut described) = api::routes().finish("/v1");
    let (read, more) = read_api::routes().finish("/read/v1");
    described.extend(more);
    let (write, more) = write_api::routes().finish("/write/v1");
    described.extend(more);
    let (search, more) = search_api::routes().finish("/search/v1");
    described.extend(more);
    let document = description::document(described);
    let document = ([(header::CONTENT_TYPE, "application/json")], document);
    let rest = Router::new()
        .route("/openapi.json", get(move || async move { document }))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/callbacks/v1/oauth", get(oauth_callback::receive))
        .route("/downloads/v1/{message}", get(downloads::fetch))
        .route("/uploads/v1/{upload}", put(uploads::receive))
        .merge(docs::routes())
        .nest("/v1", platform)
        .nest("/read/v1", read)
        .nest("/write/v1", write)
        .nest("/search/v1", search)
        .merge(pages::routes(&engine))
        .route_layer(middleware::from_fn(metrics::count))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&guard),
            patience::bound,
        ))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(Extension(Arc::clone(&guard)))
        .layer(nosniff)
        .layer(no_referrer)
        .layer(no_frames)
        .layer(no_store)
        // So far out that a refusal too can be read by the page that asked.
        .layer(cors())
        // Outermost: every answer has an id.
        .layer(middleware::from_fn_with_state(Arc::clone(&guard), identify))
        .with_state(engine.clone());
    Front::new(engine, guard, rest)
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
    let guard = Guard::new(Protections::default());
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(guard, identify))
        .with_state(engine)
}

/// The id of a request. One that a proxy in front sent is kept if it is short and
/// plain.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let given = headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    given
        .filter(plain)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Gives the request an id, which problems and logs name, and finds out whom it
/// comes from.
async fn identify(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer {
        let trusted = &guard.settings.trusted_proxies;
        let address = client::of(peer.ip(), request.headers(), trusted);
        request.extensions_mut().insert(ClientAddress(address));
    }
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

pub(crate) async fn no_route(headers: HeaderMap, OriginalUri(uri): OriginalUri) -> Response {
    let problem = Problem::new(404, format!("there is nothing at `{}`", uri.path()))
        .remedy("The paths of this server: /v1/…, /read/v1/…, /write/v1/… and /search/v1/… for the API, /openapi.json for its description, /docs for its guides, / for its dashboard");
    pages::refuse(&headers, problem)
}

pub(crate) async fn no_method(
    method: Method,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let problem = Problem::new(405, format!("`{}` does not answer {method}", uri.path()));
    pages::refuse(&headers, problem)
}
