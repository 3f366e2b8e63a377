//! `/providers`: the catalogue, made from the connectors' own tables.

use std::collections::BTreeMap;

use axum::extract::State;
use connector::Description;
use engine::Engine;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::extract::Path;
use crate::problem::Problem;

/// Every provider, by name.
pub(crate) async fn list(
    State(engine): State<Engine>,
    Caller(_): Caller,
) -> axum::Json<BTreeMap<&'static str, Value>> {
    let all = engine.registry.descriptions();
    axum::Json(all.map(|one| (one.provider, provider(one))).collect())
}

/// One provider.
pub(crate) async fn get(
    State(engine): State<Engine>,
    Caller(_): Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<Value>, Problem> {
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
fn provider(description: &Description) -> Value {
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
    json!({
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
            "proxy": false,
            "subscribe": false,
            "bulkWrite": { "insert": false, "update": false, "upsert": false, "delete": false },
            "search": { "operators": { "equals": searches } },
        },
        "metadata": { "input": input },
    })
}
