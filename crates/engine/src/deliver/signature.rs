//! Signatures of messages, after the Standard Webhooks specification: HMAC-SHA256
//! of id, timestamp and body.
//!
//! Made here and not by the specification's library, which is for checking: it
//! copies the body and hashes without the processor's help, and that was a third
//! of what a message cost. The library still checks what is made here, in tests.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// What keys begin with.
const PREFIX: &str = "whsec_";

/// The signatures of one message by every key in force, separated by spaces.
///
/// # Errors
/// When a key is not base64.
pub(super) fn sign(
    keys: &[SecretString],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Result<String, String> {
    let mut signatures = Vec::with_capacity(keys.len());
    for key in keys {
        let key = key.expose_secret();
        let key = BASE64_STANDARD
            .decode(key.strip_prefix(PREFIX).unwrap_or(key))
            .map_err(|_| "the destination's signing secret is not base64".to_owned())?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|e| e.to_string())?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        signatures.push(format!("v1,{signature}"));
    }
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_specifications_library_signs() {
        let body = br#"{"action":"read","result":[{"raw":{"name":"caf\u00e9"}}]}"#;
        for key in [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            let ours = sign(&[key.to_owned().into()], "msg_1", 1_614_265_330, body).unwrap();
            let theirs = standardwebhooks::Webhook::new(key).unwrap();
            assert_eq!(ours, theirs.sign("msg_1", 1_614_265_330, body).unwrap());
        }
    }

    #[test]
    fn the_specifications_example() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();
        let signature = sign(
            &[key],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.as_deref(),
            Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn one_for_each_key_in_force_and_none_by_what_is_no_key() {
        let keys = [
            "whsec_AAAA".to_owned().into(),
            "whsec_BBBB".to_owned().into(),
        ];
        let both = sign(&keys, "m", 1, b"{}").unwrap();
        let each = keys.map(|key| sign(&[key], "m", 1, b"{}").unwrap());
        assert_eq!(both, each.join(" "));
        assert!(sign(&["whsec_*".to_owned().into()], "m", 1, b"{}").is_err());
    }
}
