//! Sealing: envelope encryption of everything that is secret.
//!
//! Each value is encrypted under a data key of its own, and that under the
//! master key, both with XChaCha20-Poly1305 and random nonces. The table, the
//! column and the row are associated data, so a value moved elsewhere does not
//! open. The header names the master key, so values sealed under the previous
//! one still open, and are wrapped anew when the store is opened.
//!
//! Layout: version (1), key id (8), nonce (24), data key (32 + 16), nonce (24),
//! value (n + 16).

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Result, StoreError};

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;
/// What precedes the parts that are encrypted: version and key id.
pub(crate) const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;
const NONCE_BYTES: usize = 24;
const WRAPPED_KEY_BYTES: usize = 32 + 16;

/// One key, with the identifier that headers name it by.
#[derive(Debug)]
struct MasterKey {
    id: [u8; KEY_ID_BYTES],
    key: SecretBox<[u8; 32]>,
}

impl MasterKey {
    fn new(key: [u8; 32]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"ligature master key id");
        hash.update(key);
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self {
            id,
            key: SecretBox::new(Box::new(key)),
        }
    }
}

/// The keys under which everything secret is sealed.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    current: Arc<MasterKey>,
    previous: Option<Arc<MasterKey>>,
}

/// Where a sealed value lies; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn associated(&self, part: &str) -> Vec<u8> {
        format!("{part}\0{}\0{}\0{}", self.table, self.column, self.row).into_bytes()
    }

    fn error(&self, why: &str) -> StoreError {
        StoreError::Sealed(format!(
            "{}.{} of row {}: {why}",
            self.table, self.column, self.row
        ))
    }
}

impl MasterKeys {
    /// The key to seal with, and the one before it, which still opens.
    #[must_use]
    pub fn new(current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self {
            current: Arc::new(MasterKey::new(current)),
            previous: previous.map(|key| Arc::new(MasterKey::new(key))),
        }
    }

    /// The same from base64 of 32 bytes each.
    pub fn parse(current: &SecretString, previous: Option<&SecretString>) -> Result<Self> {
        Ok(Self::new(
            decode(current, "LIGATURE_SECRET_KEY")?,
            previous
                .map(|key| decode(key, "LIGATURE_SECRET_KEY_PREVIOUS"))
                .transpose()?,
        ))
    }

    /// Whether values sealed under an older key can be wrapped anew.
    pub(crate) fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// The header of everything sealed under the current key.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut header = vec![VERSION];
        header.extend_from_slice(&self.current.id);
        header
    }

    /// Seals a value for its place.
    pub(crate) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>> {
        let mut data_key = Zeroizing::new([0_u8; 32]);
        rand::fill(data_key.as_mut_slice());
        let mut sealed = self.header();
        self.wrap(place, &data_key, &mut sealed)?;
        encrypt(&data_key, &place.associated("value"), value, &mut sealed)
            .ok_or_else(|| place.error("it is too long"))?;
        Ok(sealed)
    }

    /// Opens a value that was sealed for that place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let parts = Parts::of(sealed).ok_or_else(|| place.error("it is cut short"))?;
        let data_key = self.unwrap(place, &parts)?;
        decrypt(
            &data_key,
            &place.associated("value"),
            parts.nonce,
            parts.value,
        )
        .ok_or_else(|| place.error("it was changed, or belongs to another row"))
    }

    /// Opens text that was sealed for that place.
    pub(crate) fn open_text(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretString> {
        let bytes = self.open(place, sealed)?;
        std::str::from_utf8(&bytes)
            .map(SecretString::from)
            .map_err(|_| place.error("it is not text"))
    }

    /// Wraps the data key anew under the current key; the value itself stays.
    pub(crate) fn rewrap(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        let parts = Parts::of(sealed).ok_or_else(|| place.error("it is cut short"))?;
        let data_key = self.unwrap(place, &parts)?;
        let mut wrapped = self.header();
        self.wrap(place, &data_key, &mut wrapped)?;
        wrapped.extend_from_slice(parts.nonce);
        wrapped.extend_from_slice(parts.value);
        Ok(wrapped)
    }

    fn wrap(&self, place: Place<'_>, data_key: &[u8; 32], out: &mut Vec<u8>) -> Result<()> {
        let key = self.current.key.expose_secret();
        encrypt(key, &place.associated("key"), data_key, out)
            .ok_or_else(|| place.error("it is too long"))
    }

    fn unwrap(&self, place: Place<'_>, parts: &Parts<'_>) -> Result<Zeroizing<[u8; 32]>> {
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == *parts.key_id)
            .ok_or_else(|| {
                place.error(
                    "it was sealed under another master key; give that key as \
                     LIGATURE_SECRET_KEY, or as LIGATURE_SECRET_KEY_PREVIOUS to replace it",
                )
            })?;
        let associated = place.associated("key");
        let data_key = decrypt(
            key.key.expose_secret(),
            &associated,
            parts.key_nonce,
            parts.wrapped_key,
        );
        data_key
            .and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| place.error("it was changed, or belongs to another row"))
    }
}

/// A sealed value, taken apart.
struct Parts<'a> {
    key_id: &'a [u8; KEY_ID_BYTES],
    key_nonce: &'a [u8; NONCE_BYTES],
    wrapped_key: &'a [u8; WRAPPED_KEY_BYTES],
    nonce: &'a [u8; NONCE_BYTES],
    value: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Option<Self> {
        let rest = sealed.strip_prefix(&[VERSION])?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let (key_nonce, rest) = rest.split_first_chunk()?;
        let (wrapped_key, rest) = rest.split_first_chunk()?;
        let (nonce, value) = rest.split_first_chunk()?;
        Some(Self {
            key_id,
            key_nonce,
            wrapped_key,
            nonce,
            value,
        })
    }
}

fn encrypt(key: &[u8; 32], aad: &[u8], msg: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut nonce = [0_u8; NONCE_BYTES];
    rand::fill(&mut nonce);
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), Payload { msg, aad })
        .ok()?;
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Some(())
}

fn decrypt(
    key: &[u8; 32],
    aad: &[u8],
    nonce: &[u8; NONCE_BYTES],
    msg: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
        .ok()
        .map(Zeroizing::new)
}

fn decode(key: &SecretString, name: &str) -> Result<[u8; 32]> {
    let bytes = BASE64_STANDARD
        .decode(key.expose_secret().trim())
        .map(Zeroizing::new)
        .map_err(|_| StoreError::Settings(format!("{name} is not base64")))?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| StoreError::Settings(format!("{name} is not 32 bytes long")))
}

/// The SHA-256 of a secret in hexadecimal: what is kept of API keys and of
/// OAuth states, and looked up by.
pub(crate) fn digest(secret: &str) -> String {
    Sha256::digest(secret.as_bytes())
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
