//! Where the manifest comes from.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, bail};

/// No manifest is nearly as long; what is cut here is refused for its size.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
const NAMES: [&str; 2] = ["amp.yaml", "amp.yml"];

/// The bytes of a manifest and what to call them.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path as it was given, with the file's name where that was a directory.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    lines: Vec<String>,
}

impl Source {
    /// Reads a file, the manifest in a directory, or standard input (`-`).
    ///
    /// # Errors
    /// When there is nothing to read.
    pub(crate) fn read(path: &str) -> anyhow::Result<Self> {
        if path == "-" {
            let bytes = take(io::stdin().lock()).context("standard input cannot be read")?;
            return Ok(Self::of("<stdin>".to_owned(), bytes));
        }
        let given = Path::new(path);
        let file = if given.is_dir() {
            let found = NAMES.map(|name| given.join(name));
            let found = found.into_iter().find(|file| file.is_file());
            let Some(found) = found else {
                bail!("there is no amp.yaml in {path}; name the file");
            };
            found
        } else {
            given.to_owned()
        };
        let name = file.display().to_string();
        let bytes = File::open(&file)
            .and_then(take)
            .with_context(|| format!("{name} cannot be read"))?;
        Ok(Self::of(name, bytes))
    }

    pub(crate) fn of(name: String, bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = text
            .split('\n')
            .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
            .map(str::to_owned)
            .collect();
        Self { name, bytes, lines }
    }

    /// A line by its number from 1, without what ends it; "" beyond the end.
    pub(crate) fn line(&self, number: u64) -> &str {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        index
            .checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .map_or("", String::as_str)
    }
}

fn take(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
