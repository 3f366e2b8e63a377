//! Token endpoints: an OAuth library made the request, credentials and all; it
//! leaves under the same rules as every other.

use reqwest::Method;

use crate::client::parse;
use crate::{Outbound, SendError, body};

/// The largest answer of a token endpoint. Tokens are a few kilobytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

impl Outbound {
    /// Sends a request to a token endpoint and reads its whole answer. Any
    /// status is an answer.
    ///
    /// # Errors
    /// [`SendError`], when there is no answer or not a whole one.
    pub async fn token_endpoint(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        let (parts, body) = request.into_parts();
        let url = parse(&parts.uri.to_string())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut headers = parts.headers;
        if let Some(credential) = headers.get_mut(http::header::AUTHORIZATION) {
            credential.set_sensitive(true);
        }
        let request = self
            .client_for(&url)?
            .request(Method::POST, url)
            .headers(headers)
            .body(body);
        let exchange = async {
            let answer = request
                .send()
                .await
                .map_err(|e| SendError::from_client(&e, &host))?;
            let mut whole = http::Response::new(Vec::new());
            *whole.status_mut() = answer.status();
            *whole.headers_mut() = answer.headers().clone();
            *whole.body_mut() = body::read_whole(answer, &host, ANSWER_MAX_BYTES).await?;
            Ok(whole)
        };
        tokio::time::timeout(self.provider_timeout(), exchange)
            .await
            .unwrap_or_else(|_| Err(SendError::Timeout { host: host.clone() }))
    }
}
