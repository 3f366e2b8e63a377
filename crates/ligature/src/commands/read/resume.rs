//! The position of a read in a file, so that it can be cut off anywhere. A page
//! is written out before the position behind it is kept: what is cut off between
//! the two is read again, and nothing is lost.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use connector::{ReadIntent, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seam::Seam;

/// What identifies a read: a position of another one would make no sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct What {
    origin: String,
    object: String,
    inputs: BTreeMap<String, String>,
    since: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    what: What,
    /// `None` at the end.
    position: Option<State>,
    records: u64,
    /// What may come again.
    seam: BTreeMap<String, String>,
}

/// The position of a read, in a file if there is one.
#[derive(Debug)]
pub(super) struct Resume {
    path: Option<PathBuf>,
    what: What,
    kept: Option<Kept>,
}

impl Resume {
    /// A position that is kept nowhere.
    pub(super) fn none(intent: &ReadIntent, origin: &str) -> Self {
        let what = What {
            origin: origin.to_owned(),
            object: intent.object.clone(),
            inputs: intent.inputs.clone(),
            since: intent.since,
        };
        Self {
            path: None,
            what,
            kept: None,
        }
    }

    /// The position in a file, which need not exist.
    ///
    /// # Errors
    /// When the file is of another read, or is no such file.
    pub(super) fn open(path: &Path, intent: &ReadIntent, origin: &str) -> anyhow::Result<Self> {
        let mut resume = Self {
            path: Some(path.to_owned()),
            ..Self::none(intent, origin)
        };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(resume),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let kept: Kept = serde_json::from_slice(&text)
            .with_context(|| format!("{} does not hold the position of a read", path.display()))?;
        anyhow::ensure!(
            kept.what == resume.what,
            "{} holds the position of another read: {} of {:?}; use the same arguments, or another file",
            path.display(),
            kept.what.object,
            kept.what.inputs,
        );
        resume.kept = Some(kept);
        Ok(resume)
    }

    pub(super) fn position(&self) -> Option<State> {
        self.kept.as_ref()?.position.clone()
    }

    pub(super) fn is_done(&self) -> bool {
        self.kept
            .as_ref()
            .is_some_and(|kept| kept.position.is_none())
    }

    pub(super) fn records(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.records)
    }

    pub(super) fn seam(&self) -> BTreeMap<String, String> {
        self.kept
            .as_ref()
            .map(|kept| kept.seam.clone())
            .unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(String::new, |path| path.display().to_string())
    }

    /// Keeps the position behind a page that was written out. The file is
    /// replaced as a whole, so it is never half of one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(
        &mut self,
        position: Option<&State>,
        written: u64,
        seam: &Seam,
    ) -> anyhow::Result<()> {
        let records = self.records() + written;
        let Some(path) = &self.path else {
            return Ok(());
        };
        let kept = Kept {
            what: self.what.clone(),
            position: position.cloned(),
            records,
            seam: seam.versions().clone(),
        };
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&new)?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            file.sync_all()?;
            std::fs::rename(&new, path)
        };
        write().with_context(|| format!("the position cannot be kept in {}", path.display()))?;
        self.kept = Some(kept);
        Ok(())
    }
}
