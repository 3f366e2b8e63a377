//! Generated records against Bitbucket's published description and recorded responses.
//!
//! Both lie beside the repository on the machines of its authors and in CI, and are not part
//! of it. Without them these tests check nothing, except in CI, where they fail.

use super::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn reference(path: &str) -> Option<Value> {
    let base = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bitbucket");
    let Ok(text) = std::fs::read_to_string(base.join(path)) else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "{path} is missing"
        );
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Names and schemas of an object's properties, with `$ref` and `allOf` resolved.
fn properties<'a>(schema: &'a Value, all: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return properties(&all["components"]["schemas"][name], all);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(properties(part, all));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push((name.as_str(), property));
    }
    found
}

/// Every key of `ours` is described, recorded, or in `elsewhere`; simple values have the
/// described type; every recorded key is there.
fn compare(ours: &Value, schema: &Value, all: &Value, recorded: &Value, elsewhere: &[&str]) {
    let known = properties(schema, all);
    for (key, value) in ours.as_object().unwrap() {
        let described = known.iter().rev().find(|(name, _)| name == key);
        let is_known =
            described.is_some() || recorded.get(key).is_some() || elsewhere.contains(&key.as_str());
        assert!(is_known, "{key} is neither described nor recorded");
        let fits = match described.and_then(|(_, schema)| schema["type"].as_str()) {
            Some("string") => value.is_string() || value.is_null(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("object") => value.is_object(),
            _ => true,
        };
        assert!(fits, "{key} is {value}");
        if let Some((_, schema)) = described.filter(|_| key == "links") {
            let keys: BTreeSet<&str> = properties(schema, all).iter().map(|one| one.0).collect();
            for link in value.as_object().unwrap().keys() {
                let is_known =
                    keys.contains(link.as_str()) || recorded["links"].get(link).is_some();
                assert!(is_known, "links.{link} is neither described nor recorded");
            }
        }
        let allowed = described.and_then(|(_, schema)| schema["enum"].as_array());
        assert!(
            allowed.is_none_or(|allowed| allowed.contains(value)),
            "{key} is {value}"
        );
    }
    for key in recorded.as_object().into_iter().flatten().map(|one| one.0) {
        assert!(ours.get(key).is_some(), "{key} is missing");
    }
}

fn schema<'a>(all: &'a Value, name: &str) -> &'a Value {
    let schema = &all["components"]["schemas"][name];
    assert!(schema.is_object(), "{name}");
    schema
}

#[tokio::test]
async fn repositories_look_like_bitbuckets() {
    let (Some(all), Some(recorded), Some(page)) = (
        reference("openapi-2026-08.json"),
        reference("recordings/repo.json"),
        reference("recordings/repos.json"),
    ) else {
        return;
    };
    let server = Server::default().await;
    let list = server
        .get("/2.0/repositories/acme?pagelen=100")
        .await
        .json();
    // Shown in the introduction's example, but described nowhere.
    let elsewhere = ["workspace", "override_settings"];
    for ours in list["values"].as_array().unwrap() {
        compare(
            ours,
            schema(&all, "repository"),
            &all,
            &recorded,
            &elsewhere,
        );
        compare(
            &ours["owner"],
            schema(&all, "team"),
            &all,
            &recorded["owner"],
            &[],
        );
        compare(
            &ours["project"],
            schema(&all, "project"),
            &all,
            &recorded["project"],
            &["self"],
        );
    }
    compare(
        &list,
        schema(&all, "paginated_repositories"),
        &all,
        &page,
        &[],
    );
}

#[tokio::test]
async fn projects_look_like_bitbuckets() {
    let (Some(all), Some(recorded)) = (
        reference("openapi-2026-08.json"),
        reference("recordings/repo.json"),
    ) else {
        return;
    };
    let server = Server::default().await;
    let list = server.get("/2.0/workspaces/acme/projects").await.json();
    // `workspace` and `links.repositories` are in every capture of a project of today.
    let mut recorded = recorded["project"].clone();
    recorded["links"]["repositories"] = Value::Null;
    for ours in list["values"].as_array().unwrap() {
        compare(
            ours,
            schema(&all, "project"),
            &all,
            &recorded,
            &["workspace"],
        );
    }
    compare(
        &list,
        schema(&all, "paginated_projects"),
        &all,
        &Value::Null,
        &[],
    );
}

#[tokio::test]
async fn users_and_workspaces_look_like_bitbuckets() {
    let (Some(all), Some(mut user), Some(workspace)) = (
        reference("openapi-2026-08.json"),
        reference("recordings/user.json"),
        reference("recordings/team.json"),
    ) else {
        return;
    };
    // User names are gone since 2019; the recording is older.
    user.as_object_mut().unwrap().remove("username");
    let server = Server::default().await;
    let ours = server.get("/2.0/user").await.json();
    compare(&ours, schema(&all, "user"), &all, &user, &[]);
    let ours = server.get("/2.0/workspaces/acme").await.json();
    compare(&ours, schema(&all, "workspace"), &all, &workspace, &[]);
    let list = server.get("/2.0/user/workspaces").await.json();
    for ours in list["values"].as_array().unwrap() {
        compare(
            ours,
            schema(&all, "workspace_access"),
            &all,
            &Value::Null,
            &[],
        );
        let base = schema(&all, "workspace_base");
        compare(&ours["workspace"], base, &all, &Value::Null, &[]);
    }
}
