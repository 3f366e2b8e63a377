//! The key that secrets are sealed with: made at the first start, kept in the
//! data directory, readable by its owner only.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;

const FILE: &str = "secret.key";

/// The key in `dir`, made if there is none.
///
/// # Errors
/// When the directory or the file cannot be made or read.
pub(crate) fn in_dir(dir: &Path) -> anyhow::Result<SecretString> {
    match kept_in(dir)? {
        Some(key) => Ok(key),
        None => make(dir, &dir.join(FILE)),
    }
}

/// The key in `dir`, if there is one.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn kept_in(dir: &Path) -> anyhow::Result<Option<SecretString>> {
    let path = dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(SecretString::from(text.trim().to_owned()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("the secret key {} cannot be read", path.display()))
        }
    }
}

fn make(dir: &Path, path: &Path) -> anyhow::Result<SecretString> {
    std::fs::create_dir_all(dir)
        .with_context(|| format!("the data directory {} cannot be made", dir.display()))?;
    let key = STANDARD.encode(rand::random::<[u8; 32]>());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("the secret key {} cannot be made", path.display()))?;
    writeln!(file, "{key}")?;
    // Without the key the store cannot be read, so it must outlive a power cut.
    file.sync_all()?;
    Ok(SecretString::from(key))
}

/// A key for one purpose, so that no two purposes share one.
pub(crate) fn derive(key: &SecretString, purpose: &str) -> SecretSlice<u8> {
    let secret = key.expose_secret().trim().as_bytes();
    let mut bytes = Vec::new();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(purpose.as_bytes());
        bytes = mac.finalize().into_bytes().to_vec();
    }
    SecretSlice::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = in_dir(&dir.path().join("new")).unwrap();
        let second = in_dir(&dir.path().join("new")).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(STANDARD.decode(first.expose_secret()).unwrap().len(), 32);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(dir.path().join("new").join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn purposes_have_different_keys() {
        let key = SecretString::from("key".to_owned());
        assert_ne!(
            derive(&key, "a").expose_secret(),
            derive(&key, "b").expose_secret()
        );
        assert_eq!(derive(&key, "a").expose_secret().len(), 32);
    }
}
