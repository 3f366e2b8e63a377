//! Names are taken once, and transactions that meet a taken one leave nothing.

use serde_json::json;
use store::{InstallationFilter, NewApiKey, NewProject, NewSync, ReadType, StoreError};
use testing::TestStore;

use crate::fixture::{
    NOW, after, new_app, new_connection, new_destination, new_installation, new_revision, world,
};

testing::both!(
    names_are_taken_once,
    a_new_consent_keeps_the_connection,
    deploys_what_has_changed,
    installs_whole_or_not,
    deployments_follow_one_another,
);

fn taken<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Conflict { .. })),
        "{result:?}"
    );
}

async fn names_are_taken_once(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let again = NewProject {
        name: "mail".to_owned(),
        app_name: String::new(),
        org_id: None,
    };
    taken(store.create_project(&store.operator(), again, NOW).await);
    taken(
        tenant
            .create_destination(new_destination("hook"), NOW)
            .await,
    );
    taken(tenant.create_provider_app(new_app(), NOW).await);
    let mut another = new_app();
    another.external_ref = Some("second".to_owned());
    tenant.create_provider_app(another, NOW).await.unwrap();
    let oldest = tenant.provider_app_for("bitbucket").await.unwrap().unwrap();
    assert_eq!(oldest, world.provider_app);
    let key = NewApiKey {
        whole: Some("lig_given".to_owned().into()),
        ..NewApiKey::default()
    };
    tenant.create_api_key(key.clone(), NOW).await.unwrap();
    taken(tenant.create_api_key(key, NOW).await.map(|_| ()));
    let installation = new_installation(&world, "acme", &world.connection.id);
    taken(tenant.install(installation, NOW).await);
}

async fn a_new_consent_keeps_the_connection(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let version = store
        .credential(&world.connection.id)
        .await
        .unwrap()
        .version;
    store
        .mark_bad_credentials(&world.connection.id, version, "refused", NOW)
        .await
        .unwrap();
    let again = tenant
        .upsert_connection(new_connection("acme", None), after(5))
        .await
        .unwrap();
    assert_eq!(again.id, world.connection.id);
    assert_eq!(again.status, store::ConnectionStatus::Working);
    assert_eq!(
        (again.create_time, again.update_time),
        (NOW, Some(after(5)))
    );
    assert!(store.credential(&again.id).await.unwrap().version > version);

    let group = tenant.upsert_group("acme", None, after(6)).await.unwrap();
    assert_eq!(group.name, "Acme");
    let group = tenant
        .upsert_group("acme", Some("Acme Ltd"), after(6))
        .await
        .unwrap();
    assert_eq!(
        (group.name.as_str(), group.update_time),
        ("Acme Ltd", Some(after(6)))
    );
}

async fn deploys_what_has_changed(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let revisions = vec![
        new_revision("sync", json!({"read": {}})),
        new_revision("added", json!({"write": {}})),
    ];
    let deployed = tenant.deploy(revisions, false, after(1)).await.unwrap();
    assert_eq!(deployed[0], world.integration);
    assert_eq!(
        tenant.integrations().await.unwrap(),
        [deployed[1].clone(), deployed[0].clone()]
    );

    let changed = vec![new_revision("sync", json!({"read": {"objects": []}}))];
    let changed = tenant
        .deploy(changed, false, after(2))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(changed.id, world.integration.id);
    assert_eq!(changed.update_time, Some(after(2)));
    assert_ne!(
        changed.latest_revision.id,
        world.integration.latest_revision.id
    );
    assert_eq!(tenant.integration("sync").await.unwrap(), changed);
    let old = &world.integration.latest_revision;
    assert_eq!(&tenant.revision(&old.id).await.unwrap(), old);
}

async fn installs_whole_or_not(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    tenant.upsert_group("beta", None, NOW).await.unwrap();
    let connection = tenant
        .upsert_connection(new_connection("beta", None), NOW)
        .await
        .unwrap();
    let object = |run| NewSync {
        object_name: "projects".to_owned(),
        run,
        since: None,
        watermark: Some(NOW),
        due_at: None,
    };
    let mut new = new_installation(&world, "beta", &connection.id);
    new.objects = vec![object(Some(ReadType::Backfill)), object(None)];
    taken(tenant.install(new.clone(), NOW).await);
    let all = tenant
        .installations(InstallationFilter::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(store.overview(99).await.unwrap().operations_in_progress, 1);

    new.objects = vec![object(None)];
    let installed = tenant.install(new, NOW).await.unwrap();
    assert_eq!(installed.last_operation_status, None);
    // Another customer's connection is none of this one's.
    let foreign = new_installation(&world, "beta", &world.connection.id);
    let foreign = tenant.install(foreign, NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
}

async fn deployments_follow_one_another(store: TestStore) {
    let world = world(&store, "mail").await;
    let deployments = (0..6).map(|n| {
        let (store, scope) = (store.clone(), world.scope.clone());
        tokio::spawn(async move {
            let content = json!({"n": n});
            let revisions = vec![new_revision("fresh", content)];
            store
                .within(&scope)
                .deploy(revisions, false, NOW)
                .await
                .unwrap()
                .remove(0)
                .id
        })
    });
    let mut ids = Vec::new();
    for deployment in deployments.collect::<Vec<_>>() {
        ids.push(deployment.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}
