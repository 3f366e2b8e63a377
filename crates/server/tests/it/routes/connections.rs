//! `/projects/{p}/connections`.

use secrecy::ExposeSecret as _;
use serde_json::json;
use store::Credential;
use testing::TestStore;

use crate::world::steps::GROUP;
use crate::world::{World, path};

testing::both!(
    a_connection_shows_what_clients_need_and_no_token,
    lists_go_by_every_filter,
    a_program_may_have_the_tokens_and_it_is_written_down,
    a_token_is_refreshed_on_request,
    an_account_is_connected_by_hand,
    a_credential_that_is_refused_connects_nothing,
    a_connection_is_changed_by_mask,
    a_connection_in_use_is_not_deleted,
    a_customer_consents_anew,
);

async fn a_connection_shows_what_clients_need_and_no_token(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let connection = world.connect(GROUP).await;
    assert_eq!(connection["provider"], "bitbucket");
    assert_eq!(connection["status"], "working");
    assert_eq!(connection["authScheme"], "oauth2/authorizationCode");
    assert_eq!(
        connection["providerMetadata"]["workspace"],
        json!({ "value": "acme", "source": "input" })
    );
    assert_eq!(connection["providerWorkspaceRef"], "acme");
    assert_eq!(connection["group"]["groupRef"], GROUP);
    assert_eq!(connection["group"]["groupName"], "Customer One");
    assert_eq!(connection["consumer"]["consumerRef"], "ada");
    assert_eq!(connection["providerApp"]["clientId"], "sandbox-client");
    let scopes = connection["oauth2AuthorizationCode"]["scopes"]
        .as_array()
        .unwrap();
    assert!(scopes.contains(&json!("repository")), "{connection}");

    let id = connection["id"].as_str().unwrap();
    let Credential::OAuth2 {
        access_token,
        refresh_token,
        ..
    } = world.engine.store.credential(id).await.unwrap().credential
    else {
        panic!("an OAuth connection has OAuth tokens")
    };
    let one = format!("/connections/{id}");
    for rest in ["/connections", &one, &format!("{one}?includeCreds=false")] {
        let text = world.api.get(&path(rest)).await.text();
        assert!(text.contains(id));
        for secret in [
            access_token.expose_secret(),
            refresh_token.as_ref().unwrap().expose_secret(),
            "sandbox-secret",
        ] {
            assert!(!text.contains(secret), "{rest}");
        }
    }
    assert_eq!(world.api.get(&path(&one)).await.json(200), connection);
    world.api.get(&path("/connections/none")).await.problem(404);
}

async fn lists_go_by_every_filter(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.connect(GROUP).await;
    let mut other = world.connect_body("customer 2/ä");
    other["consumerRef"] = json!("grace");
    let url = world.authorize_url(&other).await;
    world.consent(&url, "approve").await;
    for (query, expected) in [
        ("", 2),
        ("?provider=bitbucket", 2),
        ("?provider=salesforce", 0),
        ("?groupRef=customer-1", 1),
        ("?groupRef=customer%202%2F%C3%A4", 1),
        ("?groupRef=nobody", 0),
        ("?consumerRef=grace", 1),
        ("?consumerRef=grace&groupRef=customer-1", 0),
        ("?consumerRef=ada&groupRef=customer-1&provider=bitbucket", 1),
    ] {
        let found = world
            .api
            .get(&path(&format!("/connections{query}")))
            .await
            .json(200);
        assert_eq!(found.as_array().unwrap().len(), expected, "{query}");
    }
}

async fn a_program_may_have_the_tokens_and_it_is_written_down(store: TestStore) {
    let world = World::idle(store).await;
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    world.provider_app().await;
    let id = world.connect(GROUP).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let one = path(&format!("/connections/{id}"));
    let (access, refresh) = tokens(&world, &id).await;
    let shown = world
        .api
        .get(&format!("{one}?includeCreds=true"))
        .await
        .json(200);
    let oauth = &shown["oauth2AuthorizationCode"];
    assert_eq!(oauth["accessToken"]["token"], access);
    assert!(oauth["accessToken"]["expiresAt"].is_string(), "{oauth}");
    assert!(oauth["accessToken"]["issuedAt"].is_string(), "{oauth}");
    assert!(oauth["scopes"].is_array() && oauth.get("refreshToken").is_none());
    let shown = world
        .api
        .get(&format!("{one}?includeRefreshToken=true"))
        .await
        .json(200);
    assert_eq!(
        shown["oauth2AuthorizationCode"]["refreshToken"]["token"],
        refresh
    );

    let browser = world.api.with_key(&frontend);
    browser.get(&one).await.json(200);
    browser
        .get(&format!("{one}?includeCreds=true"))
        .await
        .problem(403);
    browser
        .get(&format!("{one}?refresh=force"))
        .await
        .problem(403);

    let log = world
        .api
        .get(&path("/audit-log?pageSize=1"))
        .await
        .json(200);
    assert_eq!(log["results"][0]["action"], "connection.credentials.read");
    assert_eq!(log["results"][0]["subject"], id);
    assert!(
        log["results"][0]["actor"]
            .as_str()
            .unwrap()
            .starts_with("api-key:lig_")
    );
    let next = log["pagination"]["nextPageToken"].as_str().unwrap();
    let rest = world
        .api
        .get(&path(&format!("/audit-log?pageToken={next}")))
        .await
        .json(200);
    let looks = rest["results"].as_array().unwrap().iter();
    let looks = looks.filter(|entry| entry["action"] == "connection.credentials.read");
    assert_eq!(looks.count(), 1, "two looks were written down");
    assert_eq!(rest["pagination"], json!({ "done": true }));
}

async fn a_token_is_refreshed_on_request(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let id = world.connect(GROUP).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let one = path(&format!("/connections/{id}"));
    let (first, _) = tokens(&world, &id).await;
    world
        .api
        .get(&format!("{one}?refresh=ifExpired"))
        .await
        .json(200);
    assert_eq!(tokens(&world, &id).await.0, first, "it has not ended");
    let shown = world
        .api
        .get(&format!("{one}?refresh=force&includeCreds=true"))
        .await
        .json(200);
    let second = tokens(&world, &id).await.0;
    assert_ne!(second, first);
    assert_eq!(
        shown["oauth2AuthorizationCode"]["accessToken"]["token"],
        second
    );
    world.clock.advance(jiff::SignedDuration::from_hours(3));
    world
        .api
        .get(&format!("{one}?refresh=ifExpired"))
        .await
        .json(200);
    assert_ne!(tokens(&world, &id).await.0, second, "it had ended");
    world
        .api
        .get(&format!("{one}?refresh=always"))
        .await
        .problem(400);

    world.provider.end_tokens(true, true).await;
    let refused = world
        .api
        .get(&format!("{one}?refresh=force"))
        .await
        .problem(422);
    assert!(
        refused["remedy"].as_str().unwrap().contains("connect"),
        "{refused}"
    );
    assert_eq!(
        world.api.get(&one).await.json(200)["status"],
        "bad_credentials"
    );
}

/// Both tokens of an OAuth connection as they are stored.
async fn tokens(world: &World, id: &str) -> (String, String) {
    match world.engine.store.credential(id).await.unwrap().credential {
        Credential::OAuth2 {
            access_token,
            refresh_token,
            ..
        } => (
            access_token.expose_secret().to_owned(),
            refresh_token.unwrap().expose_secret().to_owned(),
        ),
        _ => panic!("an OAuth connection has OAuth tokens"),
    }
}

/// The body of `POST /connections:generate`.
fn by_hand(group: &str, credential: (&str, serde_json::Value)) -> serde_json::Value {
    let mut body = json!({
        "provider": "bitbucket", "groupRef": group, "consumerRef": "ada",
        "providerWorkspaceRef": "acme",
    });
    body[credential.0] = credential.1;
    body
}

async fn an_account_is_connected_by_hand(store: TestStore) {
    let world = World::start(store).await;
    world.destination().await;
    world.deploy(crate::world::MANIFEST).await;
    let options = &world.provider.options;
    let basic = json!({ "username": options.email, "password": options.api_token });
    let body = by_hand("by-basic", ("basicAuth", basic));
    let made = world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
    assert_eq!(made["authScheme"], "basic");
    assert_eq!(made["status"], "working");
    assert_eq!(made["providerMetadata"]["workspace"]["value"], "acme");
    assert!(!made.to_string().contains(&options.api_token), "{made}");

    let body = by_hand("by-key", ("apiKey", json!(options.access_token)));
    let made = world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
    assert_eq!(made["authScheme"], "apiKey");
    let id = made["id"].as_str().unwrap();
    let shown = world
        .api
        .get(&path(&format!("/connections/{id}?includeCreds=true")))
        .await
        .json(200);
    assert_eq!(shown["apiKey"], options.access_token.as_str());

    // Each kind reads.
    for group in ["by-basic", "by-key"] {
        let objects = json!({ "projects": { "objectName": "projects" } });
        let body = crate::world::steps::install_body(group, objects);
        let installation = world
            .api
            .post(&crate::world::steps::installations(), &body)
            .await
            .json(201);
        let ended = world.ended(&installation).await;
        assert_eq!(ended["projects"]["status"], "success", "{group}");
    }
}

async fn a_credential_that_is_refused_connects_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let wrong = json!({ "username": "ada@example.com", "password": "no" });
    let token = json!({ "accessToken": { "token": "no" } });
    for (credential, said) in [
        (("basicAuth", wrong), "app passwords"),
        (("apiKey", json!("no")), "access token"),
        (("oauth2AuthorizationCode", token), "oauth-connect"),
        (("oauth2AuthorizationCode", json!({})), "accessToken"),
        (
            ("customAuth", json!({ "a": "b" })),
            "`customAuth` is not supported",
        ),
        (("oauth2ClientCredentials", json!({})), "not supported"),
        (("unheardOf", json!(1)), "there is no credential"),
        (("apiKey", json!("")), "empty"),
    ] {
        let name = credential.0;
        let body = by_hand(GROUP, credential);
        let problem = world
            .api
            .post(&path("/connections:generate"), &body)
            .await
            .problem(400)
            .to_string();
        assert!(problem.contains(said), "{name}: {problem}");
    }
    let none = world.api.get(&path("/connections")).await.json(200);
    assert_eq!(none, json!([]));
    // A provider that is down keeps nobody from connecting.
    let fault = json!({ "kind": "respond", "status": 503 });
    world.provider.fault("/2.0/user", 1, 0, fault).await;
    let body = by_hand(GROUP, ("apiKey", json!("perhaps")));
    world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
}

async fn a_connection_is_changed_by_mask(store: TestStore) {
    let world = World::idle(store).await;
    let options = &world.provider.options;
    let body = by_hand(GROUP, ("apiKey", json!(options.access_token)));
    let made = world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
    let one = path(&format!("/connections/{}", made["id"].as_str().unwrap()));
    let patch = async |mask: serde_json::Value, connection: serde_json::Value| {
        let body = json!({ "updateMask": mask, "connection": connection });
        let body = body.to_string().into_bytes();
        world.api.send(http::Method::PATCH, &one, body, &[]).await
    };
    let changed = patch(
        json!(["providerWorkspaceRef"]),
        json!({ "providerWorkspaceRef": "acme-labs", "apiKey": "not named" }),
    )
    .await
    .json(200);
    assert_eq!(changed["providerWorkspaceRef"], "acme-labs");
    assert_eq!(
        changed["providerMetadata"]["workspace"]["value"],
        "acme-labs"
    );
    let shown = world
        .api
        .get(&format!("{one}?includeCreds=true"))
        .await
        .json(200);
    assert_eq!(
        shown["apiKey"],
        options.access_token.as_str(),
        "the mask did not name it"
    );

    let metadata = json!({ "workspace": { "value": "acme", "source": "input" } });
    let changed = patch(
        json!(["providerMetadata"]),
        json!({ "providerMetadata": metadata }),
    )
    .await
    .json(200);
    assert_eq!(changed["providerWorkspaceRef"], "acme");

    patch(json!(["apiKey"]), json!({ "apiKey": "wrong" }))
        .await
        .problem(400);
    let basic = json!({ "username": options.email, "password": options.api_token });
    let problem = patch(json!(["basicAuth"]), json!({ "basicAuth": basic }))
        .await
        .problem(400);
    assert!(
        problem["detail"].as_str().unwrap().contains("apiKey"),
        "{problem}"
    );
    patch(json!(["groupRef"]), json!({ "groupRef": "x" }))
        .await
        .problem(400);
    patch(
        json!(["providerMetadata"]),
        json!({ "providerMetadata": {} }),
    )
    .await
    .problem(400);
    let again = patch(json!(["apiKey"]), json!({ "apiKey": options.access_token })).await;
    again.json(200);
}

async fn a_connection_in_use_is_not_deleted(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installation = world.install(crate::world::steps::both()).await;
    let id = installation["connection"]["id"].as_str().unwrap();
    let one = path(&format!("/connections/{id}"));
    let delete = async || {
        world
            .api
            .send(http::Method::DELETE, &one, Vec::new(), &[])
            .await
    };
    let problem = delete().await.problem(409);
    let named = installation["id"].as_str().unwrap();
    assert!(
        problem["detail"].as_str().unwrap().contains(named),
        "{problem}"
    );
    world.api.get(&one).await.json(200);

    let body = by_hand(
        "unused",
        ("apiKey", json!(world.provider.options.access_token)),
    );
    let unused = world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
    let one = path(&format!("/connections/{}", unused["id"].as_str().unwrap()));
    let gone = world
        .api
        .send(http::Method::DELETE, &one, Vec::new(), &[])
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    world.api.get(&one).await.problem(404);
    world
        .api
        .send(http::Method::DELETE, &one, Vec::new(), &[])
        .await
        .problem(404);
}

async fn a_customer_consents_anew(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    let connection = world.connect(GROUP).await;
    let id = connection["id"].as_str().unwrap();
    world.provider.end_tokens(true, true).await;
    let one = path(&format!("/connections/{id}"));
    world
        .api
        .get(&format!("{one}?refresh=force"))
        .await
        .problem(422);
    let asked = world
        .api
        .send(
            http::Method::PATCH,
            &format!("{one}:oauth-update"),
            Vec::new(),
            &[],
        )
        .await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert!(asked.header("content-type").starts_with("text/plain"));
    let page = world.consent(&asked.text(), "approve").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let renewed = world.api.get(&one).await.json(200);
    assert_eq!(renewed["status"], "working");
    assert_eq!(renewed["consumer"]["consumerName"], "Ada");

    let body = by_hand(
        "by-key",
        ("apiKey", json!(world.provider.options.access_token)),
    );
    let made = world
        .api
        .post(&path("/connections:generate"), &body)
        .await
        .json(201);
    let other = path(&format!(
        "/connections/{}:oauth-update",
        made["id"].as_str().unwrap()
    ));
    world
        .api
        .send(http::Method::PATCH, &other, Vec::new(), &[])
        .await
        .problem(400);
}
