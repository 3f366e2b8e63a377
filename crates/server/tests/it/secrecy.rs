//! Nothing secret is logged, whatever happens, at whatever level.

use std::io::Write;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use serde_json::json;
use store::Credential;
use testing::TestStore;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::people::PASSWORD;
use crate::world::steps::{GROUP, both};
use crate::world::{World, path};

testing::both!(no_secret_is_in_any_log);

/// Everything of ours, down to the last detail.
const FILTER: &str = "off,connector=trace,bitbucket=trace,outbound=trace,manifest=trace,store=trace,engine=trace,server=trace";

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Both tokens of a connection as they are now.
async fn tokens(world: &World, connection_id: &str) -> Vec<String> {
    let stored = world.engine.store.credential(connection_id).await.unwrap();
    let Credential::OAuth2 {
        access_token,
        refresh_token,
        ..
    } = stored.credential
    else {
        panic!("an OAuth connection has OAuth tokens")
    };
    let tokens = [Some(access_token), refresh_token];
    tokens
        .iter()
        .flatten()
        .map(|token| token.expose_secret().to_owned())
        .collect()
}

/// A builder signs in and invites somebody, who comes: everything that must not be
/// told, addresses included.
async fn people(world: &World) -> Vec<String> {
    let (ada, org) = world.owner().await;
    let invite = json!({ "email": "eve@example.com" });
    let invites = format!("/v1/orgs/{org}/invites");
    let made = ada.post(&invites, &invite).await.json(201);
    let link = made["link"].as_str().unwrap();
    let (origin, token) = link.split_once("/invite?token=").unwrap();
    assert_eq!(origin, ada.origin);
    let place = format!("/invite?token={token}");
    assert_eq!(world.api.get(&place).await.status, 200);
    let form = format!("token={token}&password=a+password+of+eve");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let api = world.api.without_key();
    let joined = api.send(http::Method::POST, "/invite", form.into_bytes(), &kind);
    assert_eq!(joined.await.status, 201);
    let wrong = json!({ "email": "eve@example.com", "password": "not the password" });
    api.post("/v1/sessions", &wrong).await.problem(401);
    vec![
        token.to_owned(),
        ada.bearer.unwrap(),
        PASSWORD.to_owned(),
        "password of eve".to_owned(),
        "password+of+eve".to_owned(),
        "not the password".to_owned(),
        "@example.com".to_owned(),
        "argon2id".to_owned(),
    ]
}

/// A customer comes by a link, connects and thinks again: what opens the page, and what
/// tells the browser from others.
async fn by_link(world: &World) -> Vec<String> {
    let link = world
        .install_link(json!({ "groupRef": "customer-4" }))
        .await;
    let mut customer = world.customer_of(&link);
    let consent = customer.begin("acme").await;
    let back = world.decide(&consent, "approve").await;
    assert_eq!(customer.follow(&back).await.status, 303);
    assert_eq!(customer.press("choices", &[]).await.status, 422);
    assert_eq!(customer.press("disconnect", &[]).await.status, 303);
    let (_, signature) = customer.place.split_once("signature=").unwrap();
    let cookie = customer.cookie.clone().unwrap();
    let (_, browser) = cookie.split_once('=').unwrap();
    vec![signature.to_owned(), browser.to_owned()]
}

async fn no_secret_is_in_any_log(store: TestStore) {
    // Everything of a world runs on its test's own thread.
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(log.clone())
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::start(store).await;
    world.prepare().await;
    let mut secrets = vec![
        world.provider.options.client_secret.clone(),
        world.api.key.clone().unwrap(),
    ];
    let shown = world
        .api
        .get(&path("/destinations/inbox?includeSecrets=true"))
        .await
        .json(200);
    secrets.push(
        shown["secrets"]["webhookSigningKey"]
            .as_str()
            .unwrap()
            .to_owned(),
    );

    // A consent by hand, to see the code and the state; one that is denied; one used twice.
    let url = world.authorize_url(&world.connect_body(GROUP)).await;
    let back = world.decide(&url, "approve").await;
    for name in ["code", "state"] {
        let parameter = url::Url::parse(&back).unwrap();
        let value = parameter
            .query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned();
        secrets.push(value);
    }
    assert_eq!(world.follow(&back).await.status, 200);
    assert_eq!(world.follow(&back).await.status, 400);
    let denied = world.authorize_url(&world.connect_body("customer-2")).await;
    world.consent(&denied, "deny").await;
    let connections = world
        .api
        .get(&path(&format!("/connections?groupRef={GROUP}")))
        .await
        .json(200);
    let connection_id = connections[0]["id"].as_str().unwrap();
    secrets.extend(tokens(&world, connection_id).await);
    secrets.extend(people(&world).await);
    secrets.extend(by_link(&world).await);

    // A wrong key, a wrong secret, a refused message, a failing page, a refresh.
    world
        .api
        .with_key("lig_aaaaaaaaaaaa_wrong-but-somebodys")
        .get(&path(""))
        .await
        .problem(401);
    secrets.push("wrong-but-somebodys".to_owned());
    let app = json!({ "provider": "bitbucket", "clientId": "c", "clientSecret": "mistyped-secret", "externalRef": "x" });
    let app = world
        .api
        .post(&path("/provider-apps"), &app)
        .await
        .json(200);
    secrets.push("mistyped-secret".to_owned());
    let mut body = world.connect_body("customer-3");
    body["providerAppId"] = app["id"].clone();
    world.authorize_url(&body).await;
    world.receiver.answer_next(&[500]);
    world.provider.end_tokens(true, false).await;
    world
        .provider
        .fault(
            "/2.0/repositories/acme",
            2,
            1,
            json!({ "kind": "html_error" }),
        )
        .await;
    let installed = world.install(both()).await;
    world
        .until("the end of the reads", async || {
            world.clock.advance(jiff::SignedDuration::from_secs(2));
            let operations = world.operations(&installed).await;
            operations
                .values()
                .all(|operation| operation["status"] == "success")
                .then_some(())
        })
        .await;
    world
        .until("every record", async || {
            world.clock.advance(jiff::SignedDuration::from_secs(2));
            (world.entries().await.values().map(Vec::len).sum::<usize>() == 242).then_some(())
        })
        .await;
    secrets.extend(tokens(&world, connection_id).await);
    // And an end: the refresh token is refused.
    world.provider.end_tokens(true, true).await;
    world.connect("customer-2").await;

    let text = log.text();
    for words in [
        "an account was connected",
        "installed",
        "a read failed and is tried again",
        "a delivery attempt failed",
    ] {
        assert!(text.contains(words), "the log lacks {words:?}:\n{text}");
    }
    for secret in secrets {
        let start = text.find(&secret).map(|at| {
            text[..at]
                .lines()
                .next_back()
                .unwrap_or_default()
                .to_owned()
        });
        assert_eq!(start, None, "a secret was logged");
    }
}
