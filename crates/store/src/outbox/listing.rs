//! Looking at messages: how many there are, which, and what became of each.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::decompress;
use crate::columns::{at, ms};
use crate::error::{Result, StoreError};
use crate::scope::Tenant;
use crate::statement::{counted, page_of, time};

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Waits to be asked for.
    Held,
    /// Waits for its next attempt, or one is under way.
    Pending,
    /// Taken.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Held, Self::Pending, Self::Delivered, Self::Dead];

    /// The word in the API and in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Messages by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct DeliveriesOverview {
    /// Waiting to be asked for.
    pub held: i64,
    /// Not yet taken.
    pub pending: i64,
    /// Taken.
    pub delivered: i64,
    /// Given up.
    pub dead: i64,
}

/// A message as somebody who looks after deliveries sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's identifier.
    pub id: String,
    /// The project.
    pub project_id: String,
    /// Where it goes.
    pub destination_id: String,
    /// That destination's name.
    pub destination_name: String,
    /// The installation that it reports on.
    pub installation_id: String,
    /// The operation that it reports on.
    pub operation_id: String,
    /// Where it is.
    pub status: DeliveryStatus,
    /// How many records it carries.
    pub num_records: i64,
    /// Attempts since it was put in or last replayed.
    pub attempts: i32,
    /// When those ended that were acknowledged, oldest first.
    pub attempt_times: Vec<Timestamp>,
    /// When it is attempted next; `None` when it is not, or an attempt is under
    /// way.
    pub next_attempt: Option<Timestamp>,
    /// The status code of the last answer.
    pub last_status: Option<i32>,
    /// The beginning of the last answer.
    pub last_answer: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was put in.
    pub create_time: Timestamp,
    /// When an attempt or a replay last changed it.
    pub update_time: Option<Timestamp>,
}

/// What a message carries, for somebody who looks.
#[derive(Clone, PartialEq, Eq)]
pub struct DeliveryPayload {
    /// The message as JSON; without its link when it is linked.
    pub json: Vec<u8>,
    /// Whether its result is fetched by a signed URL.
    pub linked: bool,
}

/// Bodies hold customers' data, so only their sizes are shown.
impl std::fmt::Debug for DeliveryPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryPayload")
            .field("bytes", &self.json.len())
            .field("linked", &self.linked)
            .finish()
    }
}

/// Which messages to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this status.
    pub status: Option<DeliveryStatus>,
    /// To this destination, by its id.
    pub destination_id: Option<String>,
    /// Of this installation.
    pub installation_id: Option<String>,
    /// Put in at this time or later.
    pub from: Option<Timestamp>,
    /// Put in before this time.
    pub to: Option<Timestamp>,
}

const COLUMNS: &str = "outbox.id, outbox.project_id, destination_id, d.name AS destination_name, \
     installation_id, operation_id, status, num_records, attempt - replayed_after AS attempts, \
     attempt_times, CASE WHEN status = 'pending' AND owner IS NULL THEN next_at END \
     AS next_attempt, last_status, last_answer, last_error, outbox.create_time, \
     outbox.update_time FROM outbox JOIN destination d ON d.id = destination_id";

impl Delivery {
    fn of(row: &QueryResult) -> Result<Self> {
        let corrupt = |detail: &str| StoreError::Corrupt {
            table: "outbox",
            detail: detail.to_owned(),
        };
        let status: String = row.try_get("", "status")?;
        let times: Option<String> = row.try_get("", "attempt_times")?;
        let times = times.iter().flat_map(|times| times.split(','));
        let attempt_times = times
            .map(|ms| Ok(at(ms.parse().map_err(|_| corrupt("an attempt's time"))?)?))
            .collect::<Result<_>>()?;
        let next: Option<i64> = row.try_get("", "next_attempt")?;
        let update: Option<i64> = row.try_get("", "update_time")?;
        Ok(Self {
            id: row.try_get("", "id")?,
            project_id: row.try_get("", "project_id")?,
            destination_id: row.try_get("", "destination_id")?,
            destination_name: row.try_get("", "destination_name")?,
            installation_id: row.try_get("", "installation_id")?,
            operation_id: row.try_get("", "operation_id")?,
            status: DeliveryStatus::of_word(&status).ok_or_else(|| corrupt("its status"))?,
            num_records: row.try_get("", "num_records")?,
            attempts: row.try_get("", "attempts")?,
            attempt_times,
            next_attempt: next.map(at).transpose()?,
            last_status: row.try_get("", "last_status")?,
            last_answer: row.try_get("", "last_answer")?,
            last_error: row.try_get("", "last_error")?,
            create_time: time(row, "create_time")?,
            update_time: update.map(at).transpose()?,
        })
    }
}

/// Where a page ended: the time and the id of its last message.
fn parse_token(token: &str) -> Result<(i64, &str)> {
    token
        .split_once('.')
        .and_then(|(ms, id)| Some((ms.parse().ok()?, id)))
        .ok_or_else(|| StoreError::not_found("page", token))
}

impl Tenant<'_> {
    /// What this scope sees of the outbox, as a condition whose first parameter
    /// is numbered `first`.
    pub(super) fn visible(&self, first: usize) -> (String, Vec<Value>) {
        let mut values: Vec<Value> = vec![self.scope.project_id().into()];
        let mut sql = format!("AND outbox.project_id = ${first}");
        if let Some(group) = self.scope.group_ref() {
            sql.push_str(&format!(
                " AND installation_id IN (SELECT i.id FROM installation i \
                 WHERE i.project_id = ${first} AND i.group_ref = ${})",
                first + 1
            ));
            values.push(group.into());
        }
        (sql, values)
    }

    /// How many messages of the project are in which status, each counted up to
    /// `most`.
    pub async fn deliveries_overview(&self, most: u32) -> Result<DeliveriesOverview> {
        let counts = DeliveryStatus::ALL.map(|status| {
            let word = status.as_str();
            let from = format!("outbox WHERE project_id = $1 AND status = '{word}'");
            format!("{} AS {word}", counted(&from, 2))
        });
        let select = format!("SELECT {}", counts.join(", "));
        let values = [self.scope.project_id().into(), i64::from(most).into()];
        let select = self.store.backend().sql(&select, values);
        let found = DeliveriesOverview::find_by_statement(select)
            .one(self.store.read())
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// One page of the messages that match, newest first, and the token of the
    /// next page. `NotFound` for a token that is none.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page_size: u32,
        page_token: Option<&str>,
    ) -> Result<(Vec<Delivery>, Option<String>)> {
        let before = page_token.map(parse_token).transpose()?;
        let mut found = Vec::new();
        // Each status has its messages in order in the index; so every page is
        // found quickly, however many messages there are.
        for status in DeliveryStatus::ALL {
            if filter.status.is_none_or(|wanted| wanted == status) {
                found.extend(self.of_status(status, filter, page_size, before).await?);
            }
        }
        found.sort_by(|a, b| (b.create_time, &b.id).cmp(&(a.create_time, &a.id)));
        let token = |last: &Delivery| format!("{}.{}", ms(last.create_time), last.id);
        Ok(page_of(found, page_size.into(), token))
    }

    /// One more than a page of one status.
    async fn of_status(
        &self,
        status: DeliveryStatus,
        filter: &DeliveryFilter,
        page_size: u32,
        before: Option<(i64, &str)>,
    ) -> Result<Vec<Delivery>> {
        let (visible, mut visible_values) = self.visible(5);
        let mut values: Vec<Value> = vec![
            status.as_str().into(),
            filter.from.map_or(i64::MIN, ms).into(),
            filter.to.map_or(i64::MAX, ms).into(),
            i64::from(page_size).saturating_add(1).into(),
        ];
        values.append(&mut visible_values);
        let mut sql = format!(
            "SELECT {COLUMNS} WHERE status = $1 AND outbox.create_time >= $2 \
             AND outbox.create_time < $3 {visible}"
        );
        if let Some((ms, id)) = before {
            let n = values.len();
            sql.push_str(&format!(
                " AND (outbox.create_time < ${} OR (outbox.create_time = ${} AND outbox.id < ${}))",
                n + 1,
                n + 1,
                n + 2
            ));
            values.extend([ms.into(), id.into()]);
        }
        for (column, wanted) in [
            ("destination_id", &filter.destination_id),
            ("installation_id", &filter.installation_id),
        ] {
            if let Some(wanted) = wanted {
                values.push(wanted.as_str().into());
                sql.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        sql.push_str(" ORDER BY outbox.create_time DESC, outbox.id DESC LIMIT $4");
        let select = self.store.backend().sql_many(&sql, values);
        let rows = self.store.read().query_all_raw(select).await?;
        rows.iter().map(Delivery::of).collect()
    }

    /// One message.
    pub async fn delivery(&self, id: &str) -> Result<Delivery> {
        let (visible, mut values) = self.visible(2);
        values.insert(0, id.into());
        let sql = format!("SELECT {COLUMNS} WHERE outbox.id = $1 {visible}");
        let select = self.store.backend().sql_many(&sql, values);
        let row = self.store.read().query_one_raw(select).await?;
        Delivery::of(&row.ok_or_else(|| StoreError::not_found("delivery", id))?)
    }

    /// What a message carries.
    pub async fn delivery_payload(&self, id: &str) -> Result<DeliveryPayload> {
        let (visible, mut values) = self.visible(2);
        values.insert(0, id.into());
        let sql = format!(
            "SELECT envelope IS NOT NULL AS linked, COALESCE(envelope, body) AS json \
             FROM outbox WHERE id = $1 {visible}"
        );
        let select = self.store.backend().sql_many(&sql, values);
        let row = self.store.read().query_one_raw(select).await?;
        let row = row.ok_or_else(|| StoreError::not_found("delivery", id))?;
        Ok(DeliveryPayload {
            json: decompress(&row.try_get::<Vec<u8>>("", "json")?)?,
            linked: row.try_get("", "linked")?,
        })
    }
}
