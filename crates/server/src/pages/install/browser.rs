//! What only the customer's browser knows: a random value in a cookie. Forms are
//! good in the browser that they were made for, and a consent is ended by the
//! browser that began it, so nobody can have another press a button, or connect an
//! account, in his name.

use axum::http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use crate::pages::visitor;

/// The names of the cookie: browsers take the first over TLS only, and for no other
/// host and path.
const SECURE: &str = "__Host-ligature-install";
const PLAIN: &str = "ligature-install";

/// A browser.
#[derive(Debug)]
pub(crate) struct Browser {
    value: String,
    is_secure: bool,
    is_new: bool,
}

impl Browser {
    /// The browser that sends these headers to a server with that URL. One that
    /// comes for the first time gets a value.
    pub(crate) fn of(headers: &HeaderMap, public_url: &str) -> Self {
        let is_secure = public_url.starts_with("https:");
        let known = Self::known(headers, is_secure);
        Self {
            is_new: known.is_none(),
            value: known.unwrap_or_else(|| {
                let half = || Uuid::new_v4().simple().to_string();
                format!("{}{}", half(), half())
            }),
            is_secure,
        }
    }

    fn known(headers: &HeaderMap, is_secure: bool) -> Option<String> {
        let name = if is_secure { SECURE } else { PLAIN };
        let is_ours =
            |value: &String| value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
        visitor::cookie(headers, name).filter(is_ours)
    }

    /// What only it knows; `None` for one that comes for the first time.
    pub(crate) fn secret(&self) -> Option<&str> {
        (!self.is_new).then_some(self.value.as_str())
    }

    /// What only it will know.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// Tells the browser what it is to know. It is sent back on the way from the
    /// provider's page (`Lax`), and with no form of another site.
    pub(super) fn keep(&self, headers: &mut HeaderMap) {
        if !self.is_new {
            return;
        }
        let value = &self.value;
        let cookie = match self.is_secure {
            true => format!("{SECURE}={value}; Path=/; HttpOnly; SameSite=Lax; Secure"),
            false => format!("{PLAIN}={value}; Path=/; HttpOnly; SameSite=Lax"),
        };
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_again() {
        let mut headers = HeaderMap::new();
        let first = Browser::of(&headers, "https://lig.example");
        assert_eq!(first.secret(), None);
        let mut answer = HeaderMap::new();
        first.keep(&mut answer);
        let cookie = answer[header::SET_COOKIE].to_str().unwrap();
        for word in [
            "__Host-",
            "; Secure",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
        ] {
            assert!(cookie.contains(word), "{cookie}");
        }
        let pair = cookie.split(';').next().unwrap();
        let sent = format!("other=1; {pair}; more=2");
        headers.insert(header::COOKIE, sent.parse().unwrap());
        let again = Browser::of(&headers, "https://lig.example");
        assert_eq!(again.secret(), Some(first.value()));
        let mut answer = HeaderMap::new();
        again.keep(&mut answer);
        assert!(answer.is_empty());
        // Over plain HTTP, which any network may write into, it is another cookie.
        assert_eq!(Browser::of(&headers, "http://lig.example").secret(), None);
        headers.insert(header::COOKIE, "ligature-install=short".parse().unwrap());
        assert_eq!(Browser::of(&headers, "http://lig.example").secret(), None);
    }
}
