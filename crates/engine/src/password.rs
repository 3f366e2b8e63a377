//! Passwords: argon2id, with the parameters that the library recommends (19 MiB,
//! two passes), and never more than a few at once, so that guessing cannot take
//! the machine's memory.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::ActionError;

/// Passwords that are hashed at once.
const AT_ONCE: usize = 4;
/// The shortest and the longest password, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=1024;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
/// What is compared where there is no account, so that it takes as long.
static NOBODY: LazyLock<SecretString> =
    LazyLock::new(|| hashed(&crate::random::token()).unwrap_or_default());

/// Hashes a password.
///
/// # Errors
/// [`ActionError::Invalid`] for one that is too short or too long.
pub(crate) async fn hash(password: &SecretString) -> Result<SecretString, ActionError> {
    if !LENGTHS.contains(&password.expose_secret().len()) {
        return Err(ActionError::invalid(
            format!(
                "the password is not of {} to {} bytes",
                LENGTHS.start(),
                LENGTHS.end()
            ),
            "Choose another; a few words are easier to keep than a few signs",
        ));
    }
    let password = password.clone();
    turn(move || hashed(password.expose_secret())).await?
}

/// Whether a password is that of a hash. Without a hash it takes as long and is
/// not.
pub(crate) async fn verify(
    password: &SecretString,
    hash: Option<SecretString>,
) -> Result<bool, ActionError> {
    let password = password.clone();
    turn(move || {
        let known = hash.as_ref().unwrap_or(&NOBODY);
        let parsed = PasswordHash::new(known.expose_secret()).map_err(internal)?;
        let same = Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed);
        Ok(same.is_ok() && hash.is_some())
    })
    .await?
}

fn hashed(password: &str) -> Result<SecretString, ActionError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(SecretString::from(hash.map_err(internal)?.to_string()))
}

/// Runs something slow away from the threads that serve.
async fn turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ActionError> {
    let _turn = TURNS.acquire().await.map_err(internal)?;
    tokio::task::spawn_blocking(work).await.map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> ActionError {
    ActionError::Internal(format!("a password could not be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_opens_for_its_password_alone() {
        let password = SecretString::from("correct horse battery");
        let one = hash(&password).await.unwrap();
        let two = hash(&password).await.unwrap();
        assert!(
            one.expose_secret()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            one.expose_secret()
        );
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert!(verify(&password, Some(one.clone())).await.unwrap());
        let other = SecretString::from("correct horse batterx");
        assert!(!verify(&other, Some(one)).await.unwrap());
        assert!(!verify(&password, None).await.unwrap());
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        for bad in ["", "seven b", &"x".repeat(1025)] {
            let refused = hash(&SecretString::from(bad)).await;
            assert!(matches!(refused, Err(ActionError::Invalid { .. })));
        }
        assert!(hash(&SecretString::from("eight by")).await.is_ok());
    }
}
