//! Whether a destination takes messages: since when it has failed, and whether it
//! is disabled. A disabled one is sent nothing; its messages wait.

use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use crate::Store;
use crate::audit::note;
use crate::columns::ms;
use crate::connect::Tx;
use crate::error::Result;
use crate::notification::{self, Happening};
use crate::scope::Tenant;
use crate::wake::WakeKind;

/// How long a destination may fail without taking anything.
pub const DISABLE_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Why a destination is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyDisabled {
    /// It said that it wants no more.
    Gone,
    /// It has failed for [`DISABLE_AFTER`] without taking anything.
    Failing,
}

impl WhyDisabled {
    /// The reason in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "it answered 410 Gone",
            Self::Failing => "it has failed for five days without taking a message",
        }
    }
}

/// Disables a destination; says whether it was enabled. The one place where that
/// happens, whoever decides it.
pub(crate) async fn disable(
    tx: &mut Tx<'_>,
    id: &str,
    why: WhyDisabled,
    now: Timestamp,
) -> Result<bool> {
    let disabled = tx
        .execute(
            "UPDATE destination SET disabled = TRUE, update_time = $2 \
             WHERE id = $1 AND NOT disabled",
            [id.into(), ms(now).into()],
        )
        .await?;
    if disabled > 0 {
        tracing::warn!(
            destination = id,
            why = why.as_str(),
            "a destination is disabled"
        );
        notification::tell(tx, Happening::DestinationDisabled(id), now).await?;
    }
    Ok(disabled > 0)
}

/// Notes that a destination has taken something.
pub(crate) async fn took(tx: &Tx<'_>, id: &str) -> Result<()> {
    tx.execute(
        "UPDATE destination SET failing_since = NULL \
         WHERE id = $1 AND failing_since IS NOT NULL",
        [id.into()],
    )
    .await?;
    Ok(())
}

/// Notes that a destination has failed, and disables it when it has for too long.
pub(crate) async fn failed(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<()> {
    let first = tx
        .execute(
            "UPDATE destination SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL",
            [id.into(), ms(now).into()],
        )
        .await?;
    if first > 0 {
        return Ok(());
    }
    let since = now.saturating_sub(DISABLE_AFTER).unwrap_or(Timestamp::MIN);
    let too_long = tx.backend().sql(
        "SELECT 1 AS failing FROM destination \
         WHERE id = $1 AND failing_since <= $2 AND NOT disabled",
        [id.into(), ms(since).into()],
    );
    if tx.db().query_one_raw(too_long).await?.is_some() {
        disable(tx, id, WhyDisabled::Failing, now).await?;
    }
    Ok(())
}

impl Store {
    /// Stops sending to a destination; its messages stay pending.
    pub async fn disable_destination(
        &self,
        id: &str,
        why: WhyDisabled,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let disabled = disable(&mut tx, id, why, now).await?;
        tx.commit().await?;
        Ok(disabled)
    }
}

impl Tenant<'_> {
    /// Sends to a destination again, beginning at once with what has waited. One
    /// that is enabled is left as it is.
    pub async fn enable_destination(&self, id: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.store.write().await?;
        let row = self.locked_destination(&tx, id).await?;
        if !row.disabled {
            return Ok(());
        }
        tx.execute(
            "UPDATE destination SET disabled = FALSE, failing_since = NULL, update_time = $2 \
             WHERE id = $1",
            [row.id.as_str().into(), ms(now).into()],
        )
        .await?;
        tx.execute(
            "UPDATE outbox SET next_at = $2 \
             WHERE destination_id = $1 AND status = 'pending' AND owner IS NULL AND next_at > $2",
            [row.id.as_str().into(), ms(now).into()],
        )
        .await?;
        tx.wake(WakeKind::Outbox).await?;
        note(&tx, self.scope, "destination.enable", &row.id, now).await?;
        tx.commit().await
    }
}
