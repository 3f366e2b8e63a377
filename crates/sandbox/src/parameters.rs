//! Query and form parameters as the pairs that were sent, in their order.
//!
//! Decoding is that of HTML forms: a `+` that is not escaped is a space, which is what turns
//! `+00:00` in a query into a bad timestamp.

use axum::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;
use url::form_urlencoded;

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same parameters with `name` set to `value`, encoded again.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut encoder = form_urlencoded::Serializer::new(String::new());
        let mut found = false;
        for (key, old) in &self.0 {
            let is_it = key == name;
            found |= is_it;
            encoder.append_pair(key, if is_it { value } else { old });
        }
        if !found {
            encoder.append_pair(name, value);
        }
        encoder.finish()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(
            parts.uri.query().unwrap_or_default().as_bytes(),
        ))
    }
}
