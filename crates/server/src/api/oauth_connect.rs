//! `POST /oauth-connect`: the URL on which a customer consents, as plain text,
//! since clients hand it straight to `window.open`.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use engine::actions::oauth::{Connect, MetadataItem};
use engine::{Engine, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::connection_request::MetadataValue;
use crate::auth::Caller;
use crate::extract::Json;
use crate::problem::Problem;

/// `POST /oauth-connect`. One SDK says `projectId` for `projectIdOrName`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuthConnect)]
pub(crate) struct Body {
    #[serde(alias = "projectId")]
    project_id_or_name: String,
    provider: String,
    group_ref: String,
    group_name: Option<String>,
    consumer_ref: String,
    consumer_name: Option<String>,
    provider_workspace_ref: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, MetadataValue>>)]
    provider_metadata: Option<BTreeMap<String, MetadataItem>>,
    provider_app_id: Option<String>,
}

/// Where to send the customer.
pub(crate) async fn connect(
    State(engine): State<Engine>,
    Caller(actor): Caller,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<String, Problem> {
    let connect = Connect {
        provider: body.provider,
        group_ref: body.group_ref,
        group_name: body.group_name,
        consumer_ref: body.consumer_ref,
        consumer_name: body.consumer_name,
        provider_workspace_ref: body.provider_workspace_ref.filter(|text| !text.is_empty()),
        provider_metadata: body.provider_metadata.unwrap_or_default(),
        provider_app_id: body.provider_app_id.filter(|id| !id.is_empty()),
        origin: origin_of(&headers),
        connection_id: None,
        page: None,
    };
    Ok(actions::oauth::connect(&engine, &actor, &body.project_id_or_name, connect).await?)
}

/// The page that asks, where a browser says so.
pub(crate) fn origin_of(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get("origin").and_then(|value| value.to_str().ok());
    origin.filter(|origin| *origin != "null").map(str::to_owned)
}
