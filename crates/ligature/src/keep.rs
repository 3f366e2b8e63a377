//! What is kept, where, and for how long: the flags about it.

use std::path::{Path, PathBuf};

use clap::Args;
use outbound::{ObjectLocation, Objects, Outbound};
use secrecy::SecretString;
use store::Retention;

/// What is kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeepFlags {
    /// Where results too big for a row are kept: a directory, or an s3: URL of a bucket and a
    /// prefix, with the usual AWS variables (default: `objects` in the data directory; with
    /// PostgreSQL, the rows)
    #[arg(long, env = "LIGATURE_OBJECT_STORE", value_name = "DIR|URL")]
    pub(crate) object_store: Option<String>,
    /// How long ended operations, their logs and delivered messages are kept; dead letters thrice
    /// as long
    #[arg(long, env = "LIGATURE_RETENTION_DAYS", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) retention_days: u32,
    /// How many bytes may wait to be delivered; reading waits beyond it
    #[arg(long, env = "LIGATURE_OUTBOX_MAX_BYTES", default_value_t = DEFAULT_OUTBOX_MAX_BYTES,
          value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) outbox_max_bytes: u64,
}

const DEFAULT_OUTBOX_MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

impl Default for KeepFlags {
    fn default() -> Self {
        Self {
            object_store: None,
            retention_days: 30,
            outbox_max_bytes: DEFAULT_OUTBOX_MAX_BYTES,
        }
    }
}

impl KeepFlags {
    /// How long things are kept.
    pub(crate) fn retention(&self) -> Retention {
        Retention::of_days(self.retention_days)
    }

    /// The object store; `None` keeps everything in rows. `own_dir` is the data
    /// directory where it is this process's alone: nodes that share a
    /// PostgreSQL do not share a directory, unless the operator says so.
    ///
    /// # Errors
    /// When the setting names none, or its directory cannot be made.
    pub(crate) fn objects(
        &self,
        own_dir: Option<&Path>,
        outbound: &Outbound,
    ) -> anyhow::Result<Option<Objects>> {
        let named = self.object_store.as_deref().filter(|text| !text.is_empty());
        let location = match (named, own_dir) {
            (Some(text), _) => location(text, aws_variables())?,
            (None, Some(dir)) => ObjectLocation::Directory(dir.join("objects")),
            (None, None) => return Ok(None),
        };
        Ok(Some(Objects::new(outbound, location)?))
    }
}

/// What a setting names.
fn location(text: &str, variables: Vec<(String, SecretString)>) -> anyhow::Result<ObjectLocation> {
    if let Some(rest) = text.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        anyhow::ensure!(
            !bucket.is_empty(),
            "LIGATURE_OBJECT_STORE names no bucket: it is s3://BUCKET or s3://BUCKET/PREFIX"
        );
        return Ok(ObjectLocation::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            variables,
        });
    }
    let path = text.strip_prefix("file://").unwrap_or(text);
    anyhow::ensure!(
        !path.contains("://"),
        "LIGATURE_OBJECT_STORE is a directory or s3://BUCKET/PREFIX; `{}://` is not supported",
        path.split("://").next().unwrap_or_default()
    );
    Ok(ObjectLocation::Directory(PathBuf::from(path)))
}

/// Those that are set to something: containers often set variables to nothing.
fn aws_variables() -> Vec<(String, SecretString)> {
    std::env::vars()
        .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
        .map(|(name, value)| (name, SecretString::from(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_directory_or_a_bucket() {
        let of = |text| location(text, Vec::new());
        let directory = |text| match of(text) {
            Ok(ObjectLocation::Directory(path)) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(directory("/var/objects"), Path::new("/var/objects"));
        assert_eq!(directory("file:///var/objects"), Path::new("/var/objects"));
        let bucket = |text| match of(text) {
            Ok(ObjectLocation::S3 { bucket, prefix, .. }) => (bucket, prefix),
            other => panic!("{other:?}"),
        };
        assert_eq!(bucket("s3://b"), ("b".to_owned(), String::new()));
        assert_eq!(bucket("s3://b/a/c/"), ("b".to_owned(), "a/c".to_owned()));
        assert!(of("s3:///x").is_err() && of("gs://b").is_err());
    }
}
