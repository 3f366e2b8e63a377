//! The read side of every object beside repositories and projects.

use super::{Server, bearer, options};
use crate::Options;
use http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

const ADA: &str = "Basic YWRhQGV4YW1wbGUuY29tOnNhbmRib3gtYXBpLXRva2Vu";

/// Every record of a list, by `next` or, where it is omitted, by counting.
async fn everything(server: &Server, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for page in 1.. {
        let separator = if path.contains('?') { '&' } else { '?' };
        let body = server.get(&format!("{path}{separator}page={page}")).await;
        let body = body.json();
        found.extend(body["values"].as_array().unwrap().iter().cloned());
        if found.len() as u64 >= body["size"].as_u64().unwrap() {
            break;
        }
    }
    found
}

#[tokio::test]
async fn every_object_has_the_size_of_the_options() {
    let server = Server::default().await;
    for (path, size) in [
        ("/2.0/workspaces/acme/members", 25),
        ("/2.0/workspaces/acme/permissions", 25),
        ("/2.0/workspaces/acme/hooks", 15),
        ("/2.0/workspaces/acme/pipelines-config/variables", 25),
        ("/2.0/snippets/acme", 15),
        ("/2.0/user/emails", 3),
        ("/2.0/user/workspaces", 2),
        ("/2.0/hook_events/workspace", 29),
        ("/2.0/hook_events/repository", 27),
    ] {
        let found = everything(&server, path).await;
        assert_eq!(found.len(), size, "{path}");
        let distinct: HashSet<String> = found.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), size, "{path}");
    }
    let grants = everything(
        &server,
        "/2.0/workspaces/acme/permissions/repositories?pagelen=100",
    )
    .await;
    assert_eq!(grants.len(), 698);
    let keys: HashSet<(String, String)> = grants
        .iter()
        .map(|grant| {
            (
                grant["user"]["uuid"].to_string(),
                grant["repository"]["uuid"].to_string(),
            )
        })
        .collect();
    assert_eq!(keys.len(), grants.len());
}

#[tokio::test]
async fn api_tokens_reach_every_object() {
    let server = Server::default().await;
    for path in [
        "/2.0/workspaces/acme",
        "/2.0/workspaces/acme/members",
        "/2.0/workspaces/acme/hooks",
        "/2.0/workspaces/acme/pipelines-config/variables",
        "/2.0/workspaces/acme/permissions/repositories",
        "/2.0/user/workspaces/acme/permissions/repositories",
        "/2.0/snippets/acme",
        "/2.0/user/emails",
    ] {
        let answer = server.get_with(path, ADA).await;
        assert_eq!((path, answer.status.as_u16()), (path, 200));
    }
}

#[tokio::test]
async fn scopes_and_administrators() {
    let server = Server::default().await;
    for (path, scope) in [
        ("/2.0/workspaces/acme/members", "account"),
        ("/2.0/workspaces/acme/hooks", "webhook"),
        (
            "/2.0/workspaces/acme/pipelines-config/variables",
            "pipeline",
        ),
        ("/2.0/snippets/acme", "snippet"),
        ("/2.0/user/emails", "email"),
    ] {
        let without = server.grant(json!({"scopes": ["project"]})).await;
        let answer = server.get_with(path, &bearer(&without)).await;
        assert_eq!(answer.status, 403);
        assert_eq!(
            answer.json()["error"]["detail"]["required"],
            json!([scope]),
            "{path}"
        );
        let with = server.grant(json!({"scopes": [scope]})).await;
        assert_eq!(server.get_with(path, &bearer(&with)).await.status, 200);
    }
    let grace = bearer(&server.grant(json!({"user": "grace"})).await);
    for path in [
        "/2.0/workspaces/acme/hooks",
        "/2.0/workspaces/acme/permissions/repositories",
    ] {
        let answer = server.get_with(path, &grace).await;
        assert_eq!(answer.status, 403);
        assert!(answer.message().contains("administrator"), "{answer:?}");
    }
    let members = "/2.0/workspaces/acme/members";
    assert_eq!(server.get_with(members, &grace).await.status, 200);
    let emails = format!("{members}?q=user.email+IN+(%22ada@example.com%22)");
    assert_eq!(server.get_with(&emails, &grace).await.status, 403);
}

#[tokio::test]
async fn variables_are_paged_in_the_manner_of_pipelines() {
    let server = Server::default().await;
    let path = "/2.0/workspaces/acme/pipelines-config/variables";
    let first = server.get(path).await.json();
    assert_eq!(first["size"], 25);
    assert!(first.get("next").is_none());
    for variable in first["values"].as_array().unwrap() {
        let secured = variable["secured"].as_bool().unwrap();
        assert_eq!(variable.get("value").is_none(), secured);
    }
    let beyond = server.get(&format!("{path}?page=4")).await;
    assert_eq!(beyond.json()["values"], json!([]));
    server.set(json!({"omit_variables_next": false})).await;
    let next = server.get(path).await.json()["next"].clone();
    assert_eq!(server.get(next.as_str().unwrap()).await.json()["page"], 2);
    let ignored = server
        .get(&format!("{path}?q=key%3D%22x%22&sort=key"))
        .await;
    assert_eq!(ignored.json()["size"], 25);
}

#[tokio::test]
async fn members_are_found_by_uuid_and_account_id_and_filtered() {
    let server = Server::default().await;
    let members = "/2.0/workspaces/acme/members";
    for member in everything(&server, members).await {
        let user = &member["user"];
        for name in [&user["uuid"], &user["account_id"]] {
            let name = name.as_str().unwrap();
            let name = name.replace('{', "%7B").replace('}', "%7D");
            let one = server.get(&format!("{members}/{name}")).await;
            assert_eq!(one.json(), member);
        }
    }
    let count = async |query: &str| {
        let answer = server.get(&format!("{members}?{query}")).await;
        (
            answer.status.as_u16(),
            answer.json()["size"].as_u64().unwrap_or_default(),
        )
    };
    assert_eq!(count("q=permission%3D%22owner%22").await, (200, 1));
    assert_eq!(count("q=user.nickname%3D%22grace%22").await, (200, 1));
    assert_eq!(
        count("q=user.display_name%3D%22Ada%22").await,
        (400, 0),
        "not documented"
    );
    assert_eq!(count("sort=nonsense").await, (200, 25));
    let list = vec!["%22x@example.com%22"; 91].join(",");
    assert_eq!(count(&format!("q=user.email+IN+({list})")).await, (400, 0));
    let by_email = format!("{members}?q=user.email+IN+(%22grace@example.com%22)");
    let shown = server
        .get(&format!("{by_email}&fields=%2Bvalues.user.email"))
        .await;
    assert_eq!(
        shown.json()["values"][0]["user"]["email"],
        "grace@example.com"
    );
    let hidden = server.get(&by_email).await.json();
    assert!(hidden["values"][0]["user"].get("email").is_none());
}

#[tokio::test]
async fn permissions_can_be_filtered_and_sorted() {
    let server = Server::default().await;
    let path = "/2.0/workspaces/acme/permissions/repositories";
    let writers = server
        .get(&format!(
            "{path}?q=permission%3E%22read%22&sort=-user.display_name&pagelen=100"
        ))
        .await
        .json();
    let values = writers["values"].as_array().unwrap();
    assert!(values.iter().all(|grant| grant["permission"] != "read"));
    let names: Vec<&str> = values
        .iter()
        .map(|grant| grant["user"]["display_name"].as_str().unwrap())
        .collect();
    assert!(names.windows(2).all(|pair| pair[0] >= pair[1]));
    for bad in [
        "q=permission%3D%22boss%22",
        "q=created_on%3D2026-01-01",
        "sort=x",
    ] {
        assert_eq!(server.get(&format!("{path}?{bad}")).await.status, 400);
    }
    let own = server
        .get("/2.0/user/workspaces/acme/permissions/repositories")
        .await;
    assert_eq!(own.json()["size"], 250);
    let owners = "/2.0/workspaces/acme/permissions?q=permission%3D%22owner%22";
    assert_eq!(server.get(owners).await.json()["size"], 1);
    let other = "/2.0/workspaces/acme/permissions?q=user.nickname%3D%22ada%22";
    assert_eq!(server.get(other).await.status, 400);
}

#[tokio::test]
async fn snippets_have_files_that_can_be_fetched() {
    let server = Server::default().await;
    let list = everything(&server, "/2.0/snippets/acme").await;
    let mut binary = 0;
    for entry in &list {
        assert!(entry.get("files").is_none());
        let link = entry["links"]["self"]["href"].as_str().unwrap();
        let whole = server.get(link).await.json();
        for (name, file) in whole["files"].as_object().unwrap() {
            let url = file["links"]["self"]["href"].as_str().unwrap();
            let raw = server.get(url).await;
            assert_eq!(raw.status, 200);
            assert!(raw.header("content-disposition").starts_with("attachment"));
            binary += usize::from(raw.header("content-type") == "image/png");
            let latest = server.get(&format!("{link}/files/{name}")).await;
            assert_eq!(
                (latest.status.as_u16(), latest.header("location")),
                (302, url)
            );
        }
    }
    assert!(binary > 0);
    for (role, size) in [("member", 15), ("owner", 9)] {
        let path = format!("/2.0/snippets/acme?role={role}");
        assert_eq!(server.get(&path).await.json()["size"], size);
    }
    assert_eq!(server.get("/2.0/snippets/acme?role=x").await.status, 400);
    assert_eq!(server.get("/2.0/snippets").await.status, 410);
    assert_eq!(server.get("/2.0/snippets/acme/none").await.status, 404);
}

#[tokio::test]
async fn hook_events_are_public_and_a_map() {
    let server = Server::default().await;
    let answer = super::send(server.request(Method::GET, "/2.0/hook_events")).await;
    let subjects = answer.json();
    for subject in ["repository", "workspace"] {
        let link = subjects[subject]["links"]["events"]["href"].as_str();
        let list = super::send(server.request(Method::GET, link.unwrap())).await;
        assert_eq!(list.json()["pagelen"], 30);
    }
    let narrowed = server.get("/2.0/hook_events?fields=workspace").await;
    assert!(narrowed.json().get("repository").is_none());
    for unknown in ["user", "team", "x"] {
        let path = format!("/2.0/hook_events/{unknown}");
        assert_eq!(server.get(&path).await.status, 404);
    }
    let bad = server.get_with("/2.0/hook_events", "Bearer x").await;
    assert_eq!(bad.status, 401);
}

#[tokio::test]
async fn hooks_go_by_uuid_with_and_without_braces() {
    let server = Server::default().await;
    let hooks = "/2.0/workspaces/acme/hooks";
    for hook in everything(&server, hooks).await {
        assert!(hook["created_at"].as_str().unwrap().ends_with('Z'));
        assert!(hook.get("secret").is_none());
        let bare = hook["uuid"].as_str().unwrap().trim_matches(['{', '}']);
        for uid in [bare.to_owned(), format!("%7B{bare}%7D")] {
            let one = server.get(&format!("{hooks}/{uid}")).await;
            assert_eq!(one.json(), hook);
        }
    }
    assert_eq!(server.get(&format!("{hooks}/x")).await.status, 404);
}

#[tokio::test]
async fn linkers_are_gone_in_three_ways() {
    let server = Server::default().await;
    for status in [401, 404, 410] {
        server.set(json!({"linkers_status": status})).await;
        for path in ["/2.0/addon/linkers", "/2.0/addon/linkers/x/values"] {
            let answer = server.get(path).await;
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.json()["type"], "error");
        }
    }
    let bad = json!({"linkers_status": 200});
    let answer = server.control(Method::PUT, "settings", bad).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn fields_work_on_every_list() {
    let server = Server::default().await;
    for path in [
        "/2.0/workspaces/acme/members",
        "/2.0/workspaces/acme/hooks",
        "/2.0/snippets/acme",
        "/2.0/workspaces/acme/permissions/repositories",
    ] {
        let page = server.get(&format!("{path}?fields=values.type")).await;
        let keys: Vec<String> = page.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["values"], "{path}");
        let page = server.get(&format!("{path}?fields=-values")).await.json();
        assert!(page.get("values").is_none() && page.get("next").is_some());
    }
}

#[tokio::test]
async fn webhooks_have_a_limit_of_their_own() {
    let server = Server::start(Options {
        rate_limit: Some(1),
        ..options()
    })
    .await;
    for path in ["/2.0/workspaces/acme/hooks", "/2.0/repositories/acme"] {
        assert_eq!(server.get(path).await.status, 200);
        assert_eq!(server.get(path).await.status, 429);
    }
}
