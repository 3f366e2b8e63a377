//! Types that cannot print what must not be printed.
//!
//! Redaction is a matter of type here, not of remembering: what may hold a
//! secret is a [`SecretString`], and a URL that is shown goes through [`RedactedUrl`].

use std::fmt;

pub use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Shows scheme, host, port and path of a URL, never user, password, query or
/// fragment: those hold passwords, signatures and customers' filters.
#[derive(Clone, Copy)]
pub struct RedactedUrl<'a>(pub &'a Url);

impl fmt::Display for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or("-"))?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        if url.query().is_some() {
            f.write_str("?…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
