//! The proxy, over real sockets: to the sandbox, or to a provider of a test's own
//! that sees every byte and answers as it likes.

mod attacks;
mod clients;
mod headers;
mod links;
mod operations;
mod passes;
mod streaming;
mod throttle;
mod tokens;
mod upstream;

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::steps::{GROUP, installations};
use crate::world::{Answer, PROJECT, Plan, World, path};
use upstream::Upstream;

testing::both!(
    a_customer_is_called_for_by_id_or_by_name,
    every_method_goes_through
);

/// A world with an installation that enables the proxy, and nothing to read.
async fn installed(store: TestStore) -> (World, Value) {
    planned(store, idle()).await
}

fn idle() -> Plan {
    Plan {
        works: false,
        ..Plan::default()
    }
}

async fn planned(store: TestStore, plan: Plan) -> (World, Value) {
    let world = World::planned(store, plan).await;
    world.prepare().await;
    let installation = world.api.post(&installations(), &proxied_body(GROUP)).await;
    (world, installation.json(201))
}

/// The same with the API at a provider of the test's own.
async fn at(upstream: &Upstream) -> (World, Value) {
    let plan = Plan {
        api_url: Some(upstream.url()),
        ..idle()
    };
    planned(testing::sqlite().await, plan).await
}

/// The body of an installation that enables the proxy.
fn proxied_body(group: &str) -> Value {
    json!({
        "groupRef": group,
        "config": {
            "createdBy": "consumer:ada",
            "content": { "provider": "bitbucket", "proxy": { "enabled": true } },
        },
    })
}

fn id(installation: &Value) -> &str {
    installation["id"].as_str().unwrap()
}

/// The headers of every call.
fn for_installation(installation: &Value) -> Vec<(&'static str, &str)> {
    vec![
        ("x-amp-proxy-version", "1"),
        ("x-amp-project-id", PROJECT),
        ("x-amp-installation-id", id(installation)),
    ]
}

async fn get(world: &World, installation: &Value, path: &str) -> Answer {
    let headers = for_installation(installation);
    world
        .api
        .send(Method::GET, path, Vec::new(), &headers)
        .await
}

/// Dials the server.
async fn dial(world: &World) -> TcpStream {
    let address = world.api.origin.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// The head of a call, as it goes over the wire, without its empty line.
fn wire(world: &World, installation: &Value, request_line: &str) -> String {
    let key = world.api.key.as_deref().unwrap();
    format!(
        "{request_line}\r\nhost: here.example\r\nx-api-key: {key}\r\nx-amp-proxy-version: 1\r\n\
         x-amp-project-id: {PROJECT}\r\nx-amp-installation-id: {}\r\n",
        id(installation)
    )
}

/// Everything up to an empty line.
async fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Sends what is given, asks to close, and returns all that comes back.
pub(crate) async fn exchange(world: &World, request: &str) -> String {
    let mut stream = dial(world).await;
    let request = format!("{request}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

async fn a_customer_is_called_for_by_id_or_by_name(store: TestStore) {
    let (world, installation) = installed(store).await;
    let integration = installation["integrationId"].as_str().unwrap();
    let project = installation["projectId"].as_str().unwrap();
    let listing = "/2.0/repositories/acme?pagelen=5";
    let named = |project, more: &[(&'static str, &'static str)]| {
        let mut headers = vec![("x-amp-proxy-version", "1"), ("x-amp-project-id", project)];
        headers.extend(more);
        headers
    };
    let by_name = [
        ("x-amp-integration-name", "bitbucket-sync"),
        ("x-amp-group-ref", GROUP),
    ];
    let by_integration_id = vec![
        ("x-amp-proxy-version", "1"),
        ("x-amp-project-id", project),
        ("x-amp-integration-name", integration),
        ("x-amp-group-ref", GROUP),
    ];
    for headers in [
        for_installation(&installation),
        named(PROJECT, &by_name),
        named(project, &by_name),
        by_integration_id,
    ] {
        let answer = world.api.send(Method::GET, listing, Vec::new(), &headers);
        let page = answer.await;
        assert_eq!(page.passed(200)["values"].as_array().unwrap().len(), 5);
        assert!(!page.header("x-request-id").is_empty());
    }
    // All that is given must hold.
    for (more, status) in [
        (vec![], 400),
        (vec![("x-amp-integration-name", "bitbucket-sync")], 400),
        (vec![("x-amp-group-ref", GROUP)], 400),
        (vec![("x-amp-installation-id", "nobody")], 404),
        (
            vec![
                ("x-amp-integration-name", "bitbucket-sync"),
                ("x-amp-group-ref", "others"),
            ],
            404,
        ),
        (
            vec![
                ("x-amp-integration-name", "none"),
                ("x-amp-group-ref", GROUP),
            ],
            404,
        ),
    ] {
        let headers = named(PROJECT, &more);
        let answer = world.api.send(Method::GET, listing, Vec::new(), &headers);
        answer.await.problem(status);
    }
    let mut both = for_installation(&installation);
    both.push(("x-amp-group-ref", "others"));
    let answer = world.api.send(Method::GET, listing, Vec::new(), &both);
    answer.await.problem(404);
    for (name, value) in [("x-amp-proxy-version", "2"), ("x-amp-project-id", "")] {
        let mut headers = for_installation(&installation);
        headers.push((name, value));
        let answer = world.api.send(Method::GET, listing, Vec::new(), &headers);
        answer.await.problem(400);
    }
    // Without the one header the path is this server's own.
    world.api.get(listing).await.problem(404);
    let path = path("/integrations");
    let answer = get(&world, &installation, &path).await;
    assert_eq!(answer.status, 404, "the provider has no such path");
    assert_ne!(answer.header("content-type"), "application/problem+json");
}

async fn every_method_goes_through(store: TestStore) {
    let (world, installation) = installed(store).await;
    let headers = for_installation(&installation);
    let mut with_json = headers.clone();
    with_json.push(("content-type", "application/json"));
    let send = async |method: Method, path: &str, body: &Value| {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        world.api.send(method, path, body, &with_json).await
    };
    let variables = "/2.0/workspaces/acme/pipelines-config/variables";
    let new = json!({ "key": "COLOUR", "value": "red", "secured": false });
    let made = send(Method::POST, variables, &new).await.passed(201);
    let one = format!("{variables}/{}", made["uuid"].as_str().unwrap());
    let one = one.replace('{', "%7B").replace('}', "%7D");
    let changed = json!({ "key": "COLOUR", "value": "blue", "secured": false });
    let put = send(Method::PUT, &one, &changed).await.passed(200);
    assert_eq!(put["value"], "blue");
    let again = send(Method::POST, variables, &new).await;
    assert_eq!(again.status, 409, "the provider's own refusal");
    assert!(
        again
            .header("content-type")
            .starts_with("application/json;")
    );
    let head = send(Method::HEAD, variables, &Value::Null).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let deleted = send(Method::DELETE, &one, &Value::Null).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    send(Method::GET, &one, &Value::Null).await;
}
