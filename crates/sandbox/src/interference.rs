//! What happens to every request before and after its handler: date, numbers, delay, barriers,
//! faults. Only `/_sandbox` is spared.

use crate::app::Shared;
use crate::connection::Switch;
use crate::control::{Action, Parked};
use crate::refusal::{Refusal, with_json};
use crate::stats::Call;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// More than any page of this server.
const MAX_BODY_BYTES: usize = 64 << 20;

pub(crate) async fn apply(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let at = app.clock.now();
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let is_api = path.starts_with("/2.0/");
    let query = request.uri().query().filter(|_| is_api).map(str::to_owned);
    let mut response = answer(&app, request, next).await;
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    app.stats().count(Call {
        at: at.to_string(),
        method,
        path,
        query,
        status: response.status().as_u16(),
    });
    response
}

async fn answer(app: &Shared, request: Request, next: Next) -> Response {
    let latency_ms = app.settings().latency_ms;
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    let parked = app.barriers().park(&request);
    let switch = request.extensions().get::<ConnectInfo<Switch>>().cloned();
    let hold_response = parked.as_ref().is_some_and(Parked::holds_response);
    if !hold_response {
        hold(app, parked.as_ref()).await;
    }
    // Decided after the wait, so that a fault can be set while the request is parked.
    let action = app.faults().matching(&request);
    let response = match action {
        None => next.run(request).await,
        Some(action) => fault(action, switch, request, next).await,
    };
    if hold_response {
        hold(app, parked.as_ref()).await;
    }
    response
}

async fn hold(app: &Shared, parked: Option<&Parked>) {
    let Some(parked) = parked else { return };
    let mut stopping = app.stopping.subscribe();
    tokio::select! {
        () = parked.released() => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

async fn fault(
    action: Action,
    switch: Option<ConnectInfo<Switch>>,
    request: Request,
    next: Next,
) -> Response {
    match action {
        Action::Respond {
            status,
            content_type,
            body,
            headers,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            let mut response = (status, body).into_response();
            set(&mut response, "content-type", &content_type);
            for (name, value) in headers {
                set(&mut response, &name, &value);
            }
            response
        }
        Action::HtmlError => html_error(),
        Action::HtmlNotFound => Refusal::html_not_found().into_response(),
        Action::RateLimited { retry_after } => {
            let mut response = Refusal::rate_limited().into_response();
            if let Some(seconds) = retry_after {
                set(&mut response, "retry-after", &seconds.to_string());
            }
            response
        }
        Action::ExpiredToken => Refusal::expired_token().into_response(),
        Action::Close => {
            if let Some(ConnectInfo(switch)) = switch {
                switch.cut();
            }
            Body::from_stream(stream::iter([Err::<Bytes, _>(broken())])).into_response()
        }
        Action::Truncate { keep_bytes } => truncated(next.run(request).await, keep_bytes).await,
        Action::ForeignNext { origin } => foreign(next.run(request).await, &origin).await,
    }
}

fn html_error() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Bitbucket | Something went wrong</title>\
                </head><body><h1>Something went wrong</h1></body></html>\n";
    let mut response = (StatusCode::INTERNAL_SERVER_ERROR, page).into_response();
    set(&mut response, "content-type", "text/html; charset=utf-8");
    response
}

/// Announces the whole body, sends its beginning, and breaks off. The pause between makes the
/// server write the beginning before it meets the error.
async fn truncated(response: Response, keep_bytes: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let start = whole.slice(..keep_bytes.min(whole.len().saturating_sub(1)));
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let body = stream::unfold(Some(start), async |left| match left {
        Some(start) if !start.is_empty() => Some((Ok(start), Some(Bytes::new()))),
        Some(_) => {
            tokio::task::yield_now().await;
            Some((Err(broken()), None))
        }
        None => None,
    });
    Response::from_parts(parts, Body::from_stream(body))
}

/// The same page with `next` on another origin.
async fn foreign(response: Response, origin: &str) -> Response {
    let (parts, body) = response.into_parts();
    let whole = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let mut page: Value = serde_json::from_slice(&whole).unwrap_or_default();
    let moved = page.get("next").and_then(Value::as_str).and_then(|next| {
        let path = next.find("/2.0/").and_then(|at| next.get(at..))?;
        Some(format!("{}{path}", origin.trim_end_matches('/')))
    });
    if let Some(moved) = moved
        && let Some(page) = page.as_object_mut()
    {
        page.insert("next".to_owned(), Value::String(moved));
    }
    let mut response = with_json(parts.status, &page);
    for (name, value) in &parts.headers {
        if name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

fn set(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        response.headers_mut().insert(name, value);
    }
}
