//! Codes, access tokens and refresh tokens, kept by their hash.
//!
//! A refresh token that rotates stays good for ten minutes after its first use, and dies
//! after ninety days without one. A refresh revokes no access token.
//! <https://community.developer.atlassian.com/t/oauth-2-0-and-api-authentication-changes-for-bitbucket-cloud/99003>

use crate::data::Principal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
const REUSE_GRACE: SignedDuration = SignedDuration::from_mins(10);

type Hash = [u8; 32];

/// What somebody agreed to.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) principal: Principal,
    pub(crate) scopes: Vec<String>,
}

/// A code waiting to be exchanged.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    /// As it was sent to the consent page, if it was.
    pub(crate) redirect_uri: Option<String>,
    expires_at: Timestamp,
}

#[derive(Debug)]
struct Access {
    grant: Grant,
    expires_at: Timestamp,
}

#[derive(Debug)]
struct Refresh {
    grant: Grant,
    /// `None`: never, as before rotation.
    expires_at: Option<Timestamp>,
}

/// What a bearer token turned out to be.
#[derive(Debug)]
pub(crate) enum Found {
    Valid(Grant),
    Expired,
    Unknown,
}

/// Why a refresh was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BadRefresh {
    NeverIssued,
    /// Used up, too old, or revoked.
    NoLongerValid,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    codes: HashMap<Hash, Code>,
    access: HashMap<Hash, Access>,
    refresh: HashMap<Hash, Refresh>,
}

impl Tokens {
    pub(crate) fn issue_code(
        &mut self,
        grant: Grant,
        redirect_uri: Option<String>,
        now: Timestamp,
    ) -> String {
        let code = random_text(20);
        let expires_at = after(now, CODE_LIFETIME);
        self.codes.insert(
            hash(&code),
            Code {
                grant,
                redirect_uri,
                expires_at,
            },
        );
        code
    }

    /// Uses a code up, whatever comes of it.
    pub(crate) fn take_code(&mut self, code: &str, now: Timestamp) -> Option<Code> {
        let code = self.codes.remove(&hash(code))?;
        (now < code.expires_at).then_some(code)
    }

    pub(crate) fn issue_access(
        &mut self,
        grant: Grant,
        chars: usize,
        seconds: u64,
        now: Timestamp,
    ) -> String {
        let token = random_text(chars);
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let expires_at = after(now, SignedDuration::from_secs(seconds));
        self.access
            .insert(hash(&token), Access { grant, expires_at });
        token
    }

    pub(crate) fn issue_refresh(
        &mut self,
        grant: Grant,
        chars: usize,
        rotates: bool,
        now: Timestamp,
    ) -> String {
        let token = random_text(chars);
        let expires_at = rotates.then(|| after(now, REFRESH_LIFETIME));
        self.refresh
            .insert(hash(&token), Refresh { grant, expires_at });
        token
    }

    /// Uses a refresh token; with `rotates` its ten last minutes begin.
    pub(crate) fn use_refresh(
        &mut self,
        token: &str,
        rotates: bool,
        now: Timestamp,
    ) -> Result<Grant, BadRefresh> {
        let refresh = self
            .refresh
            .get_mut(&hash(token))
            .ok_or(BadRefresh::NeverIssued)?;
        if refresh.expires_at.is_some_and(|end| end <= now) {
            return Err(BadRefresh::NoLongerValid);
        }
        if rotates {
            let end = after(now, REUSE_GRACE);
            refresh.expires_at = Some(refresh.expires_at.map_or(end, |old| old.min(end)));
        }
        Ok(refresh.grant.clone())
    }

    pub(crate) fn find(&self, token: &str, now: Timestamp) -> Found {
        match self.access.get(&hash(token)) {
            None => Found::Unknown,
            Some(access) if access.expires_at <= now => Found::Expired,
            Some(access) => Found::Valid(access.grant.clone()),
        }
    }

    pub(crate) fn expire_access(&mut self, now: Timestamp) {
        for access in self.access.values_mut() {
            access.expires_at = access.expires_at.min(now);
        }
    }

    pub(crate) fn revoke_refresh(&mut self, now: Timestamp) {
        for refresh in self.refresh.values_mut() {
            refresh.expires_at = Some(now);
        }
    }
}

fn after(now: Timestamp, duration: SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

fn random_text(chars: usize) -> String {
    let mut bytes = vec![0; chars.div_ceil(4) * 3];
    rand::fill(bytes.as_mut_slice());
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(chars);
    text
}
