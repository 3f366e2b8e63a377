//! `…/integrations/{i}/objects/{o}/metadata` and `…/providers/{p}/objects/{o}/metadata`.

use serde_json::{Value, json};
use testing::TestStore;

use super::hydrate::respond;
use super::jwt_keys::{self, PUBLIC};
use crate::world::steps::GROUP;
use crate::world::{World, path};

testing::both!(
    an_object_is_described_as_it_is_in_the_account,
    a_provider_that_cannot_be_asked_leaves_the_table,
    what_is_not_there_is_not_found
);

/// By the installation, by name as the app has it.
const INSTALLED: &str = "/integrations/bitbucket-sync/objects";
/// By the connection.
const CONNECTED: &str = "/providers/bitbucket/objects";

fn place(base: &str, object: &str, group: &str) -> String {
    path(&format!("{base}/{object}/metadata?groupRef={group}"))
}

async fn installed(store: TestStore) -> World {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(json!({})).await;
    world
}

async fn an_object_is_described_as_it_is_in_the_account(store: TestStore) {
    let world = installed(store).await;
    let repositories = "/2.0/repositories/acme";
    for (base, object, mapped) in [
        (INSTALLED, "repos", json!("repos")),
        (INSTALLED, "repositories", json!("repos")),
        (CONNECTED, "repositories", Value::Null),
    ] {
        let record = json!({ "uuid": "{1}", "name": "a", "stars": 2, "updated_on": null });
        respond(&world, repositories, 200, &json!({ "values": [record] })).await;
        let found = world.api.get(&place(base, object, GROUP)).await.json(200);
        assert_eq!(found["name"], "repositories");
        assert_eq!(found["displayName"], "Repositories");
        assert_eq!(found["mappedObjectName"], mapped, "{base}/{object}");
        let expected = json!({ "fieldName": "stars", "displayName": "Stars", "valueType": "int" });
        assert_eq!(found["fields"]["stars"], expected);
        let expected = json!({
            "fieldName": "updated_on", "displayName": "Updated On", "valueType": "datetime",
            "providerType": "date-time", "readOnly": true,
        });
        assert_eq!(found["fields"]["updated_on"], expected);
        let select = &found["fields"]["fork_policy"];
        assert_eq!(select["valueType"], "singleSelect");
        assert_eq!(select["values"].as_array().unwrap().len(), 3);
        // Without what can only be read.
        let writable = format!("{}&excludeReadOnly=true", place(base, object, GROUP));
        let found = world.api.get(&writable).await.json(200);
        let fields = found["fields"].as_object().unwrap();
        assert!(fields.contains_key("description"));
        assert!(!fields.contains_key("updated_on"), "{found}");
    }
}

async fn a_provider_that_cannot_be_asked_leaves_the_table(store: TestStore) {
    let world = installed(store).await;
    let table = {
        let empty = json!({ "values": [] });
        respond(&world, "/2.0/snippets/acme", 200, &empty).await;
        let of = world.api.get(&place(CONNECTED, "snippets", GROUP)).await;
        of.json(200)
    };
    assert_eq!(table["fields"]["id"]["fieldName"], "id");
    for action in [
        json!({ "kind": "html_error" }),
        json!({ "kind": "html_not_found" }),
        json!({ "kind": "close" }),
        json!({ "kind": "truncate", "keep_bytes": 30 }),
        json!({ "kind": "rate_limited", "retry_after": 1 }),
    ] {
        world
            .provider
            .fault("/2.0/snippets/acme", 1, 1, action.clone())
            .await;
        let found = world.api.get(&place(CONNECTED, "snippets", GROUP)).await;
        assert_eq!(found.json(200), table, "{action}");
        world.clock.advance(jiff::SignedDuration::from_mins(1));
    }
    // What the provider has removed is still described, and not asked for.
    let gone = world
        .api
        .get(&place(CONNECTED, "addon/linkers", GROUP))
        .await;
    assert_eq!(gone.json(200)["displayName"], "Linkers");
    assert!(world.provider.calls("/2.0/addon").await.is_empty());
    // Nor is a customer whose credential has ended left without a form.
    world.provider.end_tokens(true, true).await;
    let found = world.api.get(&place(CONNECTED, "snippets", GROUP)).await;
    assert_eq!(found.json(200), table);
}

async fn what_is_not_there_is_not_found(store: TestStore) {
    let world = installed(store).await;
    world.connect("customer-2").await;
    for (base, object, group) in [
        (INSTALLED, "nonsense", GROUP),
        (CONNECTED, "nonsense", GROUP),
        // Connected, and not installed.
        (INSTALLED, "repos", "customer-2"),
        (CONNECTED, "repositories", "nobody"),
        ("/providers/none/objects", "repositories", GROUP),
        ("/integrations/none/objects", "repositories", GROUP),
    ] {
        let answer = world.api.get(&place(base, object, group)).await;
        answer.problem(404);
    }
    for base in [INSTALLED, CONNECTED] {
        let bare = path(&format!("{base}/repositories/metadata"));
        world.api.get(&bare).await.problem(400);
        let nothing = path(&format!("{base}/repositories?groupRef={GROUP}"));
        world.api.get(&nothing).await.problem(404);
    }
    // A customer sees what is its own.
    let kid = jwt_keys::register(&world, PUBLIC).await;
    let token = jwt_keys::token(&world, &kid, "customer-2");
    let own = place(CONNECTED, "repositories", "customer-2");
    jwt_keys::get(&world, &token, &own).await.json(200);
    for base in [INSTALLED, CONNECTED] {
        let others = place(base, "repositories", GROUP);
        jwt_keys::get(&world, &token, &others).await.problem(404);
    }
}
