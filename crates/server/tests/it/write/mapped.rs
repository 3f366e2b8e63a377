//! The mapping of the read object in reverse, and what the customer's config says
//! about fields.

use serde_json::{Value, json};
use testing::TestStore;

use super::{everything, one};
use crate::world::World;

testing::both!(
    names_and_words_are_the_app_s,
    defaults_and_fields_that_are_kept,
);

fn read() -> Value {
    json!({ "projects": {
        "objectName": "projects",
        "selectedFieldMappings": { "secrecy": "is_private" },
        "selectedValueMappings": { "is_private": { "hidden": "true", "open": "false" } },
    } })
}

/// The bodies of the calls are not kept: what was sent is seen by what is there.
async fn names_and_words_are_the_app_s(store: TestStore) {
    let world = World::idle(store).await;
    world.writes(read(), everything()).await;
    // `label` is offered and mapped to nothing, `description` nobody knows.
    let new = json!({
        "key": "ONE", "title": "One", "secrecy": "open", "label": "dropped",
        "description": "As it is", "picture": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    });
    let answer = world.write("teams", &one("create", new)).await.json(200);
    let data = &answer["result"]["data"];
    assert_eq!(
        (&data["name"], &data["is_private"]),
        (&json!("One"), &json!(false))
    );
    assert_eq!(data["description"], "As it is");
    // A nested place is filled: Bitbucket looks at the picture.
    let new = json!({ "key": "TWO", "title": "Two", "picture": "nonsense" });
    let answer = world.write("teams", &one("create", new)).await.json(422);
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("links: The avatar"), "{message}");
    // Words that nobody maps, and the provider's own, pass unchanged.
    for (word, is_private) in [(json!("hidden"), true), (json!(false), false)] {
        let change = json!({ "id": "ONE", "secrecy": word });
        let answer = world.write("teams", &one("update", change)).await.json(200);
        assert_eq!(answer["result"]["data"]["is_private"], is_private);
    }
    let change = json!({ "id": "ONE", "secrecy": "unheard" });
    world.write("teams", &one("update", change)).await.json(422);
}

async fn defaults_and_fields_that_are_kept(store: TestStore) {
    let world = World::idle(store).await;
    let mut write = everything();
    write["objects"]["projects"]["selectedFieldSettings"] = json!({
        "description": { "default": { "stringValue": "By default" }, "writeOnUpdate": "ifEmpty" },
        "secrecy": { "default": { "booleanValue": false }, "writeOnUpdate": "never" },
        "title": { "default": { "stringValue": "Untitled" }, "writeOnCreate": "never", "writeOnUpdate": "ifEmpty" },
        "label": { "default": { "stringValue": "nowhere to put it" } },
    });
    write["objects"]["pipelines-config/variables"]["selectedValueDefaults"] = json!({
        "value": { "value": "fallback", "applyOnUpdate": "never" },
    });
    world.writes(read(), write).await;

    let create = async |record: Value| world.write("projects", &one("create", record)).await;
    let update = async |record: Value| {
        let answer = world
            .write("projects", &one("update", record))
            .await
            .json(200);
        answer["result"]["data"].clone()
    };
    // Without its name it has no default for it, and Bitbucket wants one.
    create(json!({ "key": "ONE" })).await.json(422);
    let made = create(json!({ "key": "ONE", "title": "One" }))
        .await
        .json(200);
    let made = &made["result"]["data"];
    assert_eq!(
        (&made["description"], &made["is_private"]),
        (&json!("By default"), &json!(false))
    );
    // Not overwritten: it is filled, or never to be.
    let data =
        update(json!({ "id": "ONE", "description": "Other", "secrecy": "hidden", "title": "X" }))
            .await;
    assert_eq!(
        (&data["description"], &data["is_private"]),
        (&json!("By default"), &json!(false))
    );
    assert_eq!(data["name"], "One");
    // Null is a value, and what is empty is filled.
    let made = create(json!({ "key": "TWO", "title": "Two", "description": "" }))
        .await
        .json(200);
    assert_eq!(made["result"]["data"]["description"], "");
    let data = update(json!({ "id": "TWO", "description": "Now" })).await;
    assert_eq!(data["description"], "Now");

    let object = "pipelines-config/variables";
    let made = world
        .write(object, &one("create", json!({ "key": "A" })))
        .await
        .json(200);
    assert_eq!(made["result"]["data"]["value"], "fallback");
    let id = made["result"]["recordId"].clone();
    let changed = world
        .write(object, &one("update", json!({ "id": id, "value": "own" })))
        .await;
    changed.json(200);
    let changed = world
        .write(object, &one("update", json!({ "id": id, "key": "B" })))
        .await;
    assert_eq!(changed.json(200)["result"]["data"]["value"], "own");
}
