//! Integrations made and deleted one by one.

use serde_json::json;
use store::{Kind, StoreError};
use testing::TestStore;

use crate::fixture::{NOW, after, new_revision, project, world};

testing::both!(
    one_of_a_name_is_made_once,
    what_is_installed_is_not_deleted,
    what_is_deleted_leaves_no_work
);

async fn one_of_a_name_is_made_once(store: TestStore) {
    let (_, scope) = project(&store, "mail").await;
    let (_, foreign) = project(&store, "foreign").await;
    let tenant = store.within(&scope);
    let new = || new_revision("sync", json!({"read": {}}));
    let made = tenant.create_integration(new(), NOW).await.unwrap();
    assert_eq!(tenant.integration("sync").await.unwrap(), made);
    let again = tenant.create_integration(new(), NOW).await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    // A name is of its project.
    let others = store.within(&foreign);
    others.create_integration(new(), NOW).await.unwrap();
    let theirs = others.delete_integration(&made.id).await;
    assert!(
        matches!(theirs, Err(StoreError::NotFound { .. })),
        "{theirs:?}"
    );
    tenant.integration("sync").await.unwrap();
}

async fn what_is_installed_is_not_deleted(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let used = tenant.delete_integration(&world.integration.id).await;
    assert!(matches!(used, Err(StoreError::Outdated)), "{used:?}");
    tenant.uninstall(&world.installation.id, NOW).await.unwrap();
    tenant
        .delete_integration(&world.integration.id)
        .await
        .unwrap();
    let again = tenant.delete_integration(&world.integration.id).await;
    assert!(
        matches!(again, Err(StoreError::NotFound { .. })),
        "{again:?}"
    );
    let revision = tenant.revision(&world.integration.latest_revision.id).await;
    assert!(
        matches!(revision, Err(StoreError::NotFound { .. })),
        "{revision:?}"
    );
}

async fn what_is_deleted_leaves_no_work(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let changed = new_revision("sync", json!({"read": {"objects": []}}));
    tenant.deploy(vec![changed], false, after(1)).await.unwrap();
    let kinds = [Kind::INTEGRATION];
    let leases = store.claim(&kinds, "node", 9, after(2)).await.unwrap();
    assert_eq!(leases.len(), 1);
    tenant
        .uninstall(&world.installation.id, after(3))
        .await
        .unwrap();
    tenant
        .delete_integration(&world.integration.id)
        .await
        .unwrap();
    // Whoever brings a deploy to the installations finds that its work is gone.
    let late = store.finish(&leases[0], None, after(4)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert!(
        store
            .claim(&kinds, "node", 9, after(99))
            .await
            .unwrap()
            .is_empty()
    );
}
