//! How far a read is: for someone who watches standard error, and nobody else.

use std::time::Duration;

use connector::Page;
use engine::Pause;
use indicatif::{ProgressBar, ProgressStyle};

use crate::console;

/// A line that counts records.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins at `records`, read in an earlier run.
    pub(super) fn start(object: &str, records: u64) -> Self {
        if !console::is_watched() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let style = ProgressStyle::with_template(
            "{spinner} {prefix} {bar:30.cyan/dim} {pos}/{len} {per_sec} {msg}",
        );
        let bar = ProgressBar::new(0)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(object.to_owned())
            .with_position(records);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// A page was written out.
    pub(super) fn page(&mut self, written: u64, page: &Page) {
        self.bar.inc(written);
        let total = page.estimated_total.unwrap_or(0).max(self.bar.position());
        self.bar.set_length(total);
        self.bar.set_message("");
        for note in &page.notes {
            self.bar.println(format!("note: {note}"));
        }
    }

    /// The read waits.
    pub(super) fn pause(&mut self, pause: &Pause) {
        self.bar
            .set_message(format!("{}; goes on at {:.0}", pause.why, pause.until));
    }

    /// The read is complete.
    pub(super) fn finish(self) {
        self.bar.finish();
    }
}
