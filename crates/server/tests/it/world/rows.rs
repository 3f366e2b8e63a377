//! Every row of every table, as a backup has it, to look for what must not be there.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use store::Inflater;
use store::archive::{Snapshot, Writer};
use tempfile::TempDir;

use super::World;

impl World {
    /// The tables with a row that has `needle` in a column, compressed or not. What
    /// is sealed cannot be looked into.
    pub(crate) async fn tables_with(&self, needle: &str) -> Vec<String> {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("rows");
        let settings = &self.store.settings;
        let snapshot = Snapshot::take(settings, false, "test", self.now()).await;
        let snapshot = snapshot.unwrap();
        let mut writer = Writer::begin(fs::File::create(&path).unwrap(), &snapshot).unwrap();
        writer.rows(&snapshot, |_| ()).await.unwrap();
        writer.finish().unwrap();
        let text = inflated(&fs::read(&path).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let mut table = String::new();
        let mut found = Vec::new();
        for line in text.lines().skip(1) {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Some(name) = line["table"].as_str() {
                table = name.to_owned();
            }
            let columns = line["row"].as_array().into_iter().flatten();
            if columns.into_iter().any(|column| has(column, needle)) && !found.contains(&table) {
                found.push(table.clone());
            }
        }
        assert!(!table.is_empty(), "no rows were found");
        found
    }
}

/// Whether a column has it: as text, or in bytes, which are in base64.
fn has(column: &Value, needle: &str) -> bool {
    if column.to_string().contains(needle) {
        return true;
    }
    let Ok(bytes) = BASE64_STANDARD.decode(column.as_str().unwrap_or_default()) else {
        return false;
    };
    let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(needle);
    holds(&bytes) || inflated(&bytes).is_some_and(|inside| holds(&inside))
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    Inflater::new().unwrap().push(bytes).ok()
}
