//! Signed, expiring links: to results that are too big for a message, to places
//! that manifests are uploaded to, to the hosted install page, and to the page of
//! the first account. The link is the whole authority: whoever has it may do that
//! one thing, or act for that one customer, until it ends.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;
use std::sync::Arc;

/// How long a link to a result or to a place is good for.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// What a link is for; one for the one is no link for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// `GET` of a result, by its message.
    Download,
    /// `PUT` of a manifest, by its upload.
    Upload,
    /// The hosted install page, by its install link.
    Install,
    /// The page on which the first account is made.
    FirstVisit,
}

impl LinkKind {
    /// The path that such links are below.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Download => "/downloads/v1/",
            Self::Upload => "/uploads/v1/",
            Self::Install => "/install/",
            Self::FirstVisit => "/first-visit/",
        }
    }

    fn word(self) -> &'static [u8] {
        match self {
            Self::Download => b"download\n",
            Self::Upload => b"upload\n",
            Self::Install => b"install\n",
            Self::FirstVisit => b"first visit\n",
        }
    }
}

/// Makes and checks links.
#[derive(Debug, Clone)]
pub struct Links {
    public_url: Arc<str>,
    key: Arc<SecretSlice<u8>>,
    /// Accepted, too, while the key is replaced.
    previous: Option<Arc<SecretSlice<u8>>>,
}

/// Why a link is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was good once.
    #[error("this link has expired")]
    Expired,
    /// This server did not make it, or it was altered.
    #[error("this link is not valid")]
    Forged,
}

impl Links {
    /// Links below `public_url`, signed with `key`; those signed with `previous`
    /// are honoured, too.
    #[must_use]
    pub fn new(public_url: &str, key: SecretSlice<u8>, previous: Option<SecretSlice<u8>>) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').into(),
            key: Arc::new(key),
            previous: previous.map(Arc::new),
        }
    }

    /// A link to the result of a message or to the place of an upload.
    #[must_use]
    pub fn sign(&self, kind: LinkKind, id: &str, now: Timestamp) -> String {
        let expires_at = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        self.sign_until(kind, id, expires_at)
    }

    /// A link that is good until then, to the second.
    #[must_use]
    pub(crate) fn sign_until(&self, kind: LinkKind, id: &str, expires_at: Timestamp) -> String {
        format!("{}{}", self.public_url, self.place(kind, id, expires_at))
    }

    /// What is behind the server's origin in a link that is good until then, to the
    /// second.
    #[must_use]
    pub fn place(&self, kind: LinkKind, id: &str, expires_at: Timestamp) -> String {
        let expires = expires_at.as_second();
        let signature = hex::encode(mac(&self.key, kind, id, expires).finalize().into_bytes());
        let path = kind.path();
        format!("{path}{id}?expires={expires}&signature={signature}")
    }

    /// A signature under a page token of a search, which says that this server made
    /// it for just that search.
    pub(crate) fn sign_page(&self, about: &str) -> String {
        self.sign_text(b"page\n", about)
    }

    /// Whether [`Links::sign_page`] made the signature.
    pub(crate) fn is_page_signature(&self, about: &str, signature: &str) -> bool {
        self.is_text_signature(b"page\n", about, signature)
    }

    /// A signature in a form of the install page, which says that this server made
    /// the form for just that link and browser.
    #[must_use]
    pub fn sign_form(&self, link_id: &str, browser: &str) -> String {
        self.sign_text(b"form\n", &format!("{link_id}\n{browser}"))
    }

    /// Whether [`Links::sign_form`] made the signature.
    #[must_use]
    pub fn is_form_signature(&self, link_id: &str, browser: &str, signature: &str) -> bool {
        self.is_text_signature(b"form\n", &format!("{link_id}\n{browser}"), signature)
    }

    fn sign_text(&self, word: &[u8], about: &str) -> String {
        hex::encode(text_mac(&self.key, word, about).finalize().into_bytes())
    }

    fn is_text_signature(&self, word: &[u8], about: &str, signature: &str) -> bool {
        let Ok(given) = hex::decode(signature) else {
            return false;
        };
        let is_by =
            |key: &Arc<SecretSlice<u8>>| text_mac(key, word, about).verify_slice(&given).is_ok();
        is_by(&self.key) || self.previous.as_ref().is_some_and(is_by)
    }

    /// Whether a link's parts are as they were made, and not too old.
    ///
    /// # Errors
    /// [`LinkError`]
    pub fn check(
        &self,
        kind: LinkKind,
        id: &str,
        expires: i64,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), LinkError> {
        let given = hex::decode(signature).map_err(|_| LinkError::Forged)?;
        let is_by = |key: &Arc<SecretSlice<u8>>| {
            let made = mac(key, kind, id, expires);
            made.verify_slice(&given).is_ok()
        };
        if !is_by(&self.key) && !self.previous.as_ref().is_some_and(is_by) {
            return Err(LinkError::Forged);
        }
        if now.as_second() > expires {
            Err(LinkError::Expired)
        } else {
            Ok(())
        }
    }
}

/// HMAC takes keys of any length; the fallback cannot be reached.
fn keyed(key: &SecretSlice<u8>) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key.expose_secret())
        .unwrap_or_else(|_| Hmac::new(&[0; 64].into()))
}

fn text_mac(key: &SecretSlice<u8>, word: &[u8], about: &str) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(word);
    mac.update(about.as_bytes());
    mac
}

fn mac(key: &SecretSlice<u8>, kind: LinkKind, id: &str, expires: i64) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(kind.word());
    mac.update(id.as_bytes());
    mac.update(format!("\n{expires}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links::new("https://lig.example/", SecretSlice::from(vec![7; 32]), None)
    }

    fn parts(url: &str) -> (String, i64, String) {
        let url = url::Url::parse(url).unwrap();
        let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        let id = url.path_segments().unwrap().next_back().unwrap().to_owned();
        (
            id,
            query["expires"].parse().unwrap(),
            query["signature"].clone(),
        )
    }

    #[test]
    fn a_link_is_good_for_a_quarter_of_an_hour() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (id, expires, signature) = parts(&links().sign(LinkKind::Download, "msg_1", now));
        let later = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        assert_eq!(
            links().check(LinkKind::Download, &id, expires, &signature, later(899)),
            Ok(())
        );
        assert_eq!(
            links().check(LinkKind::Download, &id, expires, &signature, later(901)),
            Err(LinkError::Expired)
        );
    }

    #[test]
    fn a_link_is_good_for_one_thing() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let url = links().sign(LinkKind::Upload, "up_1", now);
        assert!(
            url.starts_with("https://lig.example/uploads/v1/up_1?"),
            "{url}"
        );
        let (id, expires, signature) = parts(&url);
        let check = |kind| links().check(kind, &id, expires, &signature, now);
        assert_eq!(check(LinkKind::Upload), Ok(()));
        assert_eq!(check(LinkKind::Download), Err(LinkError::Forged));
        assert_eq!(check(LinkKind::Install), Err(LinkError::Forged));
    }

    #[test]
    fn a_form_is_of_one_link_and_one_browser() {
        let signature = links().sign_form("link", "browser");
        assert!(links().is_form_signature("link", "browser", &signature));
        for (link, browser) in [("link", "other"), ("other", "browser")] {
            assert!(!links().is_form_signature(link, browser, &signature));
        }
        assert!(!links().is_form_signature("link", "browser", ""));
        assert!(!links().is_page_signature("link\nbrowser", &signature));
    }

    #[test]
    fn both_keys_are_good_while_one_is_replaced() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (id, expires, signature) = parts(&links().sign(LinkKind::Download, "msg_1", now));
        let key = |byte| SecretSlice::from(vec![byte; 32]);
        let replaced = Links::new("https://lig.example", key(8), Some(key(7)));
        let check = |links: &Links| links.check(LinkKind::Download, &id, expires, &signature, now);
        assert_eq!(check(&replaced), Ok(()));
        let over = Links::new("https://lig.example", key(8), None);
        assert_eq!(check(&over), Err(LinkError::Forged));
    }

    #[test]
    fn an_altered_link_is_refused() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (id, expires, signature) = parts(&links().sign(LinkKind::Download, "msg_1", now));
        assert_eq!(
            links().check(LinkKind::Download, "msg_2", expires, &signature, now),
            Err(LinkError::Forged)
        );
        assert_eq!(
            links().check(LinkKind::Download, &id, expires + 1, &signature, now),
            Err(LinkError::Forged)
        );
        assert_eq!(
            links().check(LinkKind::Download, &id, expires, "00", now),
            Err(LinkError::Forged)
        );
        assert_eq!(
            links().check(LinkKind::Download, &id, expires, "not hex", now),
            Err(LinkError::Forged)
        );
        let key = |byte| SecretSlice::from(vec![byte; 32]);
        let other = Links::new("https://lig.example", key(8), None);
        assert_eq!(
            other.check(LinkKind::Download, &id, expires, &signature, now),
            Err(LinkError::Forged)
        );
    }
}
