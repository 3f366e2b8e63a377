//! Repeats where two pages meet. A walk by time asks again from about where the
//! last page ended; the page's watermark says from when on records can come
//! again, and only those are remembered.

use std::collections::{BTreeMap, HashSet};

use connector::{Page, Record};

/// What may come again.
#[derive(Debug, Default)]
pub(super) struct Seam {
    /// The versions of records that have them, by key.
    versions: BTreeMap<String, String>,
    /// The keys of records without a version. These lists are short.
    keys: HashSet<String>,
}

impl Seam {
    /// What was remembered in an earlier run.
    pub(super) fn from(versions: BTreeMap<String, String>) -> Self {
        Self {
            versions,
            keys: HashSet::new(),
        }
    }

    /// Whether this record has not come before, in this version.
    pub(super) fn is_new(&mut self, record: &Record) -> bool {
        match &record.version {
            Some(version) => {
                self.versions
                    .insert(record.key.clone(), version.clone())
                    .as_ref()
                    != Some(version)
            }
            None => self.keys.insert(record.key.clone()),
        }
    }

    /// Forgets what cannot come again after this page.
    pub(super) fn close(&mut self, page: &Page) {
        if let Some(watermark) = page.watermark {
            let from = watermark.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
            self.versions.retain(|_, version| *version >= from);
        }
    }

    /// What a later run must remember.
    pub(super) fn versions(&self) -> &BTreeMap<String, String> {
        &self.versions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, version: &str) -> Record {
        Record {
            key: key.to_owned(),
            version: Some(version.to_owned()),
            raw: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
            added: serde_json::Map::new(),
        }
    }

    fn page(records: Vec<Record>) -> Page {
        Page {
            records,
            next: None,
            estimated_total: None,
            watermark: Some("2026-01-01T00:00:01Z".parse().unwrap()),
            notes: Vec::new(),
        }
    }

    #[test]
    fn only_the_end_of_a_page_is_remembered() {
        let mut seam = Seam::default();
        let first = page(vec![
            record("a", "2026-01-01T00:00:00.000000Z"),
            record("b", "2026-01-01T00:00:01.000100Z"),
            record("c", "2026-01-01T00:00:01.000900Z"),
        ]);
        assert!(first.records.iter().all(|record| seam.is_new(record)));
        seam.close(&first);
        let kept: Vec<&str> = seam.versions().keys().map(String::as_str).collect();
        assert_eq!(kept, ["b", "c"]);
        assert!(
            !seam.is_new(&record("b", "2026-01-01T00:00:01.000100Z")),
            "the seam"
        );
        assert!(
            seam.is_new(&record("b", "2026-01-01T00:00:02.000000Z")),
            "it has changed since"
        );
    }
}
