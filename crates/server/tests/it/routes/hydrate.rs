//! `GET /projects/{p}/integrations/{i}/revisions/{r}:hydrate`.

use serde_json::{Value, json};
use testing::TestStore;

use super::jwt_keys::{self, PUBLIC};
use crate::world::steps::GROUP;
use crate::world::{Answer, World, path};

testing::both!(
    a_revision_is_hydrated,
    a_record_completes_the_table,
    what_cannot_be_looked_at_says_why,
    a_bad_credential_fails_the_whole,
    only_its_own_group_is_looked_at,
    what_is_not_there_is_not_found
);

const PROJECTS: &str = "/2.0/workspaces/acme/projects";

/// One object of every way to fail, and one that does not.
const FAILING: &str = "\
specVersion: 1.0.0
integrations:
  - name: failing
    provider: bitbucket
    read:
      objects:
        - {objectName: addon/linkers, destination: inbox, requiredFields: [{fieldName: key}]}
        - {objectName: hooks, destination: inbox, requiredFields: [{fieldName: url}]}
        - {objectName: members, destination: inbox, requiredFields: [{fieldName: user}]}
        - {objectName: snippets, destination: inbox, requiredFields: [{fieldName: id}]}
        - {objectName: projects, destination: inbox, requiredFields: [{fieldName: key}]}
    write:
      objects:
        - {objectName: pipelines-config/variables, valueDefaults: {allowAnyFields: true}}
        - {objectName: hooks}
";

/// Where the latest revision of an integration is hydrated.
fn place(integration: &Value, through: &Value) -> String {
    path(&format!(
        "/integrations/{}/revisions/{}:hydrate?connectionId={}",
        integration["id"].as_str().unwrap(),
        integration["latestRevision"]["id"].as_str().unwrap(),
        through["id"].as_str().unwrap()
    ))
}

/// Everything up to the connection; the integration and the connection.
async fn prepared(store: TestStore) -> (World, Value, Value) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let integrations = world.api.get(&path("/integrations")).await.json(200);
    (world, integrations[0].clone(), connection)
}

/// The read object of that name.
fn object<'a>(hydrated: &'a Value, name: &str) -> &'a Value {
    let objects = hydrated["content"]["read"]["objects"].as_array().unwrap();
    let mut found = objects.iter().filter(|object| object["objectName"] == name);
    found.next().unwrap()
}

async fn a_revision_is_hydrated(store: TestStore) {
    let (world, integration, connection) = prepared(store).await;
    let hydrated = world
        .api
        .get(&place(&integration, &connection))
        .await
        .json(200);
    let revision = &integration["latestRevision"];
    for key in ["id", "specVersion", "createTime"] {
        assert_eq!(hydrated[key], revision[key], "{key}");
    }
    let content = &hydrated["content"];
    for (key, expected) in [
        ("name", json!("bitbucket-sync")),
        ("displayName", json!("Bitbucket sync")),
        ("provider", json!("bitbucket")),
        ("proxy", json!({ "enabled": true })),
        ("write", Value::Null),
    ] {
        assert_eq!(content[key], expected, "{key}");
    }
    let repositories = object(&hydrated, "repositories");
    for (key, expected) in [
        ("displayName", json!("Repositories")),
        ("mapToName", json!("repos")),
        ("destination", json!("inbox")),
        ("schedule", json!("0 * * * *")),
        ("optionalFieldsAuto", json!("all")),
        (
            "backfill",
            json!({ "defaultPeriod": { "fullHistory": true } }),
        ),
        ("error", Value::Null),
        (
            "requiredFields",
            json!([
                { "fieldName": "uuid", "displayName": "UUID" },
                { "fieldName": "full_name", "displayName": "Full Name" },
                { "fieldName": "$['project']['key']", "displayName": "Project Key", "mapToName": "projectKey" },
            ]),
        ),
    ] {
        assert_eq!(repositories[key], expected, "{key}");
    }
    // The manifest's own, then whatever else there is, each once.
    let optional = repositories["optionalFields"].as_array().unwrap();
    let declared = json!([
        { "fieldName": "language", "displayName": "Language" },
        { "fieldName": "description", "displayName": "Description" },
        { "mapToName": "secrecy", "default": "is_private" },
        { "mapToName": "label", "prompt": "Which field is the label?" },
    ]);
    assert_eq!(json!(optional[..4]), declared);
    let names = |fields: &[Value]| -> Vec<String> {
        let names = fields
            .iter()
            .filter_map(|field| field["fieldName"].as_str());
        names.map(str::to_owned).collect()
    };
    let rest = names(&optional[4..]);
    for (name, offered) in [
        ("slug", true),
        // The default of a mapping can be read under its own name as well.
        ("is_private", true),
        ("project", true),
        ("uuid", false),
        ("language", false),
        ("$['project']['key']", false),
    ] {
        assert_eq!(rest.contains(&name.to_owned()), offered, "{name}: {rest:?}");
    }
    let metadata = repositories["allFieldsMetadata"].as_object().unwrap();
    let mut all = names(repositories["allFields"].as_array().unwrap());
    all.sort();
    assert_eq!(all, metadata.keys().cloned().collect::<Vec<_>>());
    for (name, field) in metadata {
        assert_eq!(field["fieldName"], *name);
        assert!(
            !field["displayName"].as_str().unwrap().is_empty(),
            "{field}"
        );
    }
    let expected = json!({
        "fieldName": "fork_policy", "displayName": "Fork Policy", "valueType": "singleSelect",
        "providerType": "string", "readOnly": false,
        "values": [
            { "value": "allow_forks", "displayValue": "Allow Forks" },
            { "value": "no_public_forks", "displayValue": "No Public Forks" },
            { "value": "no_forks", "displayValue": "No Forks" },
        ],
    });
    assert_eq!(metadata["fork_policy"], expected);
    assert_eq!(metadata["updated_on"]["valueType"], "datetime");
    assert_eq!(metadata["updated_on"]["readOnly"], true);

    // Without `optionalFieldsAuto` nothing is offered but what is declared.
    let projects = object(&hydrated, "projects");
    assert_eq!(projects["optionalFields"], json!([]));
    assert_eq!(projects["schedule"], "");
    // One record of each was looked at.
    for path in ["/2.0/repositories/acme", PROJECTS] {
        assert_eq!(world.provider.calls(path).await.len(), 1, "{path}");
    }
}

async fn a_record_completes_the_table(store: TestStore) {
    let (world, integration, connection) = prepared(store).await;
    let record = json!({
        "uuid": "{1}", "key": null, "sort_order": 3, "reviewedOn": "2026-01-02T03:04:05+00:00",
        "secret-level": null, "labels": ["a"],
    });
    respond(&world, PROJECTS, 200, &json!({ "values": [record] })).await;
    let hydrated = world
        .api
        .get(&place(&integration, &connection))
        .await
        .json(200);
    let fields = &object(&hydrated, "projects")["allFieldsMetadata"];
    for expected in [
        json!({ "fieldName": "sort_order", "displayName": "Sort Order", "valueType": "int" }),
        json!({ "fieldName": "reviewedOn", "displayName": "Reviewed On", "valueType": "datetime" }),
        json!({ "fieldName": "labels", "displayName": "Labels", "valueType": "other" }),
        // A null tells no type.
        json!({ "fieldName": "secret-level", "displayName": "Secret Level" }),
    ] {
        assert_eq!(fields[expected["fieldName"].as_str().unwrap()], expected);
    }
    // The table says more of what it knows than a record does.
    assert_eq!(fields["key"]["valueType"], "string");
    let count = fields.as_object().unwrap().len();

    // An empty collection has what the table has.
    respond(&world, PROJECTS, 200, &json!({ "values": [] })).await;
    let hydrated = world
        .api
        .get(&place(&integration, &connection))
        .await
        .json(200);
    let projects = object(&hydrated, "projects");
    assert_eq!(projects["error"], Value::Null);
    assert_eq!(
        projects["allFieldsMetadata"].as_object().unwrap().len(),
        count - 4
    );
}

async fn what_cannot_be_looked_at_says_why(store: TestStore) {
    let (world, _, connection) = prepared(store).await;
    let integration = world.deploy(FAILING).await;
    let scopes = json!({ "type": "error", "error": {
        "message": "Your credentials lack one or more required privilege scopes.",
        "detail": { "required": ["webhook"], "granted": ["account"] },
    }});
    respond(&world, "/2.0/workspaces/acme/hooks", 403, &scopes).await;
    let faults = [
        ("members", json!({ "kind": "html_error" })),
        (
            "snippets",
            json!({ "kind": "rate_limited", "retry_after": 1 }),
        ),
    ];
    for (place, action) in faults {
        let path = match place {
            "snippets" => "/2.0/snippets/acme".to_owned(),
            other => format!("/2.0/workspaces/acme/{other}"),
        };
        world.provider.fault(&path, 1, 1, action).await;
    }
    let hydrated = world
        .api
        .get(&place(&integration, &connection))
        .await
        .json(200);
    for (name, said, field) in [
        ("addon/linkers", "not offered by Bitbucket any more", "key"),
        ("hooks", "webhook", "url"),
        ("members", "5", "user"),
        ("snippets", "limit", "id"),
    ] {
        let object = object(&hydrated, name);
        let error = object["error"].as_str().unwrap_or_default();
        assert!(error.contains(said), "{name}: {object}");
        // What the table says is there all the same.
        assert_eq!(object["requiredFields"][0]["fieldName"], field);
        assert!(object["allFieldsMetadata"][field].is_object(), "{object}");
    }
    assert_eq!(object(&hydrated, "projects")["error"], Value::Null);
    let written = json!({ "objects": [
        {
            "objectName": "pipelines-config/variables", "displayName": "Pipeline Variables",
            "valueDefaults": { "allowAnyFields": true },
        },
        { "objectName": "hooks", "displayName": "Webhooks" },
    ]});
    assert_eq!(hydrated["content"]["write"], written);
    // What is gone is not asked for.
    assert!(world.provider.calls("/2.0/addon").await.is_empty());
}

async fn a_bad_credential_fails_the_whole(store: TestStore) {
    let (world, integration, connection) = prepared(store).await;
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    world.provider.end_tokens(true, true).await;
    let problem = world
        .api
        .get(&place(&integration, &connection))
        .await
        .problem(422);
    let remedy = problem["remedy"].as_str().unwrap();
    assert!(remedy.contains("connect the account again"), "{problem}");
}

async fn only_its_own_group_is_looked_at(store: TestStore) {
    let (world, integration, connection) = prepared(store).await;
    let other = world.connect("customer-2").await;
    let kid = jwt_keys::register(&world, PUBLIC).await;
    let token = jwt_keys::token(&world, &kid, GROUP);
    let get = async |path: String| jwt_keys::get(&world, &token, &path).await;
    get(place(&integration, &connection)).await.json(200);
    // A connection of another group looks like one that is not there.
    let mut nobodys = other.clone();
    nobodys["id"] = json!("0198c0de-1111-7222-8333-444455556666");
    let told = |answer: Answer, id: &Value| {
        let problem = answer.problem(404);
        let detail = problem["detail"].as_str().unwrap().to_owned();
        detail.replace(id.as_str().unwrap(), "ID")
    };
    let others = told(get(place(&integration, &other)).await, &other["id"]);
    let none = told(get(place(&integration, &nobodys)).await, &nobodys["id"]);
    assert_eq!(others, none);

    let key = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let browser = world.api.with_key(&key);
    for connection in [&connection, &other] {
        browser
            .get(&place(&integration, connection))
            .await
            .json(200);
    }
    let nobody = world.api.without_key();
    nobody.get(&place(&integration, &other)).await.problem(401);
}

async fn what_is_not_there_is_not_found(store: TestStore) {
    let (world, integration, connection) = prepared(store).await;
    let second = world.deploy(FAILING).await;
    let good = place(&integration, &connection);
    let named = good.replace(integration["id"].as_str().unwrap(), "bitbucket-sync");
    let hydrated = world.api.get(&named).await.json(200);
    assert_eq!(hydrated, world.api.get(&good).await.json(200));
    let revision = integration["latestRevision"]["id"].as_str().unwrap();
    for wrong in [
        good.replace(revision, "none"),
        // A revision of another integration.
        good.replace(revision, second["latestRevision"]["id"].as_str().unwrap()),
        good.replace(":hydrate", ""),
        good.replace(":hydrate", ":dehydrate"),
        good.replace(integration["id"].as_str().unwrap(), "none"),
        good.replace(connection["id"].as_str().unwrap(), "none"),
    ] {
        world.api.get(&wrong).await.problem(404);
    }
    let (without, _) = good.split_once('?').unwrap();
    world.api.get(without).await.problem(400);
}

/// Answers the next request for a path.
pub(super) async fn respond(world: &World, path: &str, status: u16, body: &Value) {
    let action = json!({
        "kind": "respond", "status": status, "content_type": "application/json",
        "body": body.to_string(),
    });
    world.provider.fault(path, 1, 1, action).await;
}
