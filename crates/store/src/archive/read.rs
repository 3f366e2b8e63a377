//! Reading a backup, and trusting none of it before all of it has been checked.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::{FORMAT, FORMAT_VERSION, Header, Line};
use crate::error::{Result, StoreError};
use crate::migrations;
use crate::rotation::CANARY;
use crate::secrets::MasterKeys;

/// The longest line that is read: an object of 256 MB.
const LONGEST_LINE_BYTES: u64 = 400 * 1024 * 1024;

/// A backup that has been checked: whole, undamaged, of a schema that is known,
/// and sealed under a key that is at hand.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    /// Its header.
    pub header: Header,
    /// How many objects are in it.
    pub objects: u64,
}

/// An object of the object store.
#[derive(Debug)]
pub struct ArchivedObject {
    /// Its key.
    pub key: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Archive {
    /// Reads the whole file and checks it.
    ///
    /// # Errors
    /// [`StoreError::Archive`] when it is damaged, cut short or no backup,
    /// [`StoreError::Newer`] when a later version wrote it,
    /// [`StoreError::Sealed`] when its secrets were sealed under another key.
    pub fn check(path: &Path, keys: &MasterKeys) -> Result<Self> {
        let mut lines = Lines::open(path)?;
        let header = lines.header()?;
        for migration in &header.migrations {
            if !migrations::names().contains(migration) {
                let migration = migration.clone();
                return Err(StoreError::Newer { migration });
            }
        }
        let (mut rows, mut objects, mut canary) = (vec![0; header.tables.len()], 0, None);
        let mut at = None;
        let end = loop {
            match lines.next()? {
                Line::Table(name) => {
                    at = header.tables.iter().position(|table| table.name == name);
                    if at.is_none() {
                        return Err(damaged());
                    }
                }
                Line::Row(values) => {
                    let index = at.ok_or_else(damaged)?;
                    let table = header.tables.get(index).ok_or_else(damaged)?;
                    if values.len() != table.columns.len() {
                        return Err(damaged());
                    }
                    *rows.get_mut(index).ok_or_else(damaged)? += 1;
                    if table.name == CANARY.table
                        && values.first().and_then(|name| name.as_str()) == Some(CANARY.row)
                    {
                        canary = values
                            .get(1)
                            .and_then(|sealed| sealed.as_str())
                            .map(str::to_owned);
                    }
                }
                Line::Object(..) => objects += 1,
                Line::End(end) => break end,
            }
        };
        let counted = header.tables.iter().map(|table| table.rows);
        if !counted.eq(rows.iter().copied())
            || (end.rows, end.objects) != (rows.iter().sum(), objects)
            || end.sha256 != lines.hash_before_last
            || lines.has_more()?
        {
            return Err(damaged());
        }
        open_canary(keys, canary.as_deref())?;
        Ok(Self {
            path: path.to_owned(),
            header,
            objects,
        })
    }

    /// Its lines after the header, from the beginning.
    pub(super) fn lines(&self) -> Result<Lines> {
        let mut lines = Lines::open(&self.path)?;
        lines.header()?;
        Ok(lines)
    }
}

/// Whether the secrets of a backup can be opened.
fn open_canary(keys: &MasterKeys, canary: Option<&str>) -> Result<()> {
    let sealed = canary
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .ok_or_else(damaged)?;
    keys.open(CANARY, &sealed).map(drop).map_err(|_| {
        StoreError::Sealed(
            "this backup was sealed under another master key; give that key as \
             LIGATURE_SECRET_KEY (with SQLite it was in the file secret.key of the data \
             directory). Without it nobody can open the tokens, client secrets and signing keys \
             in the backup: a new store has to be set up and every customer has to connect again"
                .to_owned(),
        )
    })
}

fn damaged() -> StoreError {
    StoreError::Archive("it is damaged or cut short".to_owned())
}

/// The lines of a backup, as they come.
pub(super) struct Lines {
    input: BufReader<zstd::stream::read::Decoder<'static, BufReader<File>>>,
    hash: Sha256,
    hash_before_last: String,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| StoreError::Files {
            path: path.to_owned(),
            source,
        })?;
        let input = zstd::stream::read::Decoder::new(file).map_err(|_| damaged())?;
        Ok(Self {
            input: BufReader::new(input),
            hash: Sha256::new(),
            hash_before_last: String::new(),
            line: Vec::new(),
        })
    }

    fn header(&mut self) -> Result<Header> {
        let not_ours = || StoreError::Archive("it is not a backup of Ligature".to_owned());
        self.read().map_err(|_| not_ours())?;
        let header: Header = serde_json::from_slice(&self.line).map_err(|_| not_ours())?;
        if header.format != FORMAT {
            return Err(not_ours());
        }
        if header.format_version != FORMAT_VERSION {
            return Err(StoreError::Archive(format!(
                "it was written by version {} in a format that this version does not know",
                header.version
            )));
        }
        Ok(header)
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Line> {
        self.read()?;
        serde_json::from_slice(&self.line).map_err(|_| damaged())
    }

    fn read(&mut self) -> Result<()> {
        self.hash_before_last = hex::encode(self.hash.clone().finalize());
        self.line.clear();
        let mut limited = (&mut self.input).take(LONGEST_LINE_BYTES);
        limited
            .read_until(b'\n', &mut self.line)
            .map_err(|_| damaged())?;
        if self.line.last() != Some(&b'\n') {
            return Err(damaged());
        }
        self.hash.update(&self.line);
        Ok(())
    }

    fn has_more(&mut self) -> Result<bool> {
        let more = self.input.fill_buf().map_err(|_| damaged())?;
        Ok(!more.is_empty())
    }
}

/// The object of a line.
pub(super) fn object(key: String, bytes: &str) -> Result<ArchivedObject> {
    let bytes = BASE64_STANDARD.decode(bytes).map_err(|_| damaged())?;
    Ok(ArchivedObject { key, bytes })
}

/// A value that does not fit its column.
pub(super) fn misfit(table: &str, column: &str) -> StoreError {
    StoreError::Archive(format!("a value of {table}.{column} is of another kind"))
}
