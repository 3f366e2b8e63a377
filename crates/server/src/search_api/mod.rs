//! The Search API below `/search/v1`, in the shapes of the published contract.
//!
//! The contract has no way to go on where there is more than a page. Here an answer
//! says so as the Platform API's lists do, with `pagination`, and `?pageToken=` goes
//! on; whoever knows only the contract reads the first page and loses nothing.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use engine::actions::search::Search;
use engine::{Engine, ReadFilter, actions};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::page::Pagination;
use crate::auth::FullCaller;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The body of a search.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    object_name: String,
    field_filters: Vec<ReadFilter>,
}

/// Whose account, and which page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    group_ref: String,
    page_token: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct FoundJson {
    result: Vec<Box<RawValue>>,
    pagination: Pagination,
}

/// Every route, relative to `/search/v1`.
pub(crate) fn routes() -> Router<Engine> {
    let path = "/projects/{project}/integrations/{integration}";
    Router::new().route(path, post(search))
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
