//! `/generate-upload-url`.

use axum::extract::State;
use engine::{Engine, actions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::FullCaller;
use crate::extract::Query;
use crate::problem::Problem;

/// What the upload will be.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct Options {
    md5: Option<String>,
}

/// A place to upload to, as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedUrl {
    url: String,
    bucket: &'static str,
    path: String,
}

/// Makes a place for the project of the key.
pub(crate) async fn generate(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Query(options): Query<Options>,
) -> Result<axum::Json<SignedUrl>, Problem> {
    let place = actions::upload::issue(&engine, &actor, options.md5).await?;
    Ok(axum::Json(SignedUrl {
        url: place.url,
        bucket: place.bucket,
        path: place.path,
    }))
}
