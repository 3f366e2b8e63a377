//! Creating, changing and deleting projects, webhooks and variables.

use super::{Answer, Server, bearer, options, send};
use http::Method;
use serde_json::{Value, json};

impl Server {
    /// A JSON body with the fixed access token.
    pub(super) async fn write(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header("authorization", "Bearer sandbox-access-token")
            .header("content-type", "application/json");
        send(request.body(body.to_string())).await
    }

    pub(super) async fn delete(&self, path: &str) -> u16 {
        let request = self.request(Method::DELETE, path);
        let request = request.header("authorization", "Bearer sandbox-access-token");
        send(request).await.status.as_u16()
    }
}

/// The names of the fields that an answer complains about.
fn fields(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 400, "{answer:?}");
    let body = answer.json();
    let fields = body["error"]["fields"].as_object().unwrap();
    fields.keys().cloned().collect()
}

const PROJECTS: &str = "/2.0/workspaces/acme/projects";
const HOOKS: &str = "/2.0/workspaces/acme/hooks";
const VARIABLES: &str = "/2.0/workspaces/acme/pipelines-config/variables";

#[tokio::test]
async fn a_project_is_made_moved_and_deleted() {
    let server = Server::default().await;
    let body = json!({"name": "Mars", "key": "MARS", "description": null, "is_private": false});
    let made = server.write(Method::POST, PROJECTS, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let project = made.json();
    assert_eq!(made.header("location"), project["links"]["self"]["href"]);
    assert_eq!(server.get(made.header("location")).await.json(), project);
    assert_eq!(server.get(PROJECTS).await.json()["size"], 13);
    let again = server.write(Method::POST, PROJECTS, body).await;
    assert_eq!(fields(&again), ["key"]);
    server.advance(5).await;
    let moved = server
        .write(
            Method::PUT,
            &format!("{PROJECTS}/MARS"),
            json!({"key": "VENUS"}),
        )
        .await;
    assert_eq!(moved.status, 200);
    assert!(moved.header("location").ends_with("/projects/VENUS"));
    assert_eq!(moved.json()["name"], "Mars");
    assert_eq!(moved.json()["uuid"], project["uuid"]);
    assert_eq!(
        moved.json()["updated_on"],
        "2026-11-23T12:00:05.250000+00:00"
    );
    assert_eq!(server.get(&format!("{PROJECTS}/MARS")).await.status, 404);
    let taken = json!({"key": "PLAT1"});
    let taken = server
        .write(Method::PUT, &format!("{PROJECTS}/VENUS"), taken)
        .await;
    assert_eq!(fields(&taken), ["key"]);
    assert_eq!(server.delete(&format!("{PROJECTS}/VENUS")).await, 204);
    assert_eq!(server.delete(&format!("{PROJECTS}/VENUS")).await, 404);
    assert_eq!(
        server.delete(&format!("{PROJECTS}/PLAT1")).await,
        403,
        "not empty"
    );
}

#[tokio::test]
async fn put_creates_a_project_that_is_absent() {
    let server = Server::default().await;
    let at = format!("{PROJECTS}/NEW_1");
    let nameless = server.write(Method::PUT, &at, json!({})).await;
    assert_eq!(fields(&nameless), ["name"]);
    let keyed = json!({"name": "New", "key": "NEW_1"});
    assert_eq!(
        fields(&server.write(Method::PUT, &at, keyed).await),
        ["key"]
    );
    let made = server.write(Method::PUT, &at, json!({"name": "New"})).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location").is_empty()),
        (201, false)
    );
    let changed = server
        .write(Method::PUT, &at, json!({"description": "d"}))
        .await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["name"], "New");
    for bad in ["lower", "1ST", "A-B", "%7Buuid%7D"] {
        let path = format!("{PROJECTS}/{bad}");
        let answer = server.write(Method::PUT, &path, json!({"name": "n"})).await;
        assert_eq!(fields(&answer), ["key"], "{bad}");
    }
    let wrong = json!({"name": 1, "key": "X", "is_private": "yes", "links": {"avatar": {}}});
    let wrong = server.write(Method::POST, PROJECTS, wrong).await;
    assert_eq!(fields(&wrong), ["name", "is_private", "links"]);
}

#[tokio::test]
async fn a_renamed_project_is_renamed_in_its_repositories() {
    let server = Server::default().await;
    let body = json!({"key": "MOVED", "name": "Moved"});
    let answer = server
        .write(Method::PUT, &format!("{PROJECTS}/PLAT1"), body)
        .await;
    assert_eq!(answer.status, 200);
    let q = [("q", "project.key = \"MOVED\""), ("pagelen", "1")];
    let found = server.repositories(&q).await.json();
    assert!(found["size"].as_u64().unwrap() > 0);
    assert_eq!(found["values"][0]["project"]["name"], "Moved");
}

#[tokio::test]
async fn a_hook_keeps_its_secret_to_itself() {
    let server = Server::default().await;
    let mut body = json!({"url": "https://example.com/in", "description": "d",
        "events": ["repo:push", "pullrequest:created"], "secret": "s".repeat(128)});
    let made = server.write(Method::POST, HOOKS, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let at = made.header("location").to_owned();
    assert_eq!(server.get(&at).await.json(), made.json());
    assert!(!made.text.contains("sss"));
    let bare = made.json()["uuid"]
        .as_str()
        .unwrap()
        .trim_matches(['{', '}'])
        .to_owned();
    let bare = format!("{HOOKS}/{bare}");
    for (secret, set) in [
        (None, true),
        (Some(Value::Null), false),
        (Some(json!("new")), true),
        (Some(json!("")), false),
    ] {
        match secret {
            None => body.as_object_mut().unwrap().remove("secret"),
            Some(secret) => body
                .as_object_mut()
                .unwrap()
                .insert("secret".into(), secret),
        };
        let changed = server.write(Method::PUT, &bare, body.clone()).await;
        assert_eq!(changed.status, 200);
        assert_eq!(changed.json()["secret_set"], set);
    }
    assert_eq!(server.delete(&bare).await, 204);
    assert_eq!(server.delete(&at).await, 404);
}

#[tokio::test]
async fn hooks_are_checked() {
    let server = Server::default().await;
    let good = json!({"url": "https://example.com/", "events": ["repo:push"]});
    for (name, bad) in [
        ("url", json!("/relative")),
        ("url", json!("ftp://example.com/")),
        ("url", json!("http://127.0.0.1:9/")),
        ("url", Value::Null),
        ("events", json!([])),
        ("events", json!(["repo:push", "repo:push"])),
        ("events", json!(["repo:nothing"])),
        ("events", json!([1])),
        ("secret", json!("s".repeat(129))),
        ("active", json!("yes")),
    ] {
        let mut body = good.clone();
        body[name] = bad;
        let answer = server.write(Method::POST, HOOKS, body).await;
        assert_eq!(fields(&answer), [name]);
    }
    assert_eq!(
        fields(&server.write(Method::POST, HOOKS, json!({})).await),
        ["url", "events"]
    );
    server.set(json!({"private_hook_urls": true})).await;
    let local = json!({"url": "http://127.0.0.1:9/", "events": ["repo:push"]});
    assert_eq!(server.write(Method::POST, HOOKS, local).await.status, 201);
    let token = server
        .grant(json!({"scopes": ["webhook", "repository"]}))
        .await;
    let body = json!({"url": "https://example.com/", "events": ["repo:push", "pullrequest:push"]});
    let request = server
        .request(Method::POST, HOOKS)
        .header("authorization", bearer(&token))
        .header("content-type", "application/json");
    let answer = send(request.body(body.to_string())).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json()["error"]["detail"]["required"],
        json!(["pullrequest", "repository", "webhook"])
    );
}

#[tokio::test]
async fn variables_are_unique_and_hide_what_is_secured() {
    let server = Server::default().await;
    let body = json!({"key": "NEW_KEY", "value": "v", "secured": true});
    let made = server.write(Method::POST, VARIABLES, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let at = made.header("location").to_owned();
    assert!(made.json().get("value").is_none());
    let twice = server.write(Method::POST, VARIABLES, body.clone()).await;
    assert_eq!(twice.status, 409);
    let error = &twice.json()["error"];
    assert_eq!(error["data"]["key"], "variable-service.variable.duplicate");
    let valueless = json!({"key": "NEW_KEY", "secured": true});
    assert_eq!(
        fields(&server.write(Method::PUT, &at, valueless).await),
        ["value"]
    );
    let open = json!({"key": "OTHER", "value": "w", "secured": false});
    let changed = server.write(Method::PUT, &at, open).await;
    assert_eq!(changed.json()["value"], "w");
    let taken = json!({"key": "REGION_1", "value": "", "secured": false});
    assert_eq!(server.write(Method::PUT, &at, taken).await.status, 409);
    assert_eq!(server.delete(&at).await, 204);
    let gone = server.write(Method::PUT, &at, body).await;
    assert_eq!(gone.status, 404);
    assert_eq!(
        gone.json()["error"]["data"]["key"],
        "variable-service.variable.not-found"
    );
}

#[tokio::test]
async fn writes_need_a_length_a_media_type_and_an_administrator() {
    let server = Server::start(options()).await;
    let json = |request: reqwest::RequestBuilder, authorization: &str| {
        request
            .header("authorization", authorization)
            .header("content-type", "application/json")
    };
    let token = "Bearer sandbox-access-token";
    let body = r#"{"name":"N","key":"N"}"#;
    let in_chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    let request = json(server.request(Method::POST, PROJECTS), token);
    let answer = send(request.body(reqwest::Body::wrap_stream(in_chunks))).await;
    assert_eq!(answer.status, 411);
    let plain = server
        .request(Method::POST, PROJECTS)
        .header("authorization", token);
    assert_eq!(send(plain.body(body)).await.status, 400);
    for malformed in ["[]", "{"] {
        let request = json(server.request(Method::POST, PROJECTS), token);
        assert_eq!(send(request.body(malformed)).await.status, 400);
    }
    let grace = bearer(&server.grant(json!({"user": "grace"})).await);
    for path in [PROJECTS, HOOKS, VARIABLES] {
        let request = json(server.request(Method::POST, path), &grace);
        assert_eq!(send(request.body("{}")).await.status, 403, "{path}");
    }
    let patch = server.write(Method::PATCH, PROJECTS, json!({})).await;
    assert_eq!(patch.status, 405);
    let narrowed = server
        .write(
            Method::POST,
            &format!("{PROJECTS}?fields=key"),
            json!({"name": "N", "key": "N"}),
        )
        .await;
    assert_eq!(narrowed.json(), json!({"key": "N"}));
    assert!(!narrowed.header("location").is_empty());
}

#[tokio::test]
async fn every_object_can_be_touched_added_and_deleted() {
    let server = Server::default().await;
    for (object, path) in [
        ("projects", PROJECTS),
        ("members", "/2.0/workspaces/acme/members"),
        ("hooks", HOOKS),
        ("variables", VARIABLES),
        ("snippets", "/2.0/snippets/acme?role=member"),
    ] {
        let before = server.get(path).await.json();
        let change = |kind: &str| json!({"kind": kind, "object": object, "workspace": "acme"});
        let mut touch = change("touch");
        touch["index"] = json!(2);
        server.post("mutations", touch).await;
        let after = server.get(path).await.json();
        assert_ne!(before["values"][2], after["values"][2], "{object}");
        assert_eq!(before["values"][1], after["values"][1], "{object}");
        let added = server.post("mutations", change("add")).await;
        let added = &added["changed"][0];
        let name = ["key", "uuid", "id"]
            .into_iter()
            .find_map(|key| added[key].as_str());
        let size = before["size"].as_u64().unwrap();
        assert_eq!(server.get(path).await.json()["size"], size + 1, "{object}");
        let mut delete = change("delete");
        delete["name"] = json!(name.unwrap());
        server.post("mutations", delete).await;
        assert_eq!(server.get(path).await.json()["size"], size, "{object}");
        server.post("mutations", change("churn")).await;
    }
}
