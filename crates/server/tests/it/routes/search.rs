//! `POST /search/v1/projects/{p}/integrations/{i}`.

use serde_json::{Value, json};
use testing::TestStore;

use super::jwt_keys::{self, PUBLIC};
use crate::contract::schema::Document;
use crate::world::provider::small;
use crate::world::steps::{GROUP, install_body};
use crate::world::{Plan, World, path};

testing::both!(
    records_are_found_as_they_are_read,
    a_token_goes_on_where_a_page_ends,
    what_a_customer_leaves_out_is_left_out,
    what_cannot_be_searched_is_refused,
    a_search_is_an_interactive_call_of_the_budget,
    browsers_may_not_search
);

/// The published answer of a search.
const TEMPLATE: &str = "/projects/{projectIdOrName}/integrations/{integrationId}";

fn eq(field: &str, value: impl Into<Value>) -> Value {
    json!({ "fieldName": field, "operator": "eq", "value": value.into() })
}

fn place(integration: &str) -> String {
    format!(
        "/search{}?groupRef={GROUP}",
        path(&format!("/integrations/{integration}"))
    )
}

fn body(object: &str, filters: Value) -> Value {
    json!({ "objectName": object, "fieldFilters": filters })
}

/// An installation of `repositories` and `projects`; the repositories that there are.
async fn installed(store: TestStore) -> (World, Vec<Value>) {
    let world = World::idle(store).await;
    world.prepare().await;
    let repositories = json!({
        "objectName": "repositories",
        "selectedFields": { "language": true },
        "selectedFieldMappings": { "secrecy": "is_private", "label": "language" },
        "selectedValueMappings": { "is_private": { "hidden": "true", "open": "false" } },
    });
    let projects = json!({ "objectName": "projects", "disabled": true });
    let objects = json!({ "repositories": repositories, "projects": projects });
    world.install(objects).await;
    let mut records = Vec::new();
    for page in 1..=3 {
        let url = format!(
            "{}/2.0/repositories/acme?pagelen=100&page={page}",
            world.provider.url()
        );
        let answer: Value = serde_json::from_str(&world.provider.page(&url).await).unwrap();
        records.extend(answer["values"].as_array().unwrap().clone());
    }
    (world, records)
}

/// The raw records of an answer's entries by their uuid.
fn uuids(result: &Value) -> Vec<String> {
    let entries = result["result"].as_array().unwrap().iter();
    let mut uuids: Vec<String> = entries
        .map(|entry| entry["raw"]["uuid"].as_str().unwrap().to_owned())
        .collect();
    uuids.sort();
    uuids
}

fn matching(records: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let found = records.iter().filter(|record| wanted(record));
    let mut uuids: Vec<String> = found
        .map(|record| record["uuid"].as_str().unwrap().to_owned())
        .collect();
    uuids.sort();
    uuids
}

async fn records_are_found_as_they_are_read(store: TestStore) {
    let (world, records) = installed(store).await;
    let one = records[17].clone();
    let integration = world.api.get(&path("/integrations/bitbucket-sync")).await;
    let id = integration.json(200)["id"].as_str().unwrap().to_owned();
    for (integration, object) in [
        ("bitbucket-sync", "repos"),
        ("bitbucket-sync", "repositories"),
        (id.as_str(), "repos"),
    ] {
        let wanted = body(object, json!([eq("full_name", one["full_name"].clone())]));
        let found = world.api.post(&place(integration), &wanted).await;
        let found = found.json(200);
        let [entry] = found["result"].as_array().unwrap().as_slice() else {
            panic!("{found}")
        };
        assert_eq!(entry["raw"], one);
        assert_eq!(entry["fields"]["full_name"], one["full_name"]);
        assert_eq!(entry["fields"]["language"], one["language"]);
        assert!(entry["fields"].get("description").is_none());
        assert_eq!(entry["mappedFields"]["projectKey"], one["project"]["key"]);
        assert_eq!(found["pagination"], json!({ "done": true }));
    }
    // By the app's own names, with the app's own words, and by nested fields.
    let private = |wanted: bool| move |record: &Value| record["is_private"] == wanted;
    let key = one["project"]["key"].clone();
    let of_project = |record: &Value| record["project"]["key"] == key;
    let count = matching(&records, private(true)).len();
    assert!(count > 0 && count < records.len());
    for (filters, expected) in [
        (
            json!([eq("projectKey", key.clone())]),
            matching(&records, of_project),
        ),
        (
            json!([eq("project.key", key.clone())]),
            matching(&records, of_project),
        ),
        (
            json!([eq("$['project']['key']", key.clone())]),
            matching(&records, of_project),
        ),
        (
            json!([eq("projectKey", key.clone()), eq("secrecy", "hidden")]),
            matching(&records, |record| {
                of_project(record) && record["is_private"] == true
            }),
        ),
        (
            json!([eq("projectKey", key.clone()), eq("is_private", false)]),
            matching(&records, |record| {
                of_project(record) && record["is_private"] == false
            }),
        ),
        (json!([eq("name", "none of that name")]), vec![]),
    ] {
        let found = world
            .api
            .post(&place("bitbucket-sync"), &body("repos", filters.clone()))
            .await;
        assert_eq!(uuids(&found.json(200)), expected, "{filters}");
    }
    // Bitbucket has looked, and been asked for nothing more.
    let calls = world.provider.calls("/2.0/repositories/acme").await;
    let asked = calls.last().unwrap()["query"].as_str().unwrap().to_owned();
    assert!(
        asked.starts_with("q=name") && !asked.contains("sort"),
        "{asked}"
    );

    if let Some(contract) = Document::open("search.json") {
        let schema = contract.answer("post", TEMPLATE, 200);
        let wanted = body("repos", json!([eq("projectKey", key)]));
        let found = world
            .api
            .post(&place("bitbucket-sync"), &wanted)
            .await
            .json(200);
        assert_eq!(contract.problems(schema, &found), Vec::<String>::new());
    }
}

async fn a_token_goes_on_where_a_page_ends(store: TestStore) {
    let (world, records) = installed(store).await;
    let wanted = body("repos", json!([eq("scm", "git")]));
    let post = async |token: &str, wanted: &Value| {
        let place = format!("{}&pageToken={token}", place("bitbucket-sync"));
        world.api.post(&place, wanted).await
    };
    let mut found = Vec::new();
    let mut tokens = vec![String::new()];
    loop {
        let page = post(tokens.last().unwrap(), &wanted).await.json(200);
        found.extend(uuids(&page));
        match page["pagination"]["nextPageToken"].as_str() {
            Some(token) => tokens.push(token.to_owned()),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, matching(&records, |_| true));
    assert_eq!(tokens.len(), 3);
    // A token is of its search alone, and of this server's making.
    let token = &tokens[1];
    let other = body("repos", json!([eq("scm", "hg")]));
    post(token, &other).await.problem(400);
    let (position, signature) = token.split_once('.').unwrap();
    let (_, others) = tokens[2].split_once('.').unwrap();
    for forged in [
        format!("{position}.{others}"),
        format!("{}.{signature}", &position[..position.len() - 4]),
        position.to_owned(),
        "x".to_owned(),
    ] {
        post(&forged, &wanted).await.problem(400);
    }
}

async fn what_a_customer_leaves_out_is_left_out(store: TestStore) {
    let (world, records) = installed(store).await;
    world.connect("customer-2").await;
    let chosen = json!({
        "objectName": "repositories",
        "fieldFilters": [eq("is_private", false)],
    });
    let install = install_body("customer-2", json!({ "repositories": chosen }));
    let installations = crate::world::steps::installations();
    world.api.post(&installations, &install).await.json(201);
    let key = records
        .iter()
        .find(|record| record["is_private"] == true)
        .unwrap();
    let key = key["project"]["key"].clone();
    let place = place("bitbucket-sync").replace(GROUP, "customer-2");
    let wanted = body("repos", json!([eq("project.key", key.clone())]));
    let found = world.api.post(&place, &wanted).await.json(200);
    let expected = matching(&records, |record| {
        record["project"]["key"] == key && record["is_private"] == false
    });
    assert_eq!(uuids(&found), expected);
}

async fn what_cannot_be_searched_is_refused(store: TestStore) {
    let (world, _) = installed(store).await;
    let before = world.provider.calls("/2.0").await.len();
    let name = json!([eq("name", "x")]);
    for (object, filters, said) in [
        // Switched off, not in the manifest, not there at all.
        ("projects", name.clone(), "not enabled"),
        ("hooks", name.clone(), "reads no object"),
        ("nonsense", name, "reads no object"),
        ("repos", json!([]), "at least one condition"),
        ("repos", json!([eq("website", "x")]), "cannot search by it"),
        ("repos", json!([eq("is_private", "x")]), "true or false"),
        ("repos", json!([eq("name", "a\"b")]), "double quote"),
        ("repos", json!([eq("name", json!([]))]), "neither text"),
        (
            "repos",
            json!([eq("name", "x"), eq("name", "y")]),
            "condition already",
        ),
        (
            "repos",
            json!([{ "fieldName": "name", "operator": "ne", "value": "x" }]),
            "operator `ne`",
        ),
    ] {
        let wanted = body(object, filters);
        let problem = world.api.post(&place("bitbucket-sync"), &wanted).await;
        let problem = problem.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{said}: {problem}");
    }
    let wanted = body("repos", json!([eq("name", "x")]));
    let nobody = place("bitbucket-sync").replace(GROUP, "nobody");
    world.api.post(&nobody, &wanted).await.problem(400);
    world.api.post(&place("none"), &wanted).await.problem(404);
    let (without, _) = nobody.split_once('?').unwrap();
    world.api.post(without, &wanted).await.problem(400);
    world
        .api
        .post(&place("bitbucket-sync"), &json!({}))
        .await
        .problem(400);
    // Nothing of it has gone out.
    assert_eq!(world.provider.calls("/2.0").await.len(), before);
    // What Bitbucket refuses is told, and not searched for without.
    let told = json!({ "type": "error", "error": { "message": "scm does not support filtering" } });
    super::hydrate::respond(&world, "/2.0/repositories/acme", 400, &told).await;
    let wanted = body("repos", json!([eq("scm", "git")]));
    let problem = world
        .api
        .post(&place("bitbucket-sync"), &wanted)
        .await
        .problem(400);
    assert!(
        problem["detail"].as_str().unwrap().contains("scm does not"),
        "{problem}"
    );
    // So is a provider that fails.
    world
        .provider
        .fault(
            "/2.0/repositories/acme",
            1,
            1,
            json!({ "kind": "html_error" }),
        )
        .await;
    world
        .api
        .post(&place("bitbucket-sync"), &wanted)
        .await
        .problem(502);
    let limited = json!({ "kind": "rate_limited", "retry_after": 7 });
    let repositories = "/2.0/repositories/acme";
    world.provider.fault(repositories, 1, 1, limited).await;
    let answer = world.api.post(&place("bitbucket-sync"), &wanted).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), "7");
}

async fn a_search_is_an_interactive_call_of_the_budget(store: TestStore) {
    let plan = Plan {
        sandbox: small(),
        works: false,
        budgets: vec![engine::BudgetOverride {
            group: "repositories",
            limit: 10,
            window_s: 3600,
        }],
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    world.prepare().await;
    let everything = json!({ "objectName": "repositories", "selectedFieldsAuto": "all" });
    world.install(json!({ "repositories": everything })).await;
    let wanted = body("repos", json!([eq("scm", "git")]));
    for _ in 0..3 {
        world
            .api
            .post(&place("bitbucket-sync"), &wanted)
            .await
            .json(200);
    }
    let budgets = world.api.get(&path("/request-budgets")).await.json(200);
    let lanes = &budgets[0]["lanes"];
    assert_eq!(lanes["interactive"]["used"], 3, "{budgets}");
}

async fn browsers_may_not_search(store: TestStore) {
    let (world, _) = installed(store).await;
    let wanted = body("repos", json!([eq("scm", "git")]));
    let key = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let browser = world.api.with_key(&key);
    browser
        .post(&place("bitbucket-sync"), &wanted)
        .await
        .problem(403);
    let kid = jwt_keys::register(&world, PUBLIC).await;
    let token = jwt_keys::token(&world, &kid, GROUP);
    let post = http::Method::POST;
    let answer = jwt_keys::send(&world, &token, post, &place("bitbucket-sync"), &wanted).await;
    answer.problem(403);
}
