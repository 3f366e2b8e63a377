//! `/providers`: the catalogue, made from the connectors' own tables. It needs no
//! key, as the contract says: nothing in it is anybody's.

use std::collections::BTreeMap;

use axum::extract::State;
use connector::Description;
use engine::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::extract::Path;
use crate::problem::Problem;

/// A provider of the catalogue, as the contract shapes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Provider)]
pub(crate) struct ProviderJson(Value);

/// Every provider, by name.
pub(crate) async fn list(
    State(engine): State<Engine>,
) -> axum::Json<BTreeMap<String, ProviderJson>> {
    let all = engine.registry.descriptions();
    axum::Json(
        all.map(|one| (one.provider.to_owned(), provider(one)))
            .collect(),
    )
}

/// One provider.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Path(name): Path<String>,
) -> Result<axum::Json<ProviderJson>, Problem> {
    let found = engine
        .registry
        .descriptions()
        .find(|one| one.provider == name);
    found.map(|one| axum::Json(provider(one))).ok_or_else(|| {
        Problem::new(404, format!("there is no provider `{name}`")).remedy(format!(
            "Providers of this server: {}",
            engine.registry.names()
        ))
    })
}

/// A provider as the contract shapes it. What is not built yet is not supported.
fn provider(description: &Description) -> ProviderJson {
    let input: Vec<Value> = description
        .inputs
        .iter()
        .map(|input| {
            json!({
                "name": input.name,
                "displayName": input.display_name,
                "prompt": input.prompt,
                "docsURL": input.docs_url,
            })
        })
        .collect();
    let searches = description
        .objects
        .iter()
        .any(connector::Object::is_searchable);
    ProviderJson(json!({
        "name": description.provider,
        "displayName": description.display_name,
        "authType": "oauth2",
        "baseURL": description.origin,
        "defaultModule": "",
        "oauth2Opts": {
            "grantType": "authorizationCode",
            "authURL": description.oauth.authorize_url,
            "tokenURL": description.oauth.token_url,
            "explicitScopesRequired": description.oauth.explicit_scopes,
            "explicitWorkspaceRequired": false,
            "tokenMetadataFields": {},
            "docsURL": description.docs_url,
        },
        "support": {
            "read": true,
            "write": false,
            "delete": false,
            "proxy": description.proxy.is_some(),
            "subscribe": false,
            "bulkWrite": { "insert": false, "update": false, "upsert": false, "delete": false },
            "search": { "operators": { "equals": searches } },
        },
        "metadata": { "input": input },
    }))
}
