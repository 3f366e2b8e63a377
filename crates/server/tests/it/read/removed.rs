//! An object that Bitbucket has removed, and all the others.

use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, everything};
use crate::world::{MANIFEST, World, path};

testing::both!(a_removed_object_says_so_and_harms_nothing);

const OTHERS: &[&str] = &[
    "hooks",
    "members",
    "permissions",
    "permissions/repositories",
    "pipelines-config/variables",
    "snippets",
    "workspaces",
    "user/emails",
    "hook_events",
];

async fn a_removed_object_says_so_and_harms_nothing(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let mut more = String::new();
    for object in OTHERS.iter().chain(&["addon/linkers"]) {
        more.push_str(&format!(
            "        - objectName: {object}\n          destination: inbox\n          \
             backfill:\n            defaultPeriod:\n              fullHistory: true\n          \
             optionalFieldsAuto: all\n"
        ));
    }
    let rest = "    proxy:\n";
    world.deploy(&MANIFEST.replace(rest, &(more + rest))).await;
    let mut objects = json!({ "addon/linkers": everything("addon/linkers") });
    for object in OTHERS {
        objects[object] = everything(object);
    }
    let installed = world.install(objects).await;
    let operations = world.ended(&installed).await;
    // The sandbox answers 401 there, as Bitbucket did to OAuth tokens.
    let linkers = &operations["addon/linkers"];
    assert_eq!(linkers["status"], "failure");
    let result = linkers["result"].as_str().unwrap();
    assert!(
        result.contains("not offered by Bitbucket any more")
            && result.contains("https://developer.atlassian.com/cloud/bitbucket/changelog"),
        "{result}"
    );
    // It was asked once: neither retried nor repeated after a refresh.
    let calls = world.provider.calls("/2.0/addon/linkers").await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(world.provider.stats().await["refreshes"], 0);
    let connections = path(&format!("/connections?groupRef={GROUP}"));
    let connections = world.api.get(&connections).await.json(200);
    assert_eq!(connections[0]["status"], "working");
    for object in OTHERS {
        assert_eq!(operations[*object]["status"], "success", "{operations:?}");
    }
}
