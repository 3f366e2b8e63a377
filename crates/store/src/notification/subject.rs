//! What the payloads say of their subjects, read in the transaction that they
//! report, so that it is what was true then.

use sea_orm::FromQueryResult;
use serde::Serialize;
use serde_json::Value;

use crate::columns::Json;
use crate::connect::Tx;
use crate::error::Result;

/// A connection, in the contract's words.
#[derive(Debug, Serialize, FromQueryResult)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectionFields {
    project_id: String,
    connection_id: String,
    provider: String,
    group_ref: String,
    consumer_ref: String,
    consumer_name: String,
}

/// An installation, in the contract's words. The consumer is the connection's.
#[derive(Debug, Serialize, FromQueryResult)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstallationFields {
    project_id: String,
    provider: String,
    integration_id: String,
    integration_name: String,
    installation_id: String,
    connection_id: String,
    group_ref: String,
    group_name: String,
    consumer_ref: String,
    consumer_name: String,
    #[serde(skip)]
    pub(super) config: Json,
}

/// A destination, in the contract's words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationFields {
    project_id: String,
    destination_id: String,
    destination_name: String,
    url: String,
}

#[derive(Debug, FromQueryResult)]
struct DestinationRow {
    project_id: String,
    name: String,
    metadata: Json,
}

/// A connection; `None` when there is none any more.
pub(super) async fn connection(tx: &Tx<'_>, id: &str) -> Result<Option<ConnectionFields>> {
    let select = tx.backend().sql(
        "SELECT c.project_id, c.id AS connection_id, c.provider, c.group_ref, c.consumer_ref, \
         p.name AS consumer_name FROM connection c \
         JOIN consumer p ON p.project_id = c.project_id AND p.consumer_ref = c.consumer_ref \
         WHERE c.id = $1",
        [id.into()],
    );
    let found = ConnectionFields::find_by_statement(select);
    Ok(found.one(tx.db()).await?)
}

/// An installation; `None` when there is none any more.
pub(super) async fn installation(tx: &Tx<'_>, id: &str) -> Result<Option<InstallationFields>> {
    let select = tx.backend().sql(
        "SELECT i.project_id, n.provider, n.id AS integration_id, n.name AS integration_name, \
         i.id AS installation_id, i.connection_id, i.group_ref, g.name AS group_name, \
         c.consumer_ref, p.name AS consumer_name, i.config FROM installation i \
         JOIN integration n ON n.id = i.integration_id \
         JOIN connection c ON c.id = i.connection_id \
         JOIN customer_group g ON g.project_id = i.project_id AND g.group_ref = i.group_ref \
         JOIN consumer p ON p.project_id = c.project_id AND p.consumer_ref = c.consumer_ref \
         WHERE i.id = $1",
        [id.into()],
    );
    let found = InstallationFields::find_by_statement(select);
    Ok(found.one(tx.db()).await?)
}

/// A destination; `None` when there is none any more.
pub(super) async fn destination(tx: &Tx<'_>, id: &str) -> Result<Option<DestinationFields>> {
    let select = tx.backend().sql(
        "SELECT project_id, name, metadata FROM destination WHERE id = $1",
        [id.into()],
    );
    let row = DestinationRow::find_by_statement(select);
    let row = row.one(tx.db()).await?;
    Ok(row.map(|row| {
        let url = row.metadata.0.get("url").and_then(Value::as_str);
        DestinationFields {
            project_id: row.project_id,
            destination_id: id.to_owned(),
            destination_name: row.name,
            url: url.unwrap_or_default().to_owned(),
        }
    }))
}
