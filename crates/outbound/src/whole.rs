//! Whole requests that someone else has put together: an OAuth library for a
//! token endpoint, a command for a server's API. They leave under the same rules
//! as every other.

use crate::client::parse;
use crate::{Outbound, SendError, body};

impl Outbound {
    /// Sends a request as it is and reads its whole answer. Any status is an
    /// answer, redirects included.
    ///
    /// # Errors
    /// [`SendError`], when there is no answer or not a whole one.
    pub async fn whole(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        let (parts, body) = request.into_parts();
        let url = parse(&parts.uri.to_string())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut headers = parts.headers;
        for name in ["authorization", "x-api-key"] {
            if let Some(credential) = headers.get_mut(name) {
                credential.set_sensitive(true);
            }
        }
        let request = self
            .client_for(&url)?
            .request(parts.method, url)
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
            *whole.body_mut() = body::read_whole(answer, &host, self.response_max_bytes()).await?;
            Ok(whole)
        };
        tokio::time::timeout(self.provider_timeout(), exchange)
            .await
            .unwrap_or_else(|_| Err(SendError::Timeout { host: host.clone() }))
    }
}
