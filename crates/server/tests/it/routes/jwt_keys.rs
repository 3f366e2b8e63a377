//! `/projects/{p}/jwt-keys`, and what a customer's token opens.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::Method;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{both, install_body, installations};
use crate::world::{Answer, PROJECT, World, path};

testing::both!(
    a_key_is_registered_and_ends,
    a_token_opens_what_a_browser_needs,
    a_bad_token_opens_nothing,
    a_token_sees_its_group_only,
);

pub(crate) const PUBLIC: &str = include_str!("../../../../engine/tests/keys/public-2048.pem");
const OTHER: &str = include_str!("../../../../engine/tests/keys/public-other.pem");
/// Made for these tests and used nowhere else.
const PRIVATE: &str = include_str!("../../../../engine/tests/keys/private-2048.pem");

pub(crate) async fn register(world: &World, pem: &str) -> String {
    let new = json!({ "label": "web", "algorithm": "RS256", "publicKeyPem": pem });
    let made = world.api.post(&path("/jwt-keys"), &new).await.json(201);
    made["kid"].as_str().unwrap().to_owned()
}

fn sign(header: &Value, claims: &Value) -> String {
    let pem: String = PRIVATE
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let key = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(pem).unwrap()).unwrap();
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Claims that are good for ten minutes.
fn claims(world: &World, group: &str) -> Value {
    let now = world.now().as_second();
    json!({ "groupRef": group, "consumerRef": "ada", "iat": now, "exp": now + 600 })
}

pub(crate) fn token(world: &World, kid: &str, group: &str) -> String {
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
    sign(&header, &claims(world, group))
}

pub(crate) async fn send(
    world: &World,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let api = world.api.without_key();
    api.send(method, path, body, &[("authorization", &bearer)])
        .await
}

pub(crate) async fn get(world: &World, token: &str, path: &str) -> Answer {
    send(world, token, Method::GET, path, &Value::Null).await
}

async fn a_key_is_registered_and_ends(store: TestStore) {
    let world = World::idle(store).await;
    for (new, said) in [
        (
            json!({ "label": "a", "algorithm": "HS256", "publicKeyPem": PUBLIC }),
            "RS256",
        ),
        (
            json!({ "label": "a", "algorithm": "RS256", "publicKeyPem": "x" }),
            "openssl",
        ),
        (
            json!({ "label": "a", "algorithm": "RS256", "publicKeyPem": PRIVATE }),
            "openssl",
        ),
    ] {
        let problem = world.api.post(&path("/jwt-keys"), &new).await.problem(400);
        assert!(
            problem["remedy"].as_str().unwrap().contains(said),
            "{problem}"
        );
    }
    let kid = register(&world, PUBLIC).await;
    let one = path(&format!("/jwt-keys/{kid}"));
    let shown = world.api.get(&one).await.json(200);
    assert_eq!(
        (&shown["algorithm"], &shown["active"]),
        (&json!("RSA"), &json!(true))
    );
    let token = token(&world, &kid, "g");
    get(&world, &token, &path("")).await.json(200);

    let patch = async |change: Value| {
        world
            .api
            .send(Method::PATCH, &one, change.to_string().into_bytes(), &[])
            .await
    };
    patch(json!({ "updateMask": ["active"], "jwtKey": { "active": false } }))
        .await
        .json(200);
    get(&world, &token, &path("")).await.problem(401);
    assert_eq!(
        world
            .api
            .get(&path("/jwt-keys?active=true"))
            .await
            .json(200),
        json!([])
    );
    patch(json!({ "updateMask": ["label"], "jwtKey": {} }))
        .await
        .problem(422);
    patch(json!({ "updateMask": ["publicKeyPem"], "jwtKey": {} }))
        .await
        .problem(400);
    assert_eq!(
        world
            .api
            .send(Method::DELETE, &one, Vec::new(), &[])
            .await
            .status,
        204
    );
    world.api.get(&one).await.problem(404);
}

async fn a_token_opens_what_a_browser_needs(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(crate::world::MANIFEST).await;
    let kid = register(&world, PUBLIC).await;
    let token = token(&world, &kid, "customer-1");
    get(&world, &token, &path("")).await.json(200);
    get(&world, &token, &path("/integrations")).await.json(200);
    get(&world, &token, "/v1/providers/bitbucket")
        .await
        .json(200);
    let body = world.connect_body("customer-1");
    let url = send(&world, &token, Method::POST, "/v1/oauth-connect", &body).await;
    assert_eq!(url.status, 200, "{}", url.text());
    world.consent(&url.text(), "approve").await;
    let connections = get(&world, &token, &path("/connections")).await.json(200);
    assert_eq!(connections.as_array().unwrap().len(), 1);
    let body = install_body("customer-1", both());
    let installed = send(&world, &token, Method::POST, &installations(), &body)
        .await
        .json(201);
    let one = format!("{}/{}", installations(), installed["id"].as_str().unwrap());
    get(&world, &token, &one).await.json(200);
    // Not what only the builder's back end needs.
    for rest in [
        "/api-keys",
        "/jwt-keys",
        "/destinations",
        "/provider-apps",
        "/installations",
        "/audit-log",
    ] {
        get(&world, &token, &path(rest)).await.problem(403);
    }
    let connection = connections[0]["id"].as_str().unwrap();
    let creds = path(&format!("/connections/{connection}?includeCreds=true"));
    get(&world, &token, &creds).await.problem(403);
}

async fn a_bad_token_opens_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let kid = register(&world, PUBLIC).await;
    let other = register(&world, OTHER).await;
    let good = claims(&world, "g");
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "typ": "JWT", "kid": kid });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let now = world.now().as_second();
    let hmac = {
        // The public key taken for a shared secret: the oldest trick.
        let token = sign(&header("HS256", &kid), &good);
        let (message, _) = token.rsplit_once('.').unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, PUBLIC.as_bytes());
        let tag = ring::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    };
    let unsigned = {
        let token = sign(&header("none", &kid), &good);
        let (message, _) = token.rsplit_once('.').unwrap();
        format!("{message}.")
    };
    let fine = sign(&header("RS256", &kid), &good);
    let tampered = {
        let mut parts: Vec<String> = fine.split('.').map(str::to_owned).collect();
        parts[1] = BASE64_URL_SAFE_NO_PAD.encode(with("groupRef", json!("h")).to_string());
        parts.join(".")
    };
    get(&world, &fine, &path("")).await.json(200);
    for (what, token) in [
        ("none at all", String::new()),
        ("no token", "a.b.c".to_owned()),
        ("another key", sign(&header("RS256", &other), &good)),
        (
            "an unknown key",
            sign(
                &header("RS256", "0198c0de-1111-7222-8333-444455556666"),
                &good,
            ),
        ),
        ("no kid", sign(&json!({ "alg": "RS256" }), &good)),
        ("a shared secret", hmac),
        ("unsigned", unsigned),
        ("tampered with", tampered),
        (
            "over",
            sign(&header("RS256", &kid), &with("exp", json!(now - 60))),
        ),
        (
            "too long",
            sign(&header("RS256", &kid), &with("exp", json!(now + 3600))),
        ),
        (
            "no group",
            sign(&header("RS256", &kid), &with("groupRef", json!(""))),
        ),
        (
            "no consumer",
            sign(&header("RS256", &kid), &with("consumerRef", json!(""))),
        ),
        (
            "not yet",
            sign(&header("RS256", &kid), &with("nbf", json!(now + 300))),
        ),
    ] {
        let answer = get(&world, &token, &path("")).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.problem(401);
    }
}

async fn a_token_sees_its_group_only(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let connection = installed["connection"]["id"].as_str().unwrap().to_owned();
    let kid = register(&world, PUBLIC).await;
    // The other group has a connection of its own, so that it is not just empty.
    world.connect("customer-2").await;
    let token = token(&world, &kid, "customer-2");
    let seen = get(&world, &token, &path("/connections?groupRef=customer-1"))
        .await
        .json(200);
    assert_eq!(seen, json!([]));
    let seen = get(&world, &token, &path("/connections")).await.json(200);
    assert_eq!(seen.as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen[0]["group"]["groupRef"], "customer-2");
    let seen = get(
        &world,
        &token,
        &format!("{}?groupRef=customer-1", installations()),
    )
    .await;
    assert_eq!(seen.json(200), json!([]));

    let one = path(&format!("/connections/{connection}"));
    get(&world, &token, &one).await.problem(404);
    send(&world, &token, Method::DELETE, &one, &Value::Null)
        .await
        .problem(404);
    let change = json!({ "updateMask": ["providerWorkspaceRef"], "connection": { "providerWorkspaceRef": "x" } });
    send(&world, &token, Method::PATCH, &one, &change)
        .await
        .problem(404);
    send(
        &world,
        &token,
        Method::PATCH,
        &format!("{one}:oauth-update"),
        &Value::Null,
    )
    .await
    .problem(404);
    let installation = format!("{}/{}", installations(), installed["id"].as_str().unwrap());
    get(&world, &token, &installation).await.problem(404);
    let mut body = install_body("customer-1", both());
    send(&world, &token, Method::POST, &installations(), &body)
        .await
        .problem(403);
    body["groupRef"] = json!("customer-2");
    body["connectionId"] = json!(connection);
    send(&world, &token, Method::POST, &installations(), &body)
        .await
        .problem(404);
    // Neither the group nor the person can be another.
    let mut connect = world.connect_body("customer-1");
    send(&world, &token, Method::POST, "/v1/oauth-connect", &connect)
        .await
        .problem(403);
    connect["groupRef"] = json!("customer-2");
    connect["consumerRef"] = json!("grace");
    send(&world, &token, Method::POST, "/v1/oauth-connect", &connect)
        .await
        .problem(403);
    let generate = json!({
        "provider": "bitbucket", "groupRef": "customer-1", "consumerRef": "ada",
        "providerWorkspaceRef": "acme", "apiKey": world.provider.options.access_token,
    });
    send(
        &world,
        &token,
        Method::POST,
        &path("/connections:generate"),
        &generate,
    )
    .await
    .problem(403);
    // Nor another project.
    world.add_project("other").await;
    get(&world, &token, "/v1/projects/other").await.problem(404);
    get(&world, &token, &format!("/v1/projects/{PROJECT}"))
        .await
        .json(200);
}
