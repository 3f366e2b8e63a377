//! Erasing a customer: nothing is left, whatever is under way.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use store::{DeliveryOutcome, MessageBody, NotificationEvent, SeenKey, Store, StoreError};
use testing::TestStore;

use crate::delivery::result;
use crate::fixture::{
    NOW, World, after, behind, claim, message, new_connection, page, project, world,
};
use crate::notification::listen;

testing::both!(
    a_read_under_way_commits_nothing_any_more,
    nobody_is_told_and_what_was_told_goes,
    a_group_in_use_is_not_deleted,
    a_person_of_two_customers_stays,
    another_project_s_group_is_not_seen
);

async fn count(store: &TestStore, table: &str) -> i64 {
    let db = behind(store).await;
    let backend = match store.settings.schema {
        Some(_) => DbBackend::Postgres,
        None => DbBackend::Sqlite,
    };
    let sql = format!("SELECT COUNT(*) AS n FROM {table}");
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn erase(store: &Store, world: &World) {
    let tenant = store.within(&world.scope);
    let erased = tenant.erase_installation(&world.installation.id, after(5));
    erased.await.unwrap();
    let told = tenant.notifications_about("acme").await.unwrap();
    tenant.erase_group("acme", &told).await.unwrap();
}

async fn a_read_under_way_commits_nothing_any_more(store: TestStore) {
    let world = world(&store, "mail").await;
    let lease = claim(&store, "reader", NOW).await;
    let whole = || {
        let mut whole = page("2");
        let body = MessageBody::Inline(b"{}".to_vec());
        whole.messages = vec![message(&world, "operation", body)];
        whole.seen = vec![SeenKey {
            key: "k".to_owned(),
            version: "v".to_owned(),
        }];
        whole
    };
    store.commit_page(&lease, whole(), after(1)).await.unwrap();
    // One message is given up, and one waits.
    let given_up = store.claim_messages("sender", 9, after(2)).await.unwrap();
    let dead = DeliveryOutcome::Dead {
        status: Some(500),
        error: "no".to_owned(),
    };
    let dead = result(&given_up.messages[0], 2, dead);
    store.acknowledge(&[dead], after(2)).await.unwrap();
    store.commit_page(&lease, whole(), after(3)).await.unwrap();
    let tenant = store.within(&world.scope);
    let overview = tenant.deliveries_overview(99).await.unwrap();
    assert_eq!((overview.dead, overview.pending), (1, 1));
    let tables = [
        "outbox",
        "seen_key",
        "sync",
        "operation",
        "installation",
        "connection",
        "consumer",
        "customer_group",
        "work",
    ];
    let prune = 1;
    for table in tables {
        assert!(count(&store, table).await > 0, "{table}");
    }
    erase(&store, &world).await;
    let late = store.commit_page(&lease, whole(), after(6)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    for table in tables {
        let left = if table == "work" { prune } else { 0 };
        assert!(count(&store, table).await <= left, "{table}");
    }
    assert!(
        store
            .claim(&[store::Kind::READ], "other", 9, after(60))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn nobody_is_told_and_what_was_told_goes(store: TestStore) {
    let world = world(&store, "mail").await;
    for event in [
        NotificationEvent::ConnectionUpdated,
        NotificationEvent::ConnectionDeleted,
        NotificationEvent::InstallationDeleted,
    ] {
        listen(&store, &world, event, &world.destination.id).await;
    }
    let tenant = store.within(&world.scope);
    tenant.upsert_group("other", None, NOW).await.unwrap();
    for group in ["acme", "other", "acme", "other"] {
        let new = new_connection(group, None);
        tenant.upsert_connection(new, after(1)).await.unwrap();
    }
    // The first of the other's is no update.
    assert_eq!(count(&store, "outbox").await, 3);
    assert_eq!(tenant.notifications_about("acme").await.unwrap().len(), 2);
    erase(&store, &world).await;
    assert_eq!(count(&store, "outbox").await, 1);
    assert_eq!(tenant.notifications_about("other").await.unwrap().len(), 1);
}

async fn a_group_in_use_is_not_deleted(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let early = tenant.erase_group("acme", &[]).await;
    assert!(matches!(early, Err(StoreError::Outdated)), "{early:?}");
    let used = tenant.erase_connection(&world.connection.id, NOW).await;
    assert!(matches!(used, Err(StoreError::Outdated)), "{used:?}");
    erase(&store, &world).await;
    let again = tenant.erase_group("acme", &[]).await;
    assert!(
        matches!(again, Err(StoreError::NotFound { .. })),
        "{again:?}"
    );
}

async fn a_person_of_two_customers_stays(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    tenant.upsert_group("other", None, NOW).await.unwrap();
    let other = tenant.upsert_connection(new_connection("other", None), NOW);
    let other = other.await.unwrap();
    let audit = tenant.audit("consumer:ada", "done", "thing", NOW);
    audit.await.unwrap();
    let actor = async || {
        let (entries, _) = tenant.audit_entries(9, None).await.unwrap();
        let mut entries = entries.iter().filter(|entry| entry.action == "done");
        entries.next().unwrap().actor.clone()
    };
    erase(&store, &world).await;
    assert_eq!(count(&store, "consumer").await, 1);
    assert_eq!(actor().await, "consumer:ada");
    tenant.erase_connection(&other.id, after(7)).await.unwrap();
    assert_eq!(count(&store, "consumer").await, 0);
    // The log still says that somebody did it.
    let hash = "fdee430d40bd57deeac186cd9790033d0f06f909a8806e7ce6e717ab7c7d5029";
    assert_eq!(actor().await, format!("consumer:sha256:{hash}"));
}

async fn another_project_s_group_is_not_seen(store: TestStore) {
    let world = world(&store, "mail").await;
    let (_, foreign) = project(&store, "foreign").await;
    let tenant = store.within(&foreign);
    let found = tenant.group("acme").await;
    assert!(
        matches!(found, Err(StoreError::NotFound { .. })),
        "{found:?}"
    );
    let erased = tenant.erase_group("acme", &[]).await;
    assert!(
        matches!(erased, Err(StoreError::NotFound { .. })),
        "{erased:?}"
    );
    store.within(&world.scope).group("acme").await.unwrap();
}
