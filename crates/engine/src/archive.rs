//! The zip that a manifest is deployed as: exactly one file, `amp.yaml`.
//!
//! Zips come from strangers. No more than a manifest may have is ever unpacked,
//! whatever the zip says of itself, and nothing is written anywhere.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

/// The largest manifest, unpacked.
const MAX_BYTES: u64 = 1024 * 1024;
/// How much smaller than its content a file may be; YAML that people write is
/// seldom beyond 20.
const MAX_RATIO: u64 = 200;
const NAMES: [&str; 2] = ["amp.yaml", "amp.yml"];

/// Why there is no manifest in a zip.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It is none, or a broken one.
    #[error("the upload is not a zip that can be read: {0}")]
    Zip(#[source] ZipError),
    /// It breaks off or does not match its checksum.
    #[error("the zip is damaged: {0}")]
    Damaged(#[source] std::io::Error),
    /// The wrong files.
    #[error("the zip has to have one file, amp.yaml, but has {found}")]
    Files {
        /// What it has instead.
        found: String,
    },
    /// More than a manifest may have.
    #[error("amp.yaml in the zip is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Nothing that people write packs so well.
    #[error("amp.yaml in the zip unpacks to more than {MAX_RATIO} times its size")]
    Bomb,
}

/// Unpacks the manifest.
///
/// # Errors
/// [`ArchiveError`]
pub(crate) fn manifest(zip: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(ArchiveError::Zip)?;
    if archive.len() != 1 {
        return Err(ArchiveError::Files {
            found: format!("{} files", archive.len()),
        });
    }
    let entry = archive.by_index(0).map_err(ArchiveError::Zip)?;
    let name = entry.name().map_err(ArchiveError::Zip)?.into_owned();
    if !NAMES.contains(&name.as_str()) || !entry.is_file() {
        let name: String = name.chars().take(80).collect();
        return Err(ArchiveError::Files {
            found: format!("`{}`", name.escape_debug()),
        });
    }
    let packed = entry.compressed_size();
    let mut manifest = Vec::new();
    let mut most = entry.take(MAX_BYTES + 1);
    most.read_to_end(&mut manifest)
        .map_err(ArchiveError::Damaged)?;
    let bytes = u64::try_from(manifest.len()).unwrap_or(u64::MAX);
    if bytes > MAX_BYTES {
        return Err(ArchiveError::TooLarge);
    }
    if bytes > packed.saturating_mul(MAX_RATIO) {
        return Err(ArchiveError::Bomb);
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refusal(zip: &[u8]) -> String {
        manifest(zip).unwrap_err().to_string()
    }

    #[test]
    fn the_one_file_is_unpacked() {
        for name in NAMES {
            let zip = zip(&[(name, b"specVersion: 1.0.0")]);
            assert_eq!(manifest(&zip).unwrap(), b"specVersion: 1.0.0");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (files, found) in [
            (vec![], "has 0 files"),
            (vec!["amp.yaml", "amp.yml"], "has 2 files"),
            (vec!["folder/amp.yaml"], "has `folder/amp.yaml`"),
            (vec!["../amp.yaml"], "has `../amp.yaml`"),
            (vec!["amp.yaml/"], "has `amp.yaml/`"),
            (vec!["AMP.YAML"], "has `AMP.YAML`"),
        ] {
            let files: Vec<(&str, &[u8])> = files.iter().map(|name| (*name, &b""[..])).collect();
            let said = refusal(&zip(&files));
            assert!(said.contains(found), "{said}");
        }
        for bytes in [&b""[..], b"specVersion: 1.0.0", b"PK\x03\x04"] {
            let said = refusal(bytes);
            assert!(said.contains("not a zip"), "{said}");
        }
    }

    #[test]
    fn bombs_do_not_go_off() {
        let said = refusal(&zip(&[("amp.yaml", &vec![b' '; 50 * 1024 * 1024])]));
        assert!(said.contains("larger than 1048576 bytes"), "{said}");
        let said = refusal(&zip(&[("amp.yaml", &vec![b' '; 1024 * 1024])]));
        assert!(said.contains("200 times its size"), "{said}");
    }

    #[test]
    fn damage_is_seen() {
        let whole = zip(&[("amp.yaml", &b"abcdefghijklmnopqrstuvwxyz".repeat(30))]);
        // The content begins after the header of 30 bytes and the name.
        for at in 38..60 {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(manifest(&damaged).is_err(), "byte {at}");
        }
        for length in 0..whole.len() {
            assert!(manifest(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
