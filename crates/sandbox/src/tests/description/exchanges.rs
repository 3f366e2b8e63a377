//! One success, and the refusals worth seeing, of every implemented operation.

use super::super::{Answer, Server, bearer, send};
use super::walker::Description;
use http::Method;
use serde_json::{Value, json};

const ADA: &str = "Basic YWRhQGV4YW1wbGUuY29tOnNhbmRib3gtYXBpLXRva2Vu";

/// Path of the description, and the same filled in.
const READS: &[(&str, &str)] = &[
    ("/user", "/user"),
    ("/user/emails", "/user/emails"),
    ("/user/emails/{email}", "/user/emails/ada@example.com"),
    ("/user/emails/{email}", "/user/emails/nobody@example.com"),
    ("/user/workspaces", "/user/workspaces?pagelen=1"),
    ("/user/workspaces", "/user/workspaces?sort=x"),
    (
        "/user/workspaces/{w}/permission",
        "/user/workspaces/acme-labs/permission",
    ),
    (
        "/user/workspaces/{w}/permissions/repositories",
        "/user/workspaces/acme-labs/permissions/repositories?page=2",
    ),
    ("/workspaces/{w}", "/workspaces/acme"),
    ("/workspaces/{w}", "/workspaces/none"),
    (
        "/workspaces/{w}/projects",
        "/workspaces/acme/projects?page=2",
    ),
    (
        "/workspaces/{w}/projects",
        "/workspaces/acme/projects?pagelen=100",
    ),
    ("/workspaces/{w}/projects", "/workspaces/none/projects"),
    (
        "/workspaces/{w}/projects/{k}",
        "/workspaces/acme/projects/PLAT1",
    ),
    (
        "/workspaces/{w}/projects/{k}",
        "/workspaces/acme/projects/NONE",
    ),
    ("/workspaces/{w}/members", "/workspaces/acme/members?page=2"),
    (
        "/workspaces/{w}/members",
        "/workspaces/acme/members?q=x%3D1",
    ),
    (
        "/workspaces/{w}/members/{m}",
        "/workspaces/acme/members/none",
    ),
    (
        "/workspaces/{w}/permissions",
        "/workspaces/acme/permissions",
    ),
    (
        "/workspaces/{w}/permissions/repositories",
        "/workspaces/acme/permissions/repositories?pagelen=100",
    ),
    (
        "/workspaces/{w}/hooks",
        "/workspaces/acme/hooks?pagelen=100",
    ),
    ("/workspaces/{w}/hooks", "/workspaces/none/hooks"),
    ("/workspaces/{w}/hooks/{u}", "/workspaces/acme/hooks/none"),
    (
        "/workspaces/{w}/pipelines-config/variables",
        "/workspaces/acme/pipelines-config/variables?pagelen=100",
    ),
    (
        "/workspaces/{w}/pipelines-config/variables/{v}",
        "/workspaces/acme/pipelines-config/variables/none",
    ),
    ("/repositories/{w}", "/repositories/acme?pagelen=100"),
    ("/repositories/{w}", "/repositories/acme?pagelen=100&page=2"),
    ("/repositories/{w}", "/repositories/acme?pagelen=1000"),
    ("/repositories/{w}", "/repositories/none"),
    ("/repositories/{w}/{r}", "/repositories/acme/none"),
    ("/snippets/{w}", "/snippets/acme?pagelen=100"),
    ("/snippets/{w}", "/snippets/none"),
    ("/snippets/{w}/{i}", "/snippets/acme/none"),
    ("/hook_events", "/hook_events"),
    ("/hook_events/{s}", "/hook_events/workspace?pagelen=5"),
    ("/hook_events/{s}", "/hook_events/repository"),
    ("/hook_events/{s}", "/hook_events/user"),
];

/// Lists and the operation of one of their entries, by the key of its path.
const ENTRIES: &[(&str, &str, &str)] = &[
    (
        "/workspaces/{w}/members/{m}",
        "/workspaces/acme/members",
        "/user/uuid",
    ),
    (
        "/workspaces/{w}/hooks/{u}",
        "/workspaces/acme/hooks",
        "/uuid",
    ),
    (
        "/workspaces/{w}/pipelines-config/variables/{v}",
        "/workspaces/acme/pipelines-config/variables",
        "/uuid",
    ),
    (
        "/workspaces/{w}/permissions/repositories/{r}",
        "/repositories/acme",
        "/slug",
    ),
    ("/repositories/{w}/{r}", "/repositories/acme", "/slug"),
    ("/snippets/{w}/{i}", "/snippets/acme", "/id"),
];

pub(super) async fn all(server: &Server, description: &mut Description) {
    for (path, filled) in READS {
        let answer = server.get(&format!("/2.0{filled}")).await;
        description.check("GET", path, &answer);
        let answer = server.get_with(&format!("/2.0{filled}"), ADA).await;
        description.check("GET", path, &answer);
    }
    by_api_token(server, description).await;
    entries(server, description).await;
    refusals(server, description).await;
    projects(server, description).await;
    hooks(server, description).await;
    variables(server, description).await;
    snippets(server, description).await;
}

/// Writes that come to nothing, for the scopes that they demand.
async fn by_api_token(server: &Server, description: &mut Description) {
    for (method, path, filled) in [
        (
            "POST",
            "/workspaces/{w}/projects",
            "/workspaces/acme/projects",
        ),
        (
            "PUT",
            "/workspaces/{w}/projects/{k}",
            "/workspaces/acme/projects/X",
        ),
        (
            "DELETE",
            "/workspaces/{w}/projects/{k}",
            "/workspaces/acme/projects/X",
        ),
        ("POST", "/workspaces/{w}/hooks", "/workspaces/acme/hooks"),
        (
            "PUT",
            "/workspaces/{w}/hooks/{u}",
            "/workspaces/acme/hooks/x",
        ),
        (
            "DELETE",
            "/workspaces/{w}/hooks/{u}",
            "/workspaces/acme/hooks/x",
        ),
        (
            "POST",
            "/workspaces/{w}/pipelines-config/variables",
            "/workspaces/none/pipelines-config/variables",
        ),
        (
            "PUT",
            "/workspaces/{w}/pipelines-config/variables/{v}",
            "/workspaces/acme/pipelines-config/variables/x",
        ),
        (
            "DELETE",
            "/workspaces/{w}/pipelines-config/variables/{v}",
            "/workspaces/acme/pipelines-config/variables/x",
        ),
        ("PUT", "/snippets/{w}/{i}", "/snippets/acme/x"),
        ("DELETE", "/snippets/{w}/{i}", "/snippets/acme/x"),
    ] {
        let verb = method.parse().unwrap();
        let request = server
            .request(verb, &format!("/2.0{filled}"))
            .header("authorization", ADA)
            .header("content-type", "application/json");
        let answer = send(request.body("{}")).await;
        description.check(method, path, &answer);
    }
}

async fn entries(server: &Server, description: &mut Description) {
    for (path, list, key) in ENTRIES {
        let page = server.get(&format!("/2.0{list}?pagelen=50")).await.json();
        let base = match *path {
            "/workspaces/{w}/permissions/repositories/{r}" => {
                "/workspaces/acme/permissions/repositories"
            }
            _ => list,
        };
        for entry in page["values"].as_array().unwrap().iter().step_by(7) {
            let name = entry.pointer(key).and_then(Value::as_str).unwrap();
            let name = name.replace('{', "%7B").replace('}', "%7D");
            let answer = server.get(&format!("/2.0{base}/{name}")).await;
            description.check("GET", path, &answer);
        }
    }
}

/// 401 without a credential, 403 without the scope or the right.
async fn refusals(server: &Server, description: &mut Description) {
    let grace = bearer(&server.grant(json!({"user": "grace"})).await);
    let poor = bearer(&server.grant(json!({"scopes": []})).await);
    for path in ["hooks", "permissions/repositories"] {
        let filled = format!("/2.0/workspaces/acme/{path}");
        let answer = server.get_with(&filled, &grace).await;
        description.check("GET", &format!("/workspaces/{{w}}/{path}"), &answer);
    }
    for path in ["members", "permissions"] {
        let filled = format!("/2.0/workspaces/acme/{path}");
        let answer = send(server.request(Method::GET, &filled)).await;
        description.check("GET", &format!("/workspaces/{{w}}/{path}"), &answer);
    }
    let answer = server.get_with("/2.0/workspaces/acme/hooks", &poor).await;
    description.check("GET", "/workspaces/{w}/hooks", &answer);
}

async fn write(
    server: &Server,
    description: &mut Description,
    (method, path, filled): (&str, &str, &str),
    body: Value,
) -> Answer {
    let verb = method.parse().unwrap();
    let answer = if method == "DELETE" {
        let request = server.request(verb, filled);
        send(request.header("authorization", "Bearer sandbox-access-token")).await
    } else {
        server.write(verb, filled, body).await
    };
    description.check(method, path, &answer);
    answer
}

async fn projects(server: &Server, description: &mut Description) {
    let (all, one) = ("/workspaces/{w}/projects", "/workspaces/{w}/projects/{k}");
    let base = "/2.0/workspaces/acme/projects";
    let at = format!("{base}/MARS");
    for (method, path, filled, body) in [
        ("POST", all, base, json!({"key": "MARS", "name": "Mars"})),
        ("POST", all, base, json!({"key": "MARS", "name": "Mars"})),
        ("POST", all, "/2.0/workspaces/none/projects", json!({})),
        ("PUT", one, &at, json!({"description": "d"})),
        ("PUT", one, &format!("{base}/NEW"), json!({"name": "New"})),
        ("PUT", one, "/2.0/workspaces/none/projects/X", json!({})),
        ("DELETE", one, &at, Value::Null),
        ("DELETE", one, &at, Value::Null),
        ("DELETE", one, &format!("{base}/PLAT1"), Value::Null),
    ] {
        write(server, description, (method, path, filled), body).await;
    }
}

async fn hooks(server: &Server, description: &mut Description) {
    let (all, one) = ("/workspaces/{w}/hooks", "/workspaces/{w}/hooks/{u}");
    let base = "/2.0/workspaces/acme/hooks";
    let body = json!({"url": "https://example.com/", "events": ["repo:push"], "secret": "s"});
    let made = write(server, description, ("POST", all, base), body.clone()).await;
    write(server, description, ("POST", all, base), json!({})).await;
    let at = made.header("location").to_owned();
    write(server, description, ("PUT", one, &at), body.clone()).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("PUT", one, &at), body).await;
}

async fn variables(server: &Server, description: &mut Description) {
    let all = "/workspaces/{w}/pipelines-config/variables";
    let one = "/workspaces/{w}/pipelines-config/variables/{v}";
    let base = "/2.0/workspaces/acme/pipelines-config/variables";
    let body = json!({"key": "K", "value": "v", "secured": true});
    let made = write(server, description, ("POST", all, base), body.clone()).await;
    write(server, description, ("POST", all, base), body.clone()).await;
    write(server, description, ("POST", all, base), json!({})).await;
    let at = made.header("location").to_owned();
    write(server, description, ("PUT", one, &at), body.clone()).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("PUT", one, &at), body).await;
}

async fn snippets(server: &Server, description: &mut Description) {
    let (all, one) = ("/snippets/{w}", "/snippets/{w}/{i}");
    let page = server.get("/2.0/snippets/acme").await.json();
    let link = page["values"][0]["links"]["self"]["href"].as_str().unwrap();
    let whole = server.get(link).await.json();
    let (name, file) = whole["files"].as_object().unwrap().iter().next().unwrap();
    let raw = server
        .get(file["links"]["self"]["href"].as_str().unwrap())
        .await;
    description.check("GET", "/snippets/{w}/{i}/{n}/files/{p}", &raw);
    let latest = server.get(&format!("{link}/files/{name}")).await;
    description.check("GET", "/snippets/{w}/{i}/files/{p}", &latest);
    let base = "/2.0/snippets/acme";
    let body = json!({"title": "t", "is_private": true});
    let made = write(server, description, ("POST", all, base), body.clone()).await;
    write(
        server,
        description,
        ("POST", all, base),
        json!({"title": 1}),
    )
    .await;
    let at = made.header("location").to_owned();
    write(server, description, ("PUT", one, &at), body.clone()).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("DELETE", one, &at), Value::Null).await;
    write(server, description, ("PUT", one, &at), body).await;
}
