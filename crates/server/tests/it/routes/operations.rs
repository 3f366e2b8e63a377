//! Operations, their logs, and the progress of backfills.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{both, installations};
use crate::world::{World, path};

testing::both!(
    operations_tell_how_reading_went,
    pages_go_on_where_they_ended
);

async fn operations_tell_how_reading_went(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let operations = world.ended(&installed).await;
    assert_eq!(
        operations.keys().collect::<Vec<_>>(),
        ["projects", "repositories"]
    );
    for (object, count) in [("repositories", 230), ("projects", 12)] {
        let operation = &operations[object];
        assert_eq!(operation["status"], "success", "{operation}");
        assert_eq!(operation["actionType"], "read");
        assert_eq!(operation["installationId"], installed["id"]);
        assert_eq!(operation["configId"], installed["config"]["id"]);
        let progress = &operation["metadata"]["progress"];
        assert_eq!(progress["recordsProcessed"], count, "{operation}");
        assert_eq!(progress["recordsEstimatedTotal"], count, "{operation}");
        let id = operation["id"].as_str().unwrap();
        assert_eq!(
            world
                .api
                .get(&path(&format!("/operations/{id}")))
                .await
                .json(200),
            *operation
        );
        let log = world
            .api
            .get(&path(&format!("/operations/{id}/logs")))
            .await
            .json(200);
        for line in log.as_array().unwrap() {
            assert_eq!(line["message"]["operation_id"], operation["id"]);
        }
    }
    let id = installed["id"].as_str().unwrap();
    // The provider's name, the app's, and both spellings of what needs none.
    for (name, object) in [
        ("repositories", "repositories"),
        ("repos", "repositories"),
        ("projects", "projects"),
        ("%72epos", "repositories"),
    ] {
        let progress = world
            .api
            .get(&format!(
                "{}/{id}/objects/{name}/backfill-progress",
                installations()
            ))
            .await
            .json(200);
        assert_eq!(progress["operationId"], operations[object]["id"], "{name}");
        assert_eq!(progress["installationId"], installed["id"]);
        assert_eq!(
            progress["recordsProcessed"],
            operations[object]["metadata"]["progress"]["recordsProcessed"]
        );
    }
    let shown = world
        .api
        .get(&format!("{}/{id}", installations()))
        .await
        .json(200);
    assert_eq!(shown["lastOperationStatus"], "success");
    for rest in [
        "pipelines-config%2Fvariables/backfill-progress",
        "pipelines-config/variables/backfill-progress",
    ] {
        let problem = world
            .api
            .get(&format!("{}/{id}/objects/{rest}", installations()))
            .await
            .problem(404);
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("pipelines-config/variables"),
            "{problem}"
        );
    }
    world
        .api
        .get(&format!("{}/{id}/objects/repos/elsewhere", installations()))
        .await
        .problem(404);
    world.api.get(&path("/operations/none")).await.problem(404);
    world
        .api
        .get(&path("/operations/none/logs"))
        .await
        .problem(404);
}

async fn pages_go_on_where_they_ended(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let place = format!(
        "{}/{}/operations",
        installations(),
        installed["id"].as_str().unwrap()
    );
    let whole = world.api.get(&place).await.json(200);
    assert_eq!(whole["pagination"], json!({ "done": true }));
    assert_eq!(whole["results"].as_array().unwrap().len(), 2);
    let first = world
        .api
        .get(&format!("{place}?pageSize=1"))
        .await
        .json(200);
    assert_eq!(first["pagination"]["done"], false);
    let token = first["pagination"]["nextPageToken"].as_str().unwrap();
    let second = world
        .api
        .get(&format!("{place}?pageSize=1&pageToken={token}"))
        .await
        .json(200);
    assert_eq!(second["pagination"]["done"], true);
    let both: Vec<&Value> = [&first, &second]
        .iter()
        .flat_map(|page| page["results"].as_array().unwrap())
        .collect();
    assert_eq!(
        both,
        whole["results"]
            .as_array()
            .unwrap()
            .iter()
            .collect::<Vec<_>>()
    );
    for query in [
        "pageSize=0",
        "pageSize=1001",
        "pageSize=many",
        "pageSize=-1",
    ] {
        world
            .api
            .get(&format!("{place}?{query}"))
            .await
            .problem(400);
    }
    let token = world.api.get(&format!("{place}?pageToken=made-up")).await;
    assert!(
        token.status.is_client_error() || token.status == 200,
        "{}",
        token.text()
    );
}
