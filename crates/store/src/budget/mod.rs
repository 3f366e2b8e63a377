//! Request budgets: how many calls a bucket may make in a rolling window,
//! counted exactly over all nodes; who goes first; and what a 429 closes.
//!
//! The rules are in [`ledger`] and [`gate`], as pure functions. Here the ledger
//! is kept: one row for each bucket, changed by compare-and-set on its version.
//! A call costs one statement; where two nodes meet, the one that comes second
//! looks again. A refusal is never given on a ledger that may be out of date.

mod book;
mod gate;
mod lane;
mod ledger;
mod line;
mod shares;
mod snapshot;

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use crate::columns::{at, ms};
use crate::connect::Tx;
use crate::error::{Result, StoreError};
use crate::{Backend, Store};

use book::{Book, Entry};
use ledger::{Ledger, Taken, Terms};

pub(crate) use book::Books;
pub use gate::Refusal;
pub use lane::{Lane, PerLane};
pub use snapshot::{BudgetSnapshot, InstallationCalls};

/// How long the ledger of a bucket without a limit is believed: only its gate
/// counts, and another node may have closed it.
const BELIEVED_MS: i64 = 1_000;
/// Lost races after which the row is locked.
const RACES: u32 = 3;
/// Buckets that nobody has used for so long are forgotten.
const FORGOTTEN_MS: i64 = 7 * 24 * 3_600_000;

/// Whom the provider counts a call for, and how many it allows.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The name of the bucket. Made from a credential: never to be shown.
    pub bucket: &'a str,
    /// Calls in a window; `u32::MAX` is no limit.
    pub limit: u32,
    /// The length of the rolling window.
    pub window: SignedDuration,
    /// The provider.
    pub provider: &'a str,
    /// The resource group.
    pub group: &'a str,
    /// The provider app whose client the calls are counted for.
    pub provider_app_id: Option<&'a str>,
    /// Or the connection whose own credential they are counted for.
    pub connection_id: Option<&'a str>,
}

impl Account<'_> {
    /// How long a call may take from being counted to arriving, the difference
    /// between two clocks included, without the provider counting more than its
    /// limit.
    #[must_use]
    pub fn margin(&self) -> SignedDuration {
        SignedDuration::from_millis(Terms::of(self).margin_ms())
    }
}

/// Who wants to call.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// On which account.
    pub account: Account<'a>,
    /// In which lane.
    pub lane: Lane,
    /// For which installation.
    pub installation_id: Option<&'a str>,
    /// Whether a pass is at hand, from [`crate::Lease::passes`].
    pub with_pass: bool,
}

/// The answer to [`Store::spend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spend {
    /// One call may be made; it has been counted.
    Granted,
    /// There is no room.
    Full {
        /// When there may be some.
        until: Timestamp,
    },
    /// The provider has said to wait.
    Blocked {
        /// Until when.
        until: Timestamp,
    },
}

impl Refusal {
    /// A 429 to a call that was counted at `sent_at`; `told` is the provider's
    /// own wait, and `jitter` by how many thousandths to lengthen it.
    #[must_use]
    pub fn new(sent_at: Timestamp, told: Option<SignedDuration>, jitter: u32) -> Self {
        Self {
            sent_at: ms(sent_at),
            told_ms: told.map(millis),
            jitter,
        }
    }
}

/// The account of one process on its own, by the same rules.
#[derive(Debug)]
pub struct OwnLedger(Ledger);

impl OwnLedger {
    /// Nothing called yet.
    #[must_use]
    pub fn new(account: &Account<'_>) -> Self {
        Self(Ledger::new(Terms::of(account)))
    }

    /// As [`Store::spend`].
    pub fn spend(&mut self, ask: &Ask<'_>, now: Timestamp) -> Result<Spend> {
        self.0.on(Terms::of(&ask.account));
        spend(self.0.take(ask.lane, 1, ask.with_pass, ms(now)))
    }

    /// As [`Store::count_anew`].
    pub fn count_anew(&mut self, lane: Lane, counted_at: Timestamp, now: Timestamp) -> bool {
        self.0.count_anew(lane, ms(counted_at), ms(now))
    }

    /// As [`Store::refused`].
    pub fn refused(&mut self, refusal: Refusal, now: Timestamp) -> Result<Option<Timestamp>> {
        self.0.refused(refusal, ms(now));
        Ok(self.0.gate().blocked(ms(now)).map(at).transpose()?)
    }

    /// As [`Store::answered`].
    pub fn answered(&mut self, sent_at: Timestamp, near: Option<bool>, now: Timestamp) {
        self.0.answered(ms(sent_at), near, ms(now));
    }
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn spend(taken: Taken) -> Result<Spend> {
    Ok(match taken {
        Taken::Granted { .. } => Spend::Granted,
        Taken::Full { until } => Spend::Full { until: at(until)? },
        Taken::Blocked { until } => Spend::Blocked { until: at(until)? },
    })
}

impl Terms {
    fn of(account: &Account<'_>) -> Self {
        Self {
            limit: account.limit,
            window_ms: millis(account.window).max(1),
        }
    }
}

impl Store {
    /// Counts one call against a bucket, if its lane has room.
    pub async fn spend(&self, ask: &Ask<'_>, now: Timestamp) -> Result<Spend> {
        let books = &self.inner.books;
        let book = books.of(ask.account.bucket);
        let spent = self.spend_in(&mut *book.lock().await, ask, now).await?;
        if spent == Spend::Granted {
            self.tally(ask, now);
        }
        Ok(spent)
    }

    async fn spend_in(&self, book: &mut Book, ask: &Ask<'_>, now: Timestamp) -> Result<Spend> {
        let (bucket, terms, time) = (ask.account.bucket, Terms::of(&ask.account), ms(now));
        let wanted = book.wanted(time);
        if !ask.with_pass && book.in_advance(ask.lane, time) {
            return Ok(Spend::Granted);
        }
        for _ in 0..RACES {
            let is_unlimited = terms.limit == u32::MAX;
            let entry = book.entry.take().filter(|entry| {
                !is_unlimited || (0..BELIEVED_MS).contains(&time.saturating_sub(entry.as_of))
            });
            let is_fresh = entry.is_none();
            let entry = match entry {
                Some(entry) => entry,
                None => self.entry(&ask.account, now).await?,
            };
            if entry.ledger.terms() == terms && entry.ledger.is_free(time) {
                book.entry = Some(entry);
                return Ok(Spend::Granted);
            }
            let mut ledger = entry.ledger.clone();
            ledger.on(terms);
            let before = ledger.clone();
            let taken = ledger.take(ask.lane, wanted, ask.with_pass, time);
            let is_granted = matches!(taken, Taken::Granted { .. });
            if !is_granted && !is_fresh {
                continue;
            }
            // What has merely left the window need not be written.
            let mut settled = before;
            settled.settle(time);
            if ledger == settled && (is_unlimited || !is_granted) {
                book.entry = Some(entry);
                return spend(taken);
            }
            if self.replace(bucket, &ledger, entry.version, time).await? {
                book.entry = Some(Entry {
                    ledger,
                    version: entry.version.saturating_add(1),
                    as_of: time,
                });
                return keep(book, ask.lane, taken);
            }
        }
        self.entry(&ask.account, now).await?;
        let tx = self.write().await?;
        let mut entry = lock(&tx, bucket, now).await?.ok_or_else(vanished)?;
        entry.ledger.on(terms);
        let taken = entry.ledger.take(ask.lane, wanted, ask.with_pass, time);
        save(&tx, bucket, &entry, time).await?;
        tx.commit().await?;
        entry.version = entry.version.saturating_add(1);
        book.entry = Some(entry);
        keep(book, ask.lane, taken)
    }

    /// Counts a call now that was counted at `counted_at` and has not left yet:
    /// it costs no second one. False when that call is not counted any more.
    pub async fn count_anew(
        &self,
        account: &Account<'_>,
        lane: Lane,
        counted_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let book = self.inner.books.of(account.bucket);
        let mut book = book.lock().await;
        book.forget();
        let tx = self.write().await?;
        let Some(mut entry) = lock(&tx, account.bucket, now).await? else {
            return Ok(false);
        };
        let counted = entry.ledger.count_anew(lane, ms(counted_at), ms(now));
        save(&tx, account.bucket, &entry, ms(now)).await?;
        tx.commit().await?;
        Ok(counted)
    }

    /// A call was refused for coming too often: nobody who shares the bucket
    /// calls for a while. Returns until when.
    pub async fn refused(
        &self,
        account: &Account<'_>,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let book = self.inner.books.of(account.bucket);
        let mut book = book.lock().await;
        book.forget();
        self.entry(account, now).await?;
        let tx = self.write().await?;
        let locked = lock(&tx, account.bucket, now).await?;
        let mut entry = locked.ok_or_else(vanished)?;
        entry.ledger.refused(refusal, ms(now));
        save(&tx, account.bucket, &entry, ms(now)).await?;
        tx.commit().await?;
        Ok(entry.ledger.gate().blocked(ms(now)).map(at).transpose()?)
    }

    /// A call that was counted at `sent_at` was answered, and not by a 429.
    /// `near` is what the answer said about the limit being near. Costs a
    /// statement only when that is news.
    pub async fn answered(
        &self,
        account: &Account<'_>,
        sent_at: Timestamp,
        near: Option<bool>,
        now: Timestamp,
    ) -> Result<()> {
        let book = self.inner.books.of(account.bucket);
        let mut book = book.lock().await;
        let known = book.entry.as_ref();
        if known.is_some_and(|entry| !entry.ledger.is_news(ms(sent_at), near, ms(now))) {
            return Ok(());
        }
        book.forget();
        let tx = self.write().await?;
        let Some(mut entry) = lock(&tx, account.bucket, now).await? else {
            return Ok(());
        };
        entry.ledger.answered(ms(sent_at), near, ms(now));
        save(&tx, account.bucket, &entry, ms(now)).await?;
        tx.commit().await
    }

    /// Gives back passes that are not needed.
    pub async fn give_back(
        &self,
        account: &Account<'_>,
        lane: Lane,
        passes: u32,
        now: Timestamp,
    ) -> Result<()> {
        let book = self.inner.books.of(account.bucket);
        let mut book = book.lock().await;
        book.forget();
        let mut tx = self.write().await?;
        let Some(mut entry) = lock(&tx, account.bucket, now).await? else {
            return Ok(());
        };
        entry.ledger.give_back(lane, passes, ms(now));
        save(&tx, account.bucket, &entry, ms(now)).await?;
        line::call_up(&mut tx, &entry.ledger, ms(now)).await?;
        tx.commit().await
    }

    /// The ledger as it is now; a new one for a new bucket.
    async fn entry(&self, account: &Account<'_>, now: Timestamp) -> Result<Entry> {
        let found = read(self.read(), self.backend(), account.bucket, "", now).await?;
        if let Some(entry) = found {
            return Ok(entry);
        }
        let tx = self.write().await?;
        open(&tx, account, now).await?;
        tx.commit().await?;
        let found = read(self.read(), self.backend(), account.bucket, "", now).await?;
        found.ok_or_else(vanished)
    }

    /// Compare-and-set: one statement.
    async fn replace(&self, bucket: &str, ledger: &Ledger, version: i64, now: i64) -> Result<bool> {
        let statement = self.backend().sql(
            REPLACE,
            [
                bucket.into(),
                text(ledger)?.into(),
                ledger.look_at(now).into(),
                now.into(),
                version.into(),
            ],
        );
        Ok(self.write_once(statement).await? == 1)
    }
}

const REPLACE: &str = "UPDATE budget_bucket SET ledger = $2, look_at = $3, touched_at = $4, \
     version = version + 1 WHERE bucket = $1 AND version = $5";

fn keep(book: &mut Book, lane: Lane, taken: Taken) -> Result<Spend> {
    if let Taken::Granted { calls, until } = taken {
        book.advance(lane, calls.saturating_sub(1), until);
    }
    spend(taken)
}

fn text(ledger: &Ledger) -> Result<String> {
    serde_json::to_string(ledger).map_err(|error| unreadable(&error))
}

/// Only what nobody has used for days is ever deleted.
fn vanished() -> StoreError {
    StoreError::Corrupt {
        table: "budget_bucket",
        detail: "a row in use is not there".to_owned(),
    }
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        table: "budget_bucket",
        detail: format!("ledger: {error}"),
    }
}

/// Reads a bucket; `locking` is the end of the statement.
async fn read(
    db: &impl ConnectionTrait,
    backend: Backend,
    bucket: &str,
    locking: &str,
    now: Timestamp,
) -> Result<Option<Entry>> {
    let sql = format!("SELECT ledger, version FROM budget_bucket WHERE bucket = $1{locking}");
    let Some(row) = db.query_one_raw(backend.sql(&sql, [bucket.into()])).await? else {
        return Ok(None);
    };
    let ledger: String = row.try_get("", "ledger")?;
    Ok(Some(Entry {
        ledger: serde_json::from_str(&ledger).map_err(|error| unreadable(&error))?,
        version: row.try_get("", "version")?,
        as_of: ms(now),
    }))
}

/// Opens a bucket, unless it is there; and forgets those that nobody uses.
async fn open(tx: &Tx<'_>, account: &Account<'_>, now: Timestamp) -> Result<()> {
    tx.execute(
        "DELETE FROM budget_bucket WHERE touched_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM work WHERE waits_for = budget_bucket.bucket)",
        [ms(now).saturating_sub(FORGOTTEN_MS).into()],
    )
    .await?;
    tx.execute(
        "INSERT INTO budget_bucket (bucket, provider, resource_group, provider_app_id, \
         connection_id, ledger, version, touched_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7) \
         ON CONFLICT (bucket) DO NOTHING",
        [
            account.bucket.into(),
            account.provider.into(),
            account.group.into(),
            account.provider_app_id.into(),
            account.connection_id.into(),
            text(&Ledger::new(Terms::of(account)))?.into(),
            ms(now).into(),
        ],
    )
    .await?;
    Ok(())
}

/// Locks a bucket for the transaction; `None` when it has been forgotten.
async fn lock(tx: &Tx<'_>, bucket: &str, now: Timestamp) -> Result<Option<Entry>> {
    read(
        tx.db(),
        tx.backend(),
        bucket,
        tx.backend().for_update(),
        now,
    )
    .await
}

/// Writes a bucket that is locked.
async fn save(tx: &Tx<'_>, bucket: &str, entry: &Entry, now: i64) -> Result<()> {
    tx.execute(
        REPLACE,
        [
            bucket.into(),
            text(&entry.ledger)?.into(),
            entry.ledger.look_at(now).into(),
            now.into(),
            entry.version.into(),
        ],
    )
    .await?;
    Ok(())
}
