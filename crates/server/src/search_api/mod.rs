//! The Search API below `/search/v1`, in the shapes of the published contract.
//!
//! The contract has no way to go on where there is more than a page. Here an answer
//! says so as the Platform API's lists do, with `pagination`, and `?pageToken=` goes
//! on; whoever knows only the contract reads the first page and loses nothing.

use axum::extract::State;
use engine::actions::search::Search;
use engine::{Engine, ReadFilter, actions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

use crate::api::page::Pagination;
use crate::auth::FullCaller;
use crate::description::{Api, one_of, post};
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The body of a search.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchRequest)]
pub(crate) struct New {
    object_name: String,
    #[schema(value_type = Vec<SearchFilter>)]
    field_filters: Vec<ReadFilter>,
}

/// A condition, for the description: the engine has its own.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
struct SearchFilter {
    field_name: String,
    #[schema(schema_with = operator)]
    operator: String,
    value: FilterValue,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for its shape")]
enum FilterValue {
    Text(String),
    Either(bool),
    Number(f64),
}

fn operator() -> Object {
    one_of(["eq"])
}

/// A record, for the description: the engine writes it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its shape")]
struct FoundRecord {
    #[schema(value_type = Option<Object>)]
    fields: Option<Value>,
    #[schema(value_type = Option<Object>)]
    mapped_fields: Option<Value>,
    #[schema(value_type = Option<Object>)]
    raw: Option<Value>,
}

/// Whose account, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    group_ref: String,
    page_token: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchResult)]
pub(crate) struct FoundJson {
    #[schema(value_type = Vec<FoundRecord>)]
    result: Vec<Box<RawValue>>,
    pagination: Pagination,
}

/// Every route, relative to `/search/v1`.
pub(crate) fn routes() -> Api {
    Api::default().route(
        "/projects/{projectIdOrName}/integrations/{integrationId}",
        post(search),
    )
}

/// One page of the records that fulfil every condition.
async fn search(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration)): Path<(String, String)>,
    Query(place): Query<Place>,
    Json(new): Json<New>,
) -> Result<axum::Json<FoundJson>, Problem> {
    let search = Search {
        integration,
        group_ref: place.group_ref,
        object: new.object_name,
        filters: new.field_filters,
        page_token: place.page_token,
    };
    let found = actions::search::search(&engine, &actor, &project, search).await?;
    Ok(axum::Json(FoundJson {
        result: found.entries,
        pagination: Pagination::of(found.next_page_token),
    }))
}
