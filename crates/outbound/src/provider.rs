//! Requests to a provider: the credential goes in here, after the last check.

use connector::{Body, Method, Request, Response};
use http::{HeaderMap, header};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use url::{Url, form_urlencoded};

use crate::client::parse;
use crate::{Credential, Outbound, SendError, body, multipart};

impl Outbound {
    /// Sends one request and reads its whole answer. Any status is an answer,
    /// redirects included: they are handed back with their `location`.
    ///
    /// `origin` is where the credential may go (`Description::origin`, or that
    /// of the token endpoint); a request for anywhere else is not sent.
    ///
    /// # Errors
    /// [`SendError`], when there is no answer or not a whole one.
    pub async fn provider(
        &self,
        origin: &str,
        credential: Option<&Credential>,
        request: &Request,
    ) -> Result<Response, SendError> {
        let url = parse(&request.url)?;
        check_origin(origin, &url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        };
        let builder = self
            .client_for(&url)?
            .request(method, url)
            .header(header::ACCEPT, "application/json");
        let builder = with_body(with_credential(builder, credential), &request.body);
        self.exchange(builder, &host).await
    }

    async fn exchange(&self, builder: RequestBuilder, host: &str) -> Result<Response, SendError> {
        let exchange = async {
            let answer = builder
                .send()
                .await
                .map_err(|e| SendError::from_client(&e, host))?;
            let status = answer.status().as_u16();
            let headers = plain_headers(answer.headers());
            let body = body::read_whole(answer, host, self.response_max_bytes()).await?;
            Ok(Response {
                status,
                headers,
                body,
            })
        };
        tokio::time::timeout(self.provider_timeout(), exchange)
            .await
            .unwrap_or_else(|_| {
                Err(SendError::Timeout {
                    host: host.to_owned(),
                })
            })
    }
}

/// A user or password in the URL would be sent as a credential of its own.
fn check_origin(origin: &str, url: &Url) -> Result<(), SendError> {
    let expected = parse(origin)?.origin();
    if !expected.is_tuple() || expected != url.origin() {
        return Err(SendError::OriginMismatch {
            host: url.host_str().unwrap_or_default().to_owned(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SendError::Url {
            reason: "it holds a user name or a password",
        });
    }
    Ok(())
}

/// The client marks these header values as sensitive.
fn with_credential(builder: RequestBuilder, credential: Option<&Credential>) -> RequestBuilder {
    match credential {
        None => builder,
        Some(Credential::Bearer(token)) => builder.bearer_auth(token.expose_secret()),
        Some(Credential::Basic { username, password }) => {
            builder.basic_auth(username, Some(password.expose_secret()))
        }
    }
}

fn with_body(builder: RequestBuilder, body: &Body) -> RequestBuilder {
    match body {
        Body::Empty => builder,
        Body::Form(pairs) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs);
            builder
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.finish())
        }
        Body::Json(value) => builder
            .header(header::CONTENT_TYPE, "application/json")
            .body(value.to_string()),
        Body::Multipart(parts) => {
            let (content_type, body) = multipart::encoded(parts);
            builder
                .header(header::CONTENT_TYPE, content_type)
                .body(body)
        }
    }
}

/// Names are in lower case already; bytes that are not UTF-8 are replaced.
fn plain_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}
