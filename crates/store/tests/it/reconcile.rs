//! A deploy reaching installations: shared between nodes, and fenced.

use serde_json::json;
use store::{Change, Kind, NewSync, ReadType, StoreError};
use testing::TestStore;

use crate::fixture::{after, claim, new_revision, page, world};

testing::both!(
    whoever_comes_next_does_the_rest,
    what_was_planned_by_something_older_is_refused,
);

fn added(object: &str) -> NewSync {
    NewSync {
        object_name: object.to_owned(),
        run: Some(ReadType::Backfill),
        since: None,
        watermark: None,
        due_at: None,
    }
}

async fn whoever_comes_next_does_the_rest(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let reading = claim(&store, "a", after(0)).await;
    let content = json!({"read": {"objects": []}});
    let new = vec![new_revision("sync", content)];
    tenant.deploy(new, false, after(1)).await.unwrap();
    // What read by the old revision commits nothing any more.
    let late = store.commit_page(&reading, page("{}"), after(1)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));

    let kinds = [Kind::INTEGRATION];
    let killed = store
        .claim(&kinds, "a", 9, after(2))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(killed.subject_id, world.integration.id);
    let next = store
        .claim(&kinds, "b", 9, after(60))
        .await
        .unwrap()
        .remove(0);
    let deployed = store.deployed(&next).await.unwrap();
    let behind = store
        .behind(&deployed.integration, 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(behind.installation, world.installation);
    let change = Change {
        revision_id: deployed.integration.latest_revision.id.clone(),
        config_id: behind.installation.config_id.clone(),
        config: None,
        add: vec![added("projects")],
        remove: vec!["repositories".to_owned()],
    };
    let id = &behind.installation.id;
    let late = store
        .reconcile(&killed, id, change.clone(), after(61))
        .await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
    store.reconcile(&next, id, change, after(61)).await.unwrap();
    assert!(
        store
            .behind(&deployed.integration, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let syncs = tenant.syncs(id).await.unwrap();
    let objects: Vec<&str> = syncs.iter().map(|sync| sync.object_name.as_str()).collect();
    assert_eq!(objects, ["projects"]);
    // Only the new object's work is left.
    assert_eq!(claim(&store, "c", after(90)).await.subject_id, syncs[0].id);
}

async fn what_was_planned_by_something_older_is_refused(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let id = &world.installation.id;
    let change = Change {
        revision_id: world.integration.latest_revision.id.clone(),
        config_id: world.installation.config_id.clone(),
        config: None,
        add: vec![added("projects")],
        remove: Vec::new(),
    };
    let mut other_config = change.clone();
    other_config.config_id = "another".to_owned();
    let refused = tenant.change_installation(id, other_config, after(1)).await;
    assert!(matches!(refused, Err(StoreError::Outdated)));
    let new = vec![new_revision("sync", json!({"read": {"objects": []}}))];
    tenant.deploy(new, false, after(2)).await.unwrap();
    let refused = tenant.change_installation(id, change, after(3)).await;
    assert!(matches!(refused, Err(StoreError::Outdated)));
    assert_eq!(tenant.syncs(id).await.unwrap().len(), 1);
}
