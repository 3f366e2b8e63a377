//! How far a long command is: for someone who watches standard error, and nobody
//! else.

use indicatif::{ProgressBar, ProgressStyle};

use crate::console;

/// Something that is counted up to a known number.
pub(super) struct Counter(ProgressBar);

impl Counter {
    /// Begins at none of `total`.
    pub(super) fn start(what: &'static str, total: u64) -> Self {
        if !console::is_watched() {
            return Self(ProgressBar::hidden());
        }
        let style =
            ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len} {prefix} {per_sec}");
        Self(
            ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_prefix(what),
        )
    }

    /// So many by now.
    pub(super) fn at(&self, count: u64) {
        self.0.set_position(count);
    }

    /// That was all.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
