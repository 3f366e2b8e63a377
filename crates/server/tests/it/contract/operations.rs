//! Every operation of the contract, called for real: once so that it succeeds and
//! once so that it is refused. What is held is what a generated client validates:
//! the exact status, the content type, required properties, types, enums, times.
//! An operation that is never called fails the test, unless `pending` has it.

use serde_json::{Value, json};
use testing::TestStore;

use super::walk::{Contract, Walk};
use crate::world::steps::{GROUP, both, everything, install_body};
use crate::world::{MANIFEST, World};

testing::both!(every_operation_answers_as_the_contract_says);

const P: &str = "/v1/projects/{projectIdOrName}";
const PEM: &str = include_str!("../../../../engine/tests/keys/public-2048.pem");

async fn every_operation_answers_as_the_contract_says(store: TestStore) {
    let Some(contract) = Contract::open() else {
        return;
    };
    let world = World::start(store).await;
    let mut walk = Walk::new(&world, contract).await;
    projects(&mut walk).await;
    providers(&mut walk).await;
    destinations(&mut walk).await;
    integrations(&mut walk).await;
    connections(&mut walk).await;
    installations(&mut walk).await;
    reads(&mut walk).await;
    writes(&mut walk).await;
    keys(&mut walk).await;
    notifications(&mut walk).await;
    metadata(&mut walk).await;
    people(&mut walk).await;
    not_offered(&mut walk).await;
    endings(&mut walk).await;
    walk.everything_was_called();
}

async fn projects(walk: &mut Walk<'_>) {
    walk.does("GET /v1/projects", "", Value::Null, 200).await;
    walk.without_key("GET /v1/projects", 401).await;
    let new = json!({ "name": "another", "appName": "Another", "orgId": "" });
    walk.refuses("POST /v1/projects", "", new, 403).await;
    let one = format!("GET {P}");
    walk.does(&one, "?includeEntitlements=true", Value::Null, 200)
        .await;
    walk.is_unknown(&one, Value::Null).await;
    let one = format!("PATCH {P}");
    let change = json!({ "updateMask": ["appName"], "project": { "appName": "Acme" } });
    walk.does(&one, "", change, 200).await;
    let change = json!({ "updateMask": ["orgId"], "project": {} });
    walk.refuses(&one, "", change, 400).await;
}

async fn providers(walk: &mut Walk<'_>) {
    walk.does("GET /v1/providers", "", Value::Null, 200).await;
    walk.does("GET /v1/providers/{provider}", "", Value::Null, 200)
        .await;
    walk.is_unknown("GET /v1/providers/{provider}", Value::Null)
        .await;

    let all = format!("{P}/provider-apps");
    let options = &walk.world.provider.options;
    let (id, secret) = (&options.client_id, &options.client_secret);
    let new = json!({
        "provider": "bitbucket", "clientId": id, "clientSecret": secret,
        "externalRef": "consumer-1", "scopes": ["repository"],
    });
    let app = walk.does(&format!("POST {all}"), "", new, 200).await;
    walk.know("providerAppId", &app["id"]);
    walk.refuses(&format!("POST {all}"), "", json!({}), 400)
        .await;
    walk.does(&format!("GET {all}"), "", Value::Null, 200).await;
    walk.with_frontend_key(&format!("GET {all}"), 403).await;
    let one = format!("PATCH {all}/{{providerAppId}}");
    let change = json!({ "updateMask": ["scopes"], "providerApp": { "scopes": ["repository", "project", "project:admin"] } });
    walk.does(&one, "", change, 200).await;
    let change = json!({ "updateMask": ["provider"], "providerApp": { "provider": "x" } });
    walk.refuses(&one, "", change, 400).await;
}

async fn destinations(walk: &mut Walk<'_>) {
    let all = format!("{P}/destinations");
    let url = walk.world.receiver.url("/inbox");
    let new = json!({ "name": "inbox", "type": "webhook", "metadata": { "url": url } });
    let made = walk.does(&format!("POST {all}"), "", new, 201).await;
    walk.know("destination", &made["id"]);
    let new = json!({ "name": "stream", "type": "kinesis", "metadata": {} });
    walk.refuses(&format!("POST {all}"), "", new, 422).await;
    walk.does(&format!("GET {all}"), "", Value::Null, 200).await;
    walk.with_frontend_key(&format!("GET {all}"), 403).await;
    let one = format!("{all}/{{destination}}");
    walk.does(
        &format!("GET {one}"),
        "?includeSecrets=true",
        Value::Null,
        200,
    )
    .await;
    walk.does(&format!("GET {one}"), "?rotate=true", Value::Null, 200)
        .await;
    walk.is_unknown(&format!("GET {one}"), Value::Null).await;
    let change = json!({
        "updateMask": ["metadata.headers"],
        "destination": { "metadata": { "headers": { "X-App": "acme" } } },
    });
    walk.does(&format!("PATCH {one}"), "", change, 200).await;
    let change = json!({ "updateMask": ["id"], "destination": {} });
    walk.refuses(&format!("PATCH {one}"), "", change, 422).await;
}

async fn integrations(walk: &mut Walk<'_>) {
    let upload = "GET /v1/generate-upload-url";
    walk.does(upload, "", Value::Null, 200).await;
    walk.refuses(upload, "?md5=no", Value::Null, 422).await;
    let batch = format!("PUT {P}/integrations:batch");
    let deployed = walk
        .does(
            &batch,
            "?destructive=false",
            json!({ "sourceYaml": MANIFEST }),
            200,
        )
        .await;
    walk.know("integrationId", &deployed[0]["id"]);
    walk.know("integrationIdOrName", &deployed[0]["name"]);
    walk.refuses(&batch, "", json!({ "sourceYaml": "specVersion: 9" }), 422)
        .await;
    let all = format!("GET {P}/integrations");
    walk.does(&all, "", Value::Null, 200).await;
    walk.is_unknown(&all, Value::Null).await;
    let one = format!("{all}/{{integrationIdOrName}}");
    walk.does(&one, "", Value::Null, 200).await;
    walk.is_unknown(&one, Value::Null).await;
}

async fn connections(walk: &mut Walk<'_>) {
    let connect = walk.world.connect_body(GROUP);
    let url = walk
        .answer("POST /v1/oauth-connect", "", connect, 200)
        .await
        .text();
    walk.world.consent(&url, "approve").await;
    walk.refuses(
        "POST /v1/oauth-connect",
        "",
        json!({ "provider": "bitbucket" }),
        400,
    )
    .await;

    let all = format!("{P}/connections");
    let found = walk
        .does(
            &format!("GET {all}"),
            &format!("?groupRef={GROUP}"),
            Value::Null,
            200,
        )
        .await;
    walk.know("connectionId", &found[0]["id"]);
    walk.is_unknown(&format!("GET {all}"), Value::Null).await;
    let one = format!("{all}/{{connectionId}}");
    for query in [
        "",
        "?includeCreds=true&includeRefreshToken=true&refresh=force",
    ] {
        walk.does(&format!("GET {one}"), query, Value::Null, 200)
            .await;
    }
    walk.is_unknown(&format!("GET {one}"), Value::Null).await;
    let change = json!({
        "updateMask": ["providerMetadata"],
        "connection": { "providerMetadata": { "workspace": { "value": "acme", "source": "input" } } },
    });
    walk.does(&format!("PATCH {one}"), "", change, 200).await;
    let change = json!({ "updateMask": ["status"], "connection": {} });
    walk.refuses(&format!("PATCH {one}"), "", change, 400).await;
    let again = format!("PATCH {one}:oauth-update");
    let url = walk.answer(&again, "", Value::Null, 200).await.text();
    assert!(url.starts_with("http"), "{url}");
    walk.is_unknown(&again, Value::Null).await;

    let generate = format!("POST {P}/connections:generate");
    let mut by_hand = json!({
        "provider": "bitbucket", "groupRef": "by-hand", "consumerRef": "ada",
        "providerMetadata": { "workspace": { "value": "acme", "source": "input" } },
        "apiKey": walk.world.provider.options.access_token,
    });
    let made = walk.does(&generate, "", by_hand.clone(), 201).await;
    walk.know("spare", &made["id"]);
    by_hand["apiKey"] = json!("wrong");
    walk.refuses(&generate, "", by_hand, 400).await;
}

async fn installations(walk: &mut Walk<'_>) {
    let all = format!("{P}/integrations/{{integrationId}}/installations");
    let made = walk
        .does(
            &format!("POST {all}"),
            "?skipSampling=false",
            install_body(GROUP, both()),
            201,
        )
        .await;
    walk.know("installationId", &made["id"]);
    let nobody = install_body("nobody", both());
    walk.refuses(&format!("POST {all}"), "", nobody, 422).await;
    walk.does(
        &format!("GET {all}"),
        &format!("?groupRef={GROUP}"),
        Value::Null,
        200,
    )
    .await;
    walk.is_unknown(&format!("GET {all}"), Value::Null).await;
    walk.does(&format!("GET {P}/installations"), "", Value::Null, 200)
        .await;
    walk.is_unknown(&format!("GET {P}/installations"), Value::Null)
        .await;

    let one = format!("{all}/{{installationId}}");
    walk.does(&format!("GET {one}"), "", Value::Null, 200).await;
    walk.is_unknown(&format!("GET {one}"), Value::Null).await;
    let change = json!({
        "updateMask": ["config.content.read.objects.projects"],
        "installation": { "config": { "content": { "read": { "objects": { "projects": everything("projects") } } } } },
    });
    walk.does(&format!("PATCH {one}"), "", change, 200).await;
    let change = json!({ "updateMask": ["id"], "installation": {} });
    walk.refuses(&format!("PATCH {one}"), "", change, 400).await;

    let config =
        format!("PATCH {P}/integrations/{{integrationId}}/objects/{{objectName}}/config-content");
    let steps = json!([{ "op": "add", "path": "/selectedFields/language", "value": true }]);
    let change = json!({ "installationId": made["id"], "action": "read", "changes": steps });
    walk.does(&config, "", change, 200).await;
    let change = json!({ "action": "read", "changes": [] });
    walk.refuses(&config, "", change, 400).await;
}

async fn writes(walk: &mut Walk<'_>) {
    let write = "    write:\n      objects:\n        - objectName: projects\n    proxy:";
    let manifest = MANIFEST.replacen("    proxy:", write, 1);
    walk.world.deploy(&manifest).await;
    let before = walk.known.clone();
    walk.know("objectName", &json!("projects"));
    let operation = "POST /write/v1/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}";
    let record = json!({ "key": "WRITTEN", "name": "Written" });
    let one = json!({ "groupRef": GROUP, "type": "create", "record": record });
    walk.does(operation, "", one.clone(), 200).await;
    let entry = json!({ "record": { "id": "WRITTEN", "name": "Anew" } });
    let several = json!({ "groupRef": GROUP, "type": "update", "batch": [entry] });
    walk.does(operation, "", several, 200).await;
    let mut later = one.clone();
    later["mode"] = json!("asynchronous");
    walk.does(operation, "", later, 200).await;
    // What the provider refuses is no problem, but the contract's own shape.
    walk.answers(operation, one, 422).await;
    let entry = json!({ "record": { "id": "GONE", "name": "Anew" } });
    let several = json!({ "groupRef": GROUP, "type": "update", "batch": [entry] });
    walk.answers(operation, several, 422).await;
    let nobody = json!({ "groupRef": "nobody", "type": "create", "record": {} });
    walk.refuses(operation, "", nobody, 400).await;
    walk.known = before;
}

async fn reads(walk: &mut Walk<'_>) {
    let installation = json!({ "id": walk.known["installationId"] });
    let operations = walk.world.ended(&installation).await;
    walk.know("operationId", &operations["repositories"]["id"]);
    let one = format!("{P}/integrations/{{integrationId}}/installations/{{installationId}}");
    let all = format!("GET {one}/operations");
    walk.does(&all, "?pageSize=1", Value::Null, 200).await;
    walk.refuses(&all, "?pageSize=0", Value::Null, 400).await;
    let progress = format!("GET {one}/objects/{{objectName}}/backfill-progress");
    walk.does(&progress, "", Value::Null, 200).await;
    walk.is_unknown(&progress, Value::Null).await;
    for rest in ["", "/logs"] {
        let operation = format!("GET {P}/operations/{{operationId}}{rest}");
        walk.does(&operation, "", Value::Null, 200).await;
        walk.is_unknown(&operation, Value::Null).await;
    }

    let read = "POST /read/v1/projects/{projectIdOrName}/integrations/{integrationId}";
    let object = format!("{read}/objects/{{objectName}}");
    let body = json!({ "groupRef": GROUP, "mode": "async" });
    walk.does(&object, "", body, 201).await;
    walk.refuses(
        &object,
        "",
        json!({ "groupRef": "nobody", "mode": "async" }),
        400,
    )
    .await;
    let results = format!("{object}:deliverResults");
    walk.does(&results, "", json!({ "groupRef": GROUP, "pages": 1 }), 204)
        .await;
    walk.refuses(&results, "", json!({ "groupRef": GROUP }), 400)
        .await;
    for call in ["pause", "unpause"] {
        let call = format!("{read}/installations/{{installationId}}:{call}");
        walk.does(&call, "", Value::Null, 204).await;
        walk.refuses(&call, "", json!({ "objects": "all" }), 400)
            .await;
    }
}

async fn keys(walk: &mut Walk<'_>) {
    let all = format!("{P}/api-keys");
    let made = walk
        .does(
            &format!("POST {all}"),
            "",
            json!({ "label": "web", "scopes": ["frontend"] }),
            201,
        )
        .await;
    walk.know("apiKey", &made["key"]);
    walk.refuses(&format!("POST {all}"), "", json!({ "scopes": [] }), 400)
        .await;
    walk.does(&format!("GET {all}"), "?active=true", Value::Null, 200)
        .await;
    walk.is_unknown(&format!("GET {all}"), Value::Null).await;
    let one = format!("{all}/{{apiKey}}");
    walk.does(&format!("GET {one}"), "", Value::Null, 200).await;
    walk.is_unknown(&format!("GET {one}"), Value::Null).await;
    let change = json!({ "updateMask": ["label"], "apiKey": { "label": "browser" } });
    walk.does(&format!("PATCH {one}"), "", change, 200).await;
    let change = json!({ "updateMask": ["key"], "apiKey": {} });
    walk.refuses(&format!("PATCH {one}"), "", change, 400).await;
    walk.does(&format!("DELETE {one}"), "", Value::Null, 204)
        .await;
    walk.is_unknown(&format!("DELETE {one}"), Value::Null).await;

    let all = format!("{P}/jwt-keys");
    let new = json!({ "label": "web", "algorithm": "RS256", "publicKeyPem": PEM });
    let made = walk
        .does(&format!("POST {all}"), "", new.clone(), 201)
        .await;
    walk.know("keyId", &made["kid"]);
    walk.refuses(&format!("POST {all}"), "", json!({ "label": "web" }), 400)
        .await;
    walk.does(&format!("GET {all}"), "?active=true", Value::Null, 200)
        .await;
    walk.refuses(&format!("GET {all}"), "?active=perhaps", Value::Null, 400)
        .await;
    let one = format!("{all}/{{keyId}}");
    walk.does(&format!("GET {one}"), "", Value::Null, 200).await;
    walk.is_unknown(&format!("GET {one}"), Value::Null).await;
    let change = json!({ "updateMask": ["active"], "jwtKey": { "active": false } });
    walk.does(&format!("PATCH {one}"), "", change, 200).await;
    let change = json!({ "updateMask": ["label"], "jwtKey": {} });
    walk.refuses(&format!("PATCH {one}"), "", change, 422).await;
    walk.does(&format!("DELETE {one}"), "", Value::Null, 204)
        .await;
    walk.is_unknown(&format!("DELETE {one}"), Value::Null).await;
}

async fn notifications(walk: &mut Walk<'_>) {
    let topics = format!("{P}/topics");
    let made = walk
        .does(
            &format!("POST {topics}"),
            "",
            json!({ "name": "alerts" }),
            201,
        )
        .await;
    walk.know("topicId", &made["id"]);
    walk.refuses(
        &format!("POST {topics}"),
        "",
        json!({ "name": "alerts" }),
        409,
    )
    .await;
    walk.does(&format!("GET {topics}"), "", Value::Null, 200)
        .await;
    walk.is_unknown(&format!("GET {topics}"), Value::Null).await;
    let one = format!("{topics}/{{topicId}}");
    walk.does(
        &format!("PATCH {one}"),
        "",
        json!({ "name": "alarms" }),
        200,
    )
    .await;
    walk.is_unknown(&format!("PATCH {one}"), json!({ "name": "x" }))
        .await;

    let topic = made["id"].clone();
    let destination = walk.known["destination"].clone();
    for (routes, new) in [
        (
            "notification-event-topic-routes",
            json!({ "eventType": "connection.error", "topicId": topic }),
        ),
        (
            "topic-destination-routes",
            json!({ "topicId": topic, "destinationId": destination }),
        ),
    ] {
        let routes = format!("{P}/{routes}");
        let made = walk.does(&format!("POST {routes}"), "", new, 201).await;
        walk.know("routeId", &made["id"]);
        walk.refuses(&format!("POST {routes}"), "", json!({}), 400)
            .await;
        let id = topic.as_str().unwrap();
        walk.does(
            &format!("GET {routes}"),
            &format!("?topicId={id}"),
            Value::Null,
            200,
        )
        .await;
        walk.is_unknown(&format!("GET {routes}"), Value::Null).await;
        let one = format!("DELETE {routes}/{{routeId}}");
        walk.does(&one, "", Value::Null, 204).await;
        walk.is_unknown(&one, Value::Null).await;
    }
    walk.does(&format!("DELETE {one}"), "", Value::Null, 204)
        .await;
    walk.is_unknown(&format!("DELETE {one}"), Value::Null).await;
}

/// What can be chosen and found in an account.
async fn metadata(walk: &mut Walk<'_>) {
    let integration = format!("{P}/integrations/{{integrationId}}");
    let objects = format!("GET {integration}/objects/{{objectName}}/metadata");
    let of_connection = format!("GET {P}/providers/{{provider}}/objects/{{objectName}}/metadata");
    for operation in [&objects, &of_connection] {
        let query = format!("?groupRef={GROUP}&excludeReadOnly=true");
        walk.does(operation, &query, Value::Null, 200).await;
        walk.refuses(operation, "", Value::Null, 400).await;
    }
    let listed = walk
        .does(&format!("GET {P}/integrations"), "", Value::Null, 200)
        .await;
    walk.know("revisionId", &listed[0]["latestRevision"]["id"]);
    let hydrate = format!("GET {integration}/revisions/{{revisionId}}:hydrate");
    let query = format!("?connectionId={}", walk.known["connectionId"]);
    walk.does(&hydrate, &query, Value::Null, 200).await;
    walk.refuses(&hydrate, "", Value::Null, 400).await;

    let search = "POST /search/v1/projects/{projectIdOrName}/integrations/{integrationId}";
    let filters = json!([{ "fieldName": "language", "operator": "eq", "value": "rust" }]);
    let body = json!({ "objectName": "repositories", "fieldFilters": filters });
    let query = format!("?groupRef={GROUP}");
    walk.does(search, &query, body, 200).await;
    walk.refuses(search, &query, json!({ "objectName": "projects" }), 400)
        .await;

    let revisions = format!("POST {integration}/revisions");
    walk.does(&revisions, "", json!({ "sourceYaml": MANIFEST }), 201)
        .await;
    walk.refuses(&revisions, "", json!({ "sourceYaml": "x" }), 422)
        .await;
    let new = json!({
        "name": "spare", "provider": "bitbucket",
        "latestRevision": {
            "specVersion": "1.0.0",
            "content": { "name": "spare", "provider": "bitbucket", "proxy": { "enabled": true } },
        },
    });
    let all = format!("POST {P}/integrations");
    walk.does(&all, "", new, 201).await;
    walk.refuses(&all, "", json!({ "name": "spare" }), 400)
        .await;
    let spare = walk.known["integrationIdOrName"].clone();
    walk.know("integrationIdOrName", &json!("spare"));
    let one = format!("DELETE {P}/integrations/{{integrationIdOrName}}");
    walk.does(&one, "", Value::Null, 204).await;
    walk.is_unknown(&one, Value::Null).await;
    walk.know("integrationIdOrName", &json!(spare));
}

/// What takes a builder.
async fn people(walk: &mut Walk<'_>) {
    let of_key = walk.api.clone();
    let (ada, org) = walk.world.owner().await;
    walk.api = ada;
    walk.know("orgId", &json!(org));
    let new = json!({ "name": "second", "appName": "Second", "orgId": org });
    walk.does("POST /v1/projects", "", new, 201).await;
    walk.does("GET /v1/my-info", "", Value::Null, 200).await;
    walk.without_key("GET /v1/my-info", 401).await;
    let one = "/v1/orgs/{orgId}";
    for rest in ["", "/builders", "/invites"] {
        let operation = format!("GET {one}{rest}");
        walk.does(&operation, "", Value::Null, 200).await;
        walk.is_unknown(&operation, Value::Null).await;
    }
    let rename = json!({ "updateMask": ["label"], "org": { "label": "Acme" } });
    walk.does(&format!("PATCH {one}"), "", rename, 200).await;
    let wrong = json!({ "updateMask": ["id"], "org": {} });
    walk.refuses(&format!("PATCH {one}"), "", wrong, 400).await;
    let second = walk
        .does("POST /v1/orgs", "", json!({ "label": "Second" }), 201)
        .await;
    walk.refuses("POST /v1/orgs", "", json!({}), 400).await;
    walk.know("orgId", &second["id"]);

    let invites = format!("POST {one}/invites");
    let made = walk
        .does(&invites, "", json!({ "email": "bob@example.com" }), 201)
        .await;
    walk.refuses(&invites, "", json!({}), 400).await;
    walk.know("inviteId", &made["id"]);
    let invite = format!("GET {one}/invites/{{inviteId}}");
    walk.does(&invite, "", Value::Null, 200).await;
    walk.is_unknown(&invite, Value::Null).await;
    let made = walk
        .does(&invites, "", json!({ "email": "eve@example.com" }), 201)
        .await;
    walk.know("inviteId", &made["id"]);
    let invite = format!("DELETE {one}/invites/{{inviteId}}");
    walk.does(&invite, "", Value::Null, 204).await;
    walk.is_unknown(&invite, Value::Null).await;

    let members = format!("POST {one}/memberships");
    let grace = walk
        .world
        .add_builder("grace@example.com", store::Role::Member)
        .await;
    walk.does(&members, "", json!({ "builderId": grace }), 201)
        .await;
    walk.refuses(&members, "", json!({ "builderId": "x" }), 404)
        .await;
    walk.world
        .add_builder("bob@example.com", store::Role::Member)
        .await;
    walk.api = walk.world.sign_in("bob@example.com").await;
    let accept = "POST /v1/invites:accept";
    let body = json!({ "invitedEmail": "bob@example.com" });
    walk.does(accept, "", body.clone(), 200).await;
    walk.refuses(accept, "", body, 400).await;
    walk.api = of_key;
}

/// What a server of one's own explains.
async fn not_offered(walk: &mut Walk<'_>) {
    walk.know("billingAccountId", &json!("none"));
    for (operation, status) in [
        ("POST /v1/custom-auth/connect", 400),
        ("GET /v1/orgs/{orgId}/billingAccount", 404),
        (
            "POST /v1/billingAccounts/{billingAccountId}/portalSession",
            404,
        ),
        ("GET /v1/claimed-domains", 404),
        ("POST /v1/claimed-domains", 400),
        ("GET /v1/orgs/{orgId}/claimed-domains", 404),
        (
            "PUT /v1/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata",
            400,
        ),
        (
            "PUT /v1/projects/{projectIdOrName}/providers/{provider}/object-metadata",
            400,
        ),
    ] {
        walk.refuses(operation, "", Value::Null, status).await;
    }
}

/// What ends what the others needed.
async fn endings(walk: &mut Walk<'_>) {
    let connection = format!("DELETE {P}/connections/{{connectionId}}");
    walk.refuses(&connection, "", Value::Null, 409).await;
    let spare = walk.known["spare"].clone();
    walk.know("connectionId", &json!(spare));
    walk.does(&connection, "", Value::Null, 204).await;
    let installation =
        format!("DELETE {P}/integrations/{{integrationId}}/installations/{{installationId}}");
    walk.does(&installation, "", Value::Null, 204).await;
    walk.is_unknown(&installation, Value::Null).await;
    // The manifest names the first one.
    let destination = format!("DELETE {P}/destinations/{{destination}}");
    walk.refuses(&destination, "", Value::Null, 409).await;
    let url = walk.world.receiver.url("/spare");
    let new = json!({ "name": "spare", "type": "webhook", "metadata": { "url": url } });
    let all = format!("POST {P}/destinations");
    let made = walk.does(&all, "", new, 201).await;
    walk.know("destination", &made["id"]);
    walk.does(&destination, "", Value::Null, 204).await;
    let app = format!("DELETE {P}/provider-apps/{{providerAppId}}");
    walk.is_unknown(&app, Value::Null).await;
    let new = json!({ "provider": "bitbucket", "clientId": "spare", "clientSecret": "s" });
    let made = walk
        .does(&format!("POST {P}/provider-apps"), "", new, 200)
        .await;
    walk.know("providerAppId", &made["id"]);
    walk.does(&app, "", Value::Null, 204).await;
}
