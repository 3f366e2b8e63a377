//! Every way Bitbucket says no, in its exact shapes.
//!
//! Most refusals are `{"type":"error","error":{"message",…}}`; wrong Basic credentials and the
//! rate limit answer in plain text, OAuth in the shape of RFC 6749.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses>

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

/// The 46 bytes of a 429; no header comes with them.
pub(crate) const RATE_LIMITED: &str = "Rate limit for this resource has been exceeded";

const LOGIN_FAILED: &str = "Login failed due to incorrect login credentials or method.
For information on authentication methods for Bitbucket Cloud APIs, visit:
    https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication
If you are unsure of which login details or login method to use, visit:
    https://support.atlassian.com/bitbucket-cloud/docs/log-into-or-connect-to-bitbucket-cloud/
";

const ANNOUNCEMENT: &str = "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770";

const CHANGELOG: &str = "https://developer.atlassian.com/cloud/bitbucket/changelog";

/// A response that is not a success.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Shape,
}

#[derive(Debug)]
enum Shape {
    Json(Value),
    Text(&'static str),
    Html(String),
}

impl Refusal {
    /// An error object with nothing but a message.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(
            status,
            json!({"type": "error", "error": {"message": message}}),
        )
    }

    fn json(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body: Shape::Json(body),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// A path that never was an API.
    pub(crate) fn no_such_path() -> Self {
        Self::json(
            StatusCode::NOT_FOUND,
            json!({"type": "error", "error": {
                "message": "Resource not found",
                "detail": "There is no API hosted at this URL."
            }}),
        )
    }

    /// The site's page instead of an answer: it embeds the caller's profile and a token of
    /// short life, so nobody may log it.
    pub(crate) fn html_not_found() -> Self {
        let state = json!({
            "currentUser": {"displayName": "Ada Sandbox", "email": "ada@example.com"},
            "apiToken": "short-lived-token-that-must-not-be-logged"
        });
        let filler = "<!-- menu, footer and scripts -->\n".repeat(700);
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>404 &mdash; Bitbucket</title>\n<script>\
             window.__initial_state__ = {state};</script></head>\n<body><h1>Resource not found\
             </h1>\n{filler}</body></html>\n"
        );
        Self {
            status: StatusCode::NOT_FOUND,
            body: Shape::Html(page),
        }
    }

    pub(crate) fn expired_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Access token expired.")
    }

    /// Also the answer to no credential at all. The real one would serve public data to
    /// anonymous callers (60 calls an hour); the sandbox is stricter.
    pub(crate) fn invalid_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Token is invalid, expired, or not supported for this endpoint.",
        )
    }

    /// Wrong Basic credentials: text, not JSON.
    pub(crate) fn login_failed() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: Shape::Text(LOGIN_FAILED),
        }
    }

    /// The endpoints of Connect apps, which no token opens.
    pub(crate) fn app_jwt_only() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication must use app JWT")
    }

    /// A missing scope; `detail` is an object here and a string elsewhere.
    pub(crate) fn missing_scope(required: &[&str], granted: &[String]) -> Self {
        Self::json(
            StatusCode::FORBIDDEN,
            json!({"type": "error", "error": {
                "message": "Your credentials lack one or more required privilege scopes.",
                "detail": {"required": required, "granted": granted}
            }}),
        )
    }

    /// Not for this caller, whatever its scopes.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// A `PUT` or `POST` without `Content-Length`.
    pub(crate) fn length_required() -> Self {
        Self::new(StatusCode::LENGTH_REQUIRED, "Length Required")
    }

    /// What is wrong with each field of a body.
    pub(crate) fn invalid(fields: Map<String, Value>) -> Self {
        Self::json(
            StatusCode::BAD_REQUEST,
            json!({"type": "error", "error": {"message": "Bad request", "fields": fields}}),
        )
    }

    /// An error of the Pipelines service, which names its kind in `data`.
    pub(crate) fn pipelines(status: StatusCode, kind: &str, message: &str, detail: &str) -> Self {
        Self::json(
            status,
            json!({"type": "error", "error": {
                "message": message,
                "detail": detail,
                "data": {"key": format!("variable-service.variable.{kind}")}
            }}),
        )
    }

    /// The cross-workspace endpoints removed by CHANGE-2770.
    pub(crate) fn removed() -> Self {
        Self::gone(
            "CHANGE-2770 - Functionality has been deprecated",
            ANNOUNCEMENT,
        )
    }

    /// The linkers of Connect apps; which announcement a 410 would name is (inferred).
    pub(crate) fn linkers_removed() -> Self {
        Self::gone("Functionality has been deprecated", CHANGELOG)
    }

    /// `data` appears twice.
    fn gone(message: &str, announcement: &str) -> Self {
        let data = json!({"announcement_url": announcement});
        Self::json(
            StatusCode::GONE,
            json!({
                "type": "error",
                "error": {
                    "message": message,
                    "detail": "Please read the changelog entry for more details.",
                    "data": data
                },
                "data": data
            }),
        )
    }

    pub(crate) fn rate_limited() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            body: Shape::Text(RATE_LIMITED),
        }
    }

    /// An error of the token endpoint.
    pub(crate) fn oauth(status: StatusCode, error: &str, description: &str) -> Self {
        Self::json(
            status,
            json!({"error_description": description, "error": error}),
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.body {
            Shape::Json(body) => with_json(self.status, &body),
            Shape::Text(text) => {
                (self.status, [(header::CONTENT_TYPE, "text/plain")], text).into_response()
            }
            Shape::Html(page) => {
                let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                (self.status, headers, page).into_response()
            }
        }
    }
}

/// A JSON response with Bitbucket's content type.
pub(crate) fn with_json(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        body.to_string(),
    )
        .into_response()
}
