//! What was delivered, as a table, and whether that is all of it.

use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::inbox::Tally;

/// One object.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) object: String,
    /// What Bitbucket holds, where that is known beforehand.
    pub(super) expected: Option<u64>,
    /// Whether Bitbucket has removed the object: then its read has to say so.
    pub(super) removed: bool,
    pub(super) status: String,
    /// Why it failed, if it did.
    pub(super) reason: String,
    pub(super) read: u64,
    pub(super) tally: Tally,
}

impl Row {
    fn is_complete(&self) -> bool {
        if self.removed {
            return self.is_told_removed() && self.tally.records == 0;
        }
        let expected = self.expected.unwrap_or(self.read);
        self.status == "success"
            && self.tally.distinct == expected
            && self.tally.records >= expected
    }

    fn is_told_removed(&self) -> bool {
        self.status == "failure" && self.reason.contains("not offered by Bitbucket any more")
    }
}

/// Every object.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// Messages whose signature was not right.
    pub(super) refused: u64,
}

impl Outcome {
    pub(super) fn is_complete(&self) -> bool {
        self.refused == 0 && !self.rows.is_empty() && self.rows.iter().all(Row::is_complete)
    }

    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header([
            "Object",
            "Backfill",
            "At Bitbucket",
            "Read",
            "Delivered",
            "Distinct",
            "Messages",
            "Repeated",
        ]);
        for row in &self.rows {
            table.add_row([
                row.object.clone(),
                if row.removed && row.is_told_removed() {
                    "not offered any more".to_owned()
                } else {
                    row.status.clone()
                },
                match (row.removed, row.expected) {
                    (true, _) => "-".to_owned(),
                    (false, Some(n)) => n.to_string(),
                    (false, None) => "?".to_owned(),
                },
                row.read.to_string(),
                row.tally.records.to_string(),
                row.tally.distinct.to_string(),
                row.tally.messages.to_string(),
                row.tally.repeated_messages.to_string(),
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }

    pub(super) fn verdict(&self, took: Duration) -> String {
        if self.is_complete() {
            return format!(
                "✓ Every record was delivered and every signature was right, in {:.1} s",
                took.as_secs_f64()
            );
        }
        let mut lines = vec!["✕ Something is missing:".to_owned()];
        for row in self.rows.iter().filter(|row| !row.is_complete()) {
            let expected = row.expected.unwrap_or(row.read);
            let reason = if row.reason.is_empty() {
                String::new()
            } else {
                format!(" ({})", row.reason)
            };
            lines.push(format!(
                "  {}: {} of {expected} records, {}{reason}",
                row.object, row.tally.distinct, row.status
            ));
        }
        if self.refused > 0 {
            lines.push(format!(
                "  {} messages were not signed as they should be",
                self.refused
            ));
        }
        lines.join("\n")
    }
}
