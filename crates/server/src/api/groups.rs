//! `/projects/{p}/groups/{groupRef}`: everything of one customer, taken out or
//! erased. Beyond the contract, which has nothing for it.

use std::io;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use engine::{ActionError, Engine, Scope, actions};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use store::{
    ConnectionFilter, Delivery, DeliveryFilter, Group, InstallationFilter, Operation, RecordAnswer,
    Tenant,
};
use tokio::sync::mpsc::{self, Sender};
use utoipa::ToSchema;

use super::connections::{ConnectionJson, GroupJson};
use super::deliveries::{DeliveryJson, delivery_json};
use super::installations::{self, InstallationJson};
use super::operations::{LogJson, OperationJson, line_json};
use crate::answer::{JsonStream, NoContent};
use crate::auth::FullCaller;
use crate::extract::Path;
use crate::problem::Problem;

/// Rows that are looked at in one statement.
const PAGE: u32 = 100;

/// An export, for the description: it is written piece by piece.
#[derive(ToSchema)]
#[schema(as = GroupExport, rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
pub(crate) struct ExportJson {
    export_time: Timestamp,
    group: GroupJson,
    connections: Vec<ConnectionJson>,
    installations: Vec<InstallationJson>,
    operations: Vec<LoggedOperation>,
    deliveries: Vec<CarriedDelivery>,
}

/// An operation with its logs and, if it is a write, what came of its records.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for its shape")]
struct LoggedOperation {
    #[serde(flatten)]
    operation: OperationJson,
    logs: Vec<LogJson>,
    #[schema(required = false)]
    records: Vec<WrittenJson>,
}

/// What came of a record that was to be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WrittenRecord)]
struct WrittenJson {
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_response: Option<String>,
}

impl From<RecordAnswer> for WrittenJson {
    fn from(record: RecordAnswer) -> Self {
        let data = record.data.map(RawValue::from_string);
        Self {
            state: record.state.as_str().to_owned(),
            record_id: record.record_id,
            data: data.and_then(Result::ok),
            error: record.error,
            raw_response: record.raw,
        }
    }
}

/// A message with what its link leads to.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is there for its shape")]
struct CarriedDelivery {
    #[serde(flatten)]
    delivery: DeliveryJson,
    linked: Option<Value>,
}

/// Erases a group.
pub(crate) async fn erase(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, group)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    actions::group::erase(&engine, &actor, &project, &group).await?;
    Ok(NoContent)
}

/// Everything of a group as one JSON document, without secrets. It may be large, so
/// it is written while it is sent; where that fails, the document ends unfinished.
pub(crate) async fn export(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, group)): Path<(String, String)>,
) -> Result<JsonStream<ExportJson>, Problem> {
    let group = actions::group::export(&engine, &actor, &project, &group).await?;
    let scope = engine.store.scope(&actor, &project).await?;
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let out = Out { sender: &sender };
        if let Err(Stop::Failed(problem)) = write(&engine, &scope, group, &out).await {
            tracing::error!(?problem, "an export was cut off");
            // Nobody may be there any more to see the end of it.
            drop(sender.send(Err(io::Error::other("cut off"))).await);
        }
    });
    let chunks = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let body = Body::from_stream(chunks);
    Ok(JsonStream::new(body))
}

/// Why an export ends early.
enum Stop {
    /// Nobody takes it any more.
    Left,
    /// It cannot be made.
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The document, while it is written.
struct Out<'a> {
    sender: &'a Sender<io::Result<Bytes>>,
}

impl Out<'_> {
    async fn text(&self, text: impl Into<Bytes>) -> Result<(), Stop> {
        let sent = self.sender.send(Ok(text.into())).await;
        sent.map_err(|_| Stop::Left)
    }

    async fn json(&self, value: &impl Serialize) -> Result<(), Stop> {
        let json = serde_json::to_vec(value)
            .map_err(|error| ActionError::Internal(format!("an export has no JSON: {error}")))?;
        self.text(json).await
    }

    /// An entry of a list.
    async fn entry(&self, first: &mut bool, value: &impl Serialize) -> Result<(), Stop> {
        self.comma(first).await?;
        self.json(value).await
    }

    async fn comma(&self, first: &mut bool) -> Result<(), Stop> {
        if std::mem::take(first) {
            return Ok(());
        }
        self.text(",").await
    }
}

async fn write(engine: &Engine, scope: &Scope, group: Group, out: &Out<'_>) -> Result<(), Stop> {
    let tenant = engine.store.within(scope);
    let group_ref = group.group_ref.clone();
    let filter = ConnectionFilter {
        group_ref: Some(group_ref.clone()),
        ..ConnectionFilter::default()
    };
    let connections = tenant.connections(filter).await?;
    let connections = tenant.connection_details(&connections).await?;
    let connections: Vec<ConnectionJson> = connections.into_iter().map(Into::into).collect();
    let filter = InstallationFilter {
        integration_id: None,
        group_ref: Some(group_ref.clone()),
    };
    let installed = tenant.installations(filter).await?;
    let ids: Vec<String> = installed.iter().map(|one| one.id.clone()).collect();
    out.text("{\"exportTime\":").await?;
    out.json(&engine.clock.now()).await?;
    out.text(",\"group\":").await?;
    out.json(&GroupJson::from(group)).await?;
    out.text(",\"connections\":").await?;
    out.json(&connections).await?;
    out.text(",\"installations\":").await?;
    out.json(&installations::render(&tenant, installed).await?)
        .await?;
    out.text(",\"operations\":[").await?;
    let mut first = true;
    for id in &ids {
        operations(&tenant, id, &mut first, out).await?;
    }
    out.text("],\"deliveries\":[").await?;
    let mut first = true;
    for id in &ids {
        deliveries(engine, &tenant, id, &mut first, out).await?;
    }
    for id in tenant.notifications_about(&group_ref).await? {
        let delivery = tenant.delivery(&id).await?;
        // Those about an installation have been among its messages.
        if !ids.contains(&delivery.installation_id) {
            message(engine, &tenant, &delivery, &mut first, out).await?;
        }
    }
    out.text("]}").await
}

/// The operations of an installation, newest first, with their logs.
async fn operations(
    tenant: &Tenant<'_>,
    installation: &str,
    first: &mut bool,
    out: &Out<'_>,
) -> Result<(), Stop> {
    let mut token = None;
    loop {
        let (page, next) = tenant.operations(installation, PAGE.into(), token).await?;
        for operation in page {
            let logs: Vec<_> = tenant.logs(&operation.id).await?;
            let logs = logs.into_iter().map(|line| line_json(&operation.id, line));
            let logs: Vec<_> = logs.collect();
            let entry = Logged {
                records: written(tenant, &operation).await?,
                operation: operation.into(),
                logs,
            };
            out.entry(first, &entry).await?;
        }
        match next {
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Logged<L> {
    #[serde(flatten)]
    operation: OperationJson,
    logs: Vec<L>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<WrittenJson>,
}

/// What came of the records of a write; what is still to be written is sealed.
async fn written(tenant: &Tenant<'_>, operation: &Operation) -> Result<Vec<WrittenJson>, Stop> {
    if operation.action_type != "write" {
        return Ok(Vec::new());
    }
    match tenant.write_answer(&operation.id).await {
        Ok(answer) => Ok(answer.records.into_iter().map(Into::into).collect()),
        // It was pruned in between.
        Err(store::StoreError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The messages of an installation, newest first, with what they carry.
async fn deliveries(
    engine: &Engine,
    tenant: &Tenant<'_>,
    installation: &str,
    first: &mut bool,
    out: &Out<'_>,
) -> Result<(), Stop> {
    let filter = DeliveryFilter {
        installation_id: Some(installation.to_owned()),
        ..DeliveryFilter::default()
    };
    let mut token: Option<String> = None;
    loop {
        let (page, next) = tenant.deliveries(&filter, PAGE, token.as_deref()).await?;
        for delivery in &page {
            message(engine, tenant, delivery, first, out).await?;
        }
        match next {
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
}

/// A message with its payload; what that leaves to be fetched by a link is beside
/// it, since a link would be a secret.
async fn message(
    engine: &Engine,
    tenant: &Tenant<'_>,
    delivery: &Delivery,
    first: &mut bool,
    out: &Out<'_>,
) -> Result<(), Stop> {
    let stored = match tenant.delivery_payload(&delivery.id).await {
        Ok(stored) => stored,
        // It was pruned in between.
        Err(store::StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let payload: Value = serde_json::from_slice(&stored.json)
        .map_err(|error| ActionError::Internal(format!("a stored message: {error}")))?;
    let mut json = delivery_json(delivery);
    if let Some(json) = json.as_object_mut() {
        json.insert("payload".to_owned(), payload);
    }
    if !stored.linked {
        return out.entry(first, &json).await;
    }
    let mut text = json.to_string();
    // The object goes on.
    text.pop();
    out.comma(first).await?;
    out.text(text + ",\"linked\":").await?;
    let mut result = engine.message_result(&delivery.id).await?;
    while let Some(chunk) = result.next().await {
        let chunk = chunk.map_err(|error| ActionError::Internal(error.to_string()))?;
        out.text(chunk).await?;
    }
    out.text("}").await
}
