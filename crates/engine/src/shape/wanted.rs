//! Which of the records that come are wanted: those of a range of time, which
//! fulfil the customer's conditions.

use connector::{Object, Record};
use jiff::Timestamp;
use manifest::FieldPath;
use serde_json::Value;
use store::ReadRange;

use super::filter::FieldFilter;
use super::record::Top;

/// What a run wants of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Of which time.
    pub(crate) range: ReadRange,
    /// Under which conditions.
    pub(crate) filters: Vec<FieldFilter>,
    /// Where a record says its time; `None` where that is not looked at.
    time: Option<FieldPath>,
    /// What a builder should know.
    note: Option<String>,
}

impl Wanted {
    /// Everything that fulfils `filters` and, as the provider sees it, is of that
    /// range.
    pub(crate) fn new(range: ReadRange, filters: Vec<FieldFilter>) -> Self {
        Self {
            range,
            filters,
            time: None,
            note: None,
        }
    }

    /// The same, but by each record's own time: where the provider does not
    /// filter by time, or not as finely. Where records have no time, or one of
    /// them tells none, nothing is left out for it.
    pub(crate) fn by_own_time(mut self, object: Option<&Object>) -> Self {
        if self.range == ReadRange::default() {
            return self;
        }
        let path = object.and_then(|object| object.timestamp);
        self.time = path.and_then(|path| FieldPath::parse_dotted(path).ok());
        if self.time.is_none() {
            let name = object.map_or("this object", |object| object.name);
            self.note = Some(format!(
                "Records of {name} tell no time of change, so they cannot be limited by one: all of them are delivered"
            ));
        }
        self
    }

    /// What a builder should know of the whole run.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether a record is wanted.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub(crate) fn holds(&self, record: &Record) -> Result<bool, serde_json::Error> {
        if self.time.is_none() && self.filters.is_empty() {
            return Ok(true);
        }
        let top = Top::of(record)?;
        if let Some(time) = self.time_of(&top)? {
            let early = self.range.since.is_some_and(|since| time < since);
            let late = self.range.until.is_some_and(|until| time >= until);
            if early || late {
                return Ok(false);
            }
        }
        for filter in &self.filters {
            if !filter.holds(&top)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn time_of(&self, top: &Top<'_>) -> Result<Option<Timestamp>, serde_json::Error> {
        let Some(path) = &self.time else {
            return Ok(None);
        };
        let Some(found) = top.raw(path)? else {
            return Ok(None);
        };
        let text: Value = serde_json::from_str(found.get())?;
        Ok(text.as_str().and_then(|text| text.parse().ok()))
    }
}
