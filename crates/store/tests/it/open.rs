//! Opening: migrations, the lock file, and what the databases answer.

use sea_orm::{ConnectionTrait, Statement};
use store::{Backend, Overview, Settings, Store, StoreError};
use testing::TestStore;

use crate::fixture::{NOW, behind, claim, page, project, world};

testing::both!(
    opens_again,
    counts_everything,
    refuses_other_urls,
    a_newer_schema_is_refused_at_the_start_alone,
    migrating_says_what_it_did,
);

async fn opens_again(store: TestStore) {
    store.readiness(NOW).await.unwrap();
    let (made, _) = project(&store, "mail").await;
    let store = store.reopen().await;
    let projects = store.projects(&store.operator()).await.unwrap();
    assert_eq!(projects, [made]);
}

async fn counts_everything(store: TestStore) {
    assert_eq!(store.overview(99).await.unwrap(), Overview::default());
    world(&store, "mail").await;
    let overview = store.overview(99).await.unwrap();
    assert_eq!(
        (
            overview.projects,
            overview.connections,
            overview.installations,
            overview.operations_in_progress,
            overview.messages_pending
        ),
        (1, 1, 1, 1, 0)
    );
}

async fn a_newer_schema_is_refused_at_the_start_alone(store: TestStore) {
    world(&store, "mail").await;
    let db = behind(&store).await;
    db.execute_unprepared(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('0999_later', 1)",
    )
    .await
    .unwrap();
    // What runs already does not look again.
    store.readiness(NOW).await.unwrap();
    let lease = claim(&store, "reader", NOW).await;
    store.commit_page(&lease, page("{}"), NOW).await.unwrap();
    Store::clone(&store).close().await;
    let error = Store::open(store.settings.clone(), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("0999_later") && text.contains("newer version"),
        "{text}"
    );
}

async fn migrating_says_what_it_did(store: TestStore) {
    Store::clone(&store).close().await;
    let again = Store::migrate(store.settings.clone(), NOW).await.unwrap();
    assert_eq!(again.applied, Vec::<String>::new());
    let mut settings = store.settings.clone();
    let dir = tempfile::TempDir::new().unwrap();
    match settings.schema {
        Some(schema) => settings.schema = Some(format!("{schema}_new")),
        None => settings.url = format!("sqlite:{}", dir.path().join("new.db").display()),
    }
    let first = Store::migrate(settings.clone(), NOW).await.unwrap();
    assert_eq!(
        (first.applied.len(), &*first.applied[0]),
        (again.total, "0001_initial")
    );
    assert!(first.applied.iter().any(|name| name == "0006_storage"));
    Store::open(settings, NOW).await.unwrap();
}

async fn refuses_other_urls(store: TestStore) {
    for url in ["mysql://secret@host", "sqlite:", "sqlite::memory:"] {
        let settings = Settings {
            url: url.to_owned(),
            ..store.settings.clone()
        };
        let error = Store::open(settings, NOW).await.unwrap_err();
        assert!(matches!(error, StoreError::Settings(_)), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_second_process_finds_the_file_busy() {
    let store = testing::sqlite().await;
    assert_eq!(store.backend(), Backend::Sqlite);
    assert_eq!(store.database_time().await.unwrap(), None);
    let error = Store::open(store.settings.clone(), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    store.reopen().await;
}

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let Some(store) = testing::postgres().await else {
        return;
    };
    assert_eq!(store.backend(), Backend::Postgres);
    let settings = Settings {
        schema: Some("started_together".to_owned()),
        max_connections: 2,
        ..store.settings.clone()
    };
    let nodes = (0..6).map(|_| tokio::spawn(Store::open(settings.clone(), NOW)));
    for node in nodes.collect::<Vec<_>>() {
        let node = node.await.unwrap().unwrap();
        node.readiness(NOW).await.unwrap();
        node.close().await;
    }
}

#[tokio::test]
async fn bodies_are_not_compressed_twice() {
    let Some(store) = testing::postgres().await else {
        return;
    };
    assert!(store.database_time().await.unwrap().is_some());
    let db = behind(&store).await;
    let storage = Statement::from_string(
        sea_orm::DbBackend::Postgres,
        "SELECT attstorage::text AS storage FROM pg_attribute \
         WHERE attrelid = 'outbox'::regclass AND attname = 'body'",
    );
    let row = db.query_one_raw(storage).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "storage").unwrap(), "e");
}
