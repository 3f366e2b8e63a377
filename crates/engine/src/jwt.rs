//! Tokens of a builder's own making: a JWT, signed with RS256 by a registered key,
//! by which one customer's browser acts for its group and for nothing else.
//!
//! Verified with ring, which the tree has for TLS, so that there is one
//! implementation of RSA.

use std::sync::Once;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Validation};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use store::{Actor, StoreError};

use crate::Engine;

/// The longest that a token may live.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The size of an RSA public key of 2,048 to 8,192 bits in DER, which is some 14
/// bytes more than its modulus. Others cannot be verified with.
const DER_BYTES: std::ops::RangeInclusive<usize> = 262..=1_060;
/// By how much two clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Why a token opens nothing. The reasons are for the builder who makes tokens;
/// none says whether a key or a group exists.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// It is not a token, or was not signed by an active key.
    #[error("the token is not a JWT signed with RS256 by an active key of the project")]
    Invalid,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// It would live longer than a token may.
    #[error("the token lives longer than 600 seconds")]
    TooLong,
    /// `groupRef` or `consumerRef` is missing.
    #[error("the token lacks the claim `{0}`")]
    Claim(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    #[serde(default)]
    group_ref: String,
    #[serde(default)]
    consumer_ref: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
}

impl Engine {
    /// The actor behind a token.
    ///
    /// # Errors
    /// [`JwtError`]
    pub async fn authenticate_jwt(&self, token: &str) -> Result<Actor, JwtError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| JwtError::Invalid)?;
        let kid = header.kid.filter(|_| header.alg == Algorithm::RS256);
        let kid = kid.ok_or(JwtError::Invalid)?;
        let key = self.store.active_jwt_key(&kid).await?;
        let key = key.ok_or(JwtError::Invalid)?;
        let claims = verified(token, &key.public_key_pem)?;
        check(&claims, self.clock.now())?;
        Ok(self
            .store
            .customer(&key, &claims.group_ref, &claims.consumer_ref))
    }
}

/// Whether a text is an RSA public key of a usable size.
pub(crate) fn is_public_key(pem: &str) -> bool {
    match DecodingKey::from_rsa_pem(pem.as_bytes()) {
        // A private key would pass as far as PEM goes, and must not be sent here.
        Ok(_) if pem.contains("PRIVATE") => false,
        Ok(key) => key
            .try_get_as_bytes()
            .is_ok_and(|der| DER_BYTES.contains(&der.len())),
        Err(_) => false,
    }
}

fn verified(token: &str, pem: &str) -> Result<Claims, JwtError> {
    install();
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| JwtError::Invalid)?;
    let mut validation = Validation::new(Algorithm::RS256);
    // Times are checked by our own clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp"]);
    let token = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    token
        .map(|token| token.claims)
        .map_err(|_| JwtError::Invalid)
}

fn check(claims: &Claims, now: Timestamp) -> Result<(), JwtError> {
    let (now, skew) = (now.as_second(), SKEW.as_secs());
    if claims.exp.saturating_add(skew) <= now {
        return Err(JwtError::Expired);
    }
    let begun = claims.iat.unwrap_or(now).min(now.saturating_add(skew));
    if claims.exp.saturating_sub(begun) > LIFETIME.as_secs() {
        return Err(JwtError::TooLong);
    }
    if claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(skew)) {
        return Err(JwtError::Invalid);
    }
    for (name, value) in [
        ("groupRef", &claims.group_ref),
        ("consumerRef", &claims.consumer_ref),
    ] {
        if value.is_empty() {
            return Err(JwtError::Claim(name));
        }
    }
    Ok(())
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Tells the library to verify with ring, once a process.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if PROVIDER.install_default().is_err() {
            tracing::warn!("JWTs are verified by another implementation than ours");
        }
    });
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if *algorithm == Algorithm::RS256 {
        Ok(Box::new(Rs256(key.clone())))
    } else {
        Err(ErrorKind::InvalidAlgorithm.into())
    }
}

struct Rs256(DecodingKey);

impl signature::Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match self.0.kind() {
            DecodingKeyKind::SecretOrDer(der) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).verify(message, given)
            }
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, given)
            }
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: i64, iat: Option<i64>) -> Claims {
        Claims {
            group_ref: "g".to_owned(),
            consumer_ref: "c".to_owned(),
            exp,
            iat,
            nbf: None,
        }
    }

    #[test]
    fn only_public_keys_of_a_usable_size_are_taken() {
        assert!(is_public_key(include_str!("../tests/keys/public-2048.pem")));
        assert!(!is_public_key(include_str!(
            "../tests/keys/public-1024.pem"
        )));
        assert!(!is_public_key(
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
        ));
        assert!(!is_public_key("no key"));
    }

    #[test]
    fn a_token_lives_ten_minutes_at_most() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds: i64| 1_800_000_000 + seconds;
        assert!(check(&claims(at(600), Some(at(0))), now).is_ok());
        assert!(check(&claims(at(600), None), now).is_ok());
        // Made by a clock that is a little ahead.
        assert!(check(&claims(at(625), Some(at(25))), now).is_ok());
        assert!(matches!(
            check(&claims(at(700), Some(at(0))), now),
            Err(JwtError::TooLong)
        ));
        assert!(matches!(
            check(&claims(at(700), None), now),
            Err(JwtError::TooLong)
        ));
        // A token that says it was made in the future gains nothing by it.
        assert!(matches!(
            check(&claims(at(9_000), Some(at(8_500))), now),
            Err(JwtError::TooLong)
        ));
        assert!(check(&claims(at(-20), Some(at(-300))), now).is_ok());
        assert!(matches!(
            check(&claims(at(-31), Some(at(-300))), now),
            Err(JwtError::Expired)
        ));
    }
}
