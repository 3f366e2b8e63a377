//! Whether there is room for more messages: reading waits while what is to be
//! delivered takes more than the operator allows.
//!
//! The figure is asked of the store once a second at most, and the longer the
//! answer takes the more seldom; pages of this process are added to it
//! meanwhile. Several nodes may together overshoot by what they read in that time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::{Store, StoreError};
use tokio::sync::Mutex;

/// How long a figure is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(1);
/// Of the time, the part that may be spent on asking: a twentieth.
const SELDOM: u32 = 20;

/// The room in the outbox. Clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    store: Store,
    most_bytes: u64,
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    waiting_bytes: u64,
    until: Timestamp,
}

impl Room {
    pub(crate) fn new(store: Store, most_bytes: u64) -> Self {
        Self {
            store,
            most_bytes,
            known: Arc::default(),
        }
    }

    /// The most that may wait.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// Whether another page may be read.
    pub(crate) async fn is_left(&self, now: Timestamp) -> Result<bool, StoreError> {
        let mut known = self.known.lock().await;
        let waiting_bytes = match *known {
            Some(figure) if now < figure.until => figure.waiting_bytes,
            Some(_) | None => {
                let asked = tokio::time::Instant::now();
                let waiting_bytes = self.store.waiting_bytes().await?;
                let until = now + good_for(asked.elapsed());
                *known = Some(Known {
                    waiting_bytes,
                    until,
                });
                waiting_bytes
            }
        };
        Ok(waiting_bytes < self.most_bytes)
    }

    /// A page of that many bytes was committed.
    pub(crate) async fn taken(&self, bytes: u64) {
        if let Some(known) = &mut *self.known.lock().await {
            known.waiting_bytes = known.waiting_bytes.saturating_add(bytes);
        }
    }
}

/// How long a figure is good for that took so long to get.
fn good_for(took: Duration) -> SignedDuration {
    SignedDuration::try_from(took.saturating_mul(SELDOM))
        .unwrap_or(GOOD_FOR)
        .max(GOOD_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_dear_is_asked_for_seldom() {
        let good = |ms| good_for(Duration::from_millis(ms)).as_millis();
        assert_eq!(good(0), 1_000);
        assert_eq!(good(50), 1_000);
        assert_eq!(good(400), 8_000);
    }
}
