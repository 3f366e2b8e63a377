//! How far the reads are: a bar each for someone who watches, a line now and then
//! for a log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::console;

/// How often a log gets a line about an object.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The progress of several reads.
pub(super) enum Progress {
    Bars {
        _all: MultiProgress,
        bars: BTreeMap<String, ProgressBar>,
    },
    Lines {
        told: BTreeMap<String, (Instant, u64)>,
    },
}

impl Progress {
    pub(super) fn start(objects: &[String]) -> Self {
        if !console::is_watched() {
            return Self::Lines {
                told: BTreeMap::new(),
            };
        }
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template(
            "  {prefix:<26} {bar:30.cyan/dim} {pos:>7}/{len:<7} delivered {msg}",
        );
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |object: &String| {
            let bar = all
                .add(ProgressBar::new(0))
                .with_style(style.clone())
                .with_prefix(object.clone());
            (object.clone(), bar)
        };
        let bars = objects.iter().map(bar).collect();
        Self::Bars { _all: all, bars }
    }

    pub(super) fn show(&mut self, object: &str, read: u64, delivered: u64, total: Option<u64>) {
        match self {
            Self::Bars { bars, .. } => {
                if let Some(bar) = bars.get(object) {
                    bar.set_length(total.unwrap_or(read));
                    bar.set_position(read);
                    bar.set_message(delivered.to_string());
                }
            }
            Self::Lines { told } => {
                let sum = read + delivered;
                let due = told
                    .get(object)
                    .is_none_or(|(at, last)| *last != sum && at.elapsed() >= LINE_EVERY);
                if due && sum > 0 {
                    told.insert(object.to_owned(), (Instant::now(), sum));
                    let total = total.map_or(String::new(), |total| format!(" of {total}"));
                    console::error(&format!(
                        "  {object}: {read}{total} read, {delivered} delivered"
                    ));
                }
            }
        }
    }

    pub(super) fn finish(self) {
        if let Self::Bars { bars, .. } = self {
            for bar in bars.values() {
                bar.finish();
            }
        }
    }
}
