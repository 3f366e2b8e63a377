//! Nobody sees another project's rows, nor, limited to a group, another
//! group's.

use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use serde_json::json;
use store::{
    Access, ConnectionFilter, InstallationFilter, NewApiKey, NewOAuthState, NewProject,
    NotificationEvent, OAuthStateTaken, Scope, StoreError,
};
use testing::TestStore;

use crate::fixture::{NOW, after, behind, claim, new_connection, new_installation, project, world};

testing::both!(
    nothing_of_another_project_is_found,
    nothing_of_another_project_is_listed_or_referred_to,
    a_group_sees_its_own_rows_only,
    a_key_sees_its_own_project_only,
);

fn hidden<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::NotFound { .. })),
        "{result:?}"
    );
}

async fn nothing_of_another_project_is_found(store: TestStore) {
    let mine = world(&store, "mine").await;
    let lease = claim(&store, "a", NOW).await;
    let operation = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .operation_id
        .unwrap();
    let tenant = store.within(&mine.scope);
    assert_eq!(tenant.project().await.unwrap(), mine.project);
    let (other, scope) = project(&store, "other").await;
    let stranger = store.within(&scope);
    assert_eq!(stranger.project().await.unwrap(), other);

    hidden(stranger.provider_app(&mine.provider_app.id).await);
    hidden(
        stranger
            .provider_app_secret(&mine.provider_app.id)
            .await
            .map(|_| ()),
    );
    hidden(stranger.destination(&mine.destination.id).await);
    hidden(stranger.destination(&mine.destination.name).await);
    hidden(
        stranger
            .destination_signing_key(&mine.destination.id)
            .await
            .map(|_| ()),
    );
    hidden(stranger.connection(&mine.connection.id).await);
    hidden(stranger.integration(&mine.integration.id).await);
    hidden(stranger.integration(&mine.integration.name).await);
    hidden(
        stranger
            .revision(&mine.integration.latest_revision.id)
            .await,
    );
    hidden(
        stranger
            .installation(&mine.integration.id, &mine.installation.id)
            .await,
    );
    hidden(stranger.operation(&operation).await);
    hidden(stranger.logs(&operation).await);
    hidden(
        stranger
            .latest_backfill(&mine.installation.id, "repositories")
            .await,
    );
    let topic = tenant.create_topic("alerts", NOW).await.unwrap();
    let event = NotificationEvent::ConnectionError;
    let route = tenant.create_event_route(event, &topic.id, NOW);
    let route = route.await.unwrap();
    let target = tenant.create_destination_route(&topic.id, &mine.destination.id, NOW);
    let target = target.await.unwrap();
    hidden(stranger.topic(&topic.id).await);
    hidden(stranger.rename_topic(&topic.id, "mine-now", NOW).await);
    hidden(stranger.delete_topic(&topic.id, NOW).await);
    hidden(stranger.create_event_route(event, &topic.id, NOW).await);
    hidden(stranger.delete_event_route(&route.id, NOW).await);
    hidden(stranger.delete_destination_route(&target.id, NOW).await);
    let own = stranger.create_topic("alerts", NOW).await.unwrap();
    let foreign = stranger.create_destination_route(&own.id, &mine.destination.id, NOW);
    hidden(foreign.await);
    assert_eq!(tenant.topics().await.unwrap(), [topic]);
    assert_eq!(tenant.event_routes(None, None).await.unwrap(), [route]);
    let targets = tenant.destination_routes(None, None).await.unwrap();
    assert_eq!(targets, [target]);
    let (_, key) = tenant
        .create_api_key(NewApiKey::default(), NOW)
        .await
        .unwrap();
    hidden(stranger.revoke_api_key(key.expose_secret(), NOW).await);
}

async fn nothing_of_another_project_is_listed_or_referred_to(store: TestStore) {
    let mine = world(&store, "mine").await;
    let (_, scope) = project(&store, "other").await;
    let stranger = store.within(&scope);
    hidden(
        stranger
            .install(new_installation(&mine, "acme", &mine.connection.id), NOW)
            .await,
    );
    stranger.upsert_group("acme", None, NOW).await.unwrap();
    stranger.upsert_consumer("ada", None, NOW).await.unwrap();
    let foreign = new_connection("acme", Some(&mine.provider_app));
    hidden(stranger.upsert_connection(foreign, NOW).await);
    let mut foreign = new_connection("acme", None);
    foreign.id = Some(mine.connection.id.clone());
    hidden(stranger.upsert_connection(foreign, NOW).await);

    assert!(stranger.api_keys().await.unwrap().is_empty());
    assert!(stranger.provider_apps().await.unwrap().is_empty());
    assert!(
        stranger
            .provider_app_for("bitbucket")
            .await
            .unwrap()
            .is_none()
    );
    assert!(stranger.destinations().await.unwrap().is_empty());
    assert!(
        stranger
            .connections(ConnectionFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(stranger.integrations().await.unwrap().is_empty());
    let tenant = store.within(&mine.scope);
    let topic = tenant.create_topic("alerts", NOW).await.unwrap();
    let route = tenant.create_event_route(NotificationEvent::ConnectionError, &topic.id, NOW);
    route.await.unwrap();
    let route = tenant.create_destination_route(&topic.id, &mine.destination.id, NOW);
    route.await.unwrap();
    assert!(stranger.topics().await.unwrap().is_empty());
    assert!(stranger.event_routes(None, None).await.unwrap().is_empty());
    let targets = stranger.destination_routes(None, None).await.unwrap();
    assert!(targets.is_empty());
    assert!(
        stranger
            .installations(InstallationFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    let operations = stranger
        .operations(&mine.installation.id, 10, None)
        .await
        .unwrap();
    assert_eq!(operations, (Vec::new(), None));
    assert_eq!(stranger.deliveries_overview(99).await.unwrap().pending, 0);
    // What a connection refers to is looked for in the own project only.
    let foreign = std::slice::from_ref(&mine.connection);
    let details = stranger.connection_details(foreign).await.unwrap();
    assert_eq!(details[0].provider_app, None);
    assert_eq!(details[0].group.name, "acme");
}

/// A scope limited to a group, by way of a consent that remembers one.
async fn limited(store: &TestStore, scope: &Scope, group: &str) -> Scope {
    let new = NewOAuthState {
        state: group,
        body: json!(null),
        expires_at: after(600),
    };
    store
        .within(scope)
        .save_oauth_state(new, NOW)
        .await
        .unwrap();
    let update = format!("UPDATE oauth_state SET group_ref = '{group}'");
    behind(store)
        .await
        .execute_unprepared(&update)
        .await
        .unwrap();
    match store.take_oauth_state(group, NOW).await.unwrap() {
        OAuthStateTaken::Valid { scope, .. } => scope,
        other => panic!("{other:?}"),
    }
}

async fn a_group_sees_its_own_rows_only(store: TestStore) {
    let world = world(&store, "mail").await;
    let all = store.within(&world.scope);
    all.upsert_group("beta", None, NOW).await.unwrap();
    let theirs = all
        .upsert_connection(new_connection("beta", None), NOW)
        .await
        .unwrap();
    all.install(new_installation(&world, "beta", &theirs.id), NOW)
        .await
        .unwrap();
    let lease = claim(&store, "a", NOW).await;
    let operation = store
        .read_subject(&lease)
        .await
        .unwrap()
        .sync
        .operation_id
        .unwrap();

    let scope = limited(&store, &world.scope, "beta").await;
    assert_eq!(scope.group_ref(), Some("beta"));
    let beta = store.within(&scope);
    let seen = beta.connections(ConnectionFilter::default()).await.unwrap();
    assert_eq!(seen, std::slice::from_ref(&theirs));
    let seen = beta
        .installations(InstallationFilter::default())
        .await
        .unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].group_ref, "beta");
    hidden(beta.connection(&world.connection.id).await);
    hidden(
        beta.installation(&world.integration.id, &world.installation.id)
            .await,
    );
    hidden(beta.operation(&operation).await);
    hidden(beta.logs(&operation).await);
    hidden(
        beta.upsert_connection(new_connection("acme", None), NOW)
            .await,
    );

    let everybody = all.connections(ConnectionFilter::default()).await.unwrap();
    let details = all.connection_details(&everybody).await.unwrap();
    let names: Vec<_> = details.iter().map(|one| one.group.name.as_str()).collect();
    assert_eq!(names, ["Acme", "beta"]);
    assert_eq!(details[0].provider_app.as_ref(), Some(&world.provider_app));
    assert_eq!(details[1].provider_app, None);
}

async fn a_key_sees_its_own_project_only(store: TestStore) {
    let (mine, scope) = project(&store, "mine").await;
    let (other, _) = project(&store, "other").await;
    let tenant = store.within(&scope);
    let (key, whole) = tenant
        .create_api_key(NewApiKey::default(), NOW)
        .await
        .unwrap();
    let actor = store
        .authenticate_api_key(whole.expose_secret())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(actor.project_id(), Some(mine.id.as_str()));
    assert_eq!(actor.access(), Access::Full);
    assert_eq!(actor.label(), format!("api-key:{}", key.key));
    assert_eq!(
        store.projects(&actor).await.unwrap(),
        std::slice::from_ref(&mine)
    );
    for name in [&mine.id, &mine.name] {
        assert_eq!(store.scope(&actor, name).await.unwrap(), scope);
    }
    for name in [&other.id, &other.name, "absent"] {
        hidden(store.scope(&actor, name).await);
    }
    let new = NewProject {
        name: "more".to_owned(),
        app_name: String::new(),
        org_id: None,
    };
    hidden(store.create_project(&actor, new, NOW).await);

    for wrong in [key.key.as_str(), "", "lig_000000000000_x"] {
        assert_eq!(store.authenticate_api_key(wrong).await.unwrap(), None);
    }
    let frontend = NewApiKey {
        access: vec!["frontend".to_owned()],
        whole: Some("lig_bootstrap".to_owned().into()),
        ..NewApiKey::default()
    };
    tenant.create_api_key(frontend, NOW).await.unwrap();
    let actor = store
        .authenticate_api_key("lig_bootstrap")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(actor.access(), Access::Frontend);

    tenant.revoke_api_key(&key.key, after(1)).await.unwrap();
    tenant
        .revoke_api_key("lig_bootstrap", after(1))
        .await
        .unwrap();
    for revoked in [whole.expose_secret(), "lig_bootstrap"] {
        assert_eq!(store.authenticate_api_key(revoked).await.unwrap(), None);
    }
    assert!(
        tenant
            .api_keys()
            .await
            .unwrap()
            .iter()
            .all(|key| !key.active)
    );
}
