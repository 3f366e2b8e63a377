//! A project with everything in it that reading needs.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{Database, DatabaseConnection};
use serde_json::json;
use store::{
    Afterwards, Connection, Credential, Destination, Installation, Integration, Kind, Lease,
    MessageBody, NewConnection, NewDestination, NewInstallation, NewMessage, NewProject,
    NewProviderApp, NewRevision, NewSync, PageCommit, Project, ProviderApp, ReadType, Scope, Store,
    ids,
};
use testing::TestStore;

pub(crate) const NOW: Timestamp = testing::START;

/// `NOW` and some seconds.
pub(crate) fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

/// All rows of one project.
pub(crate) struct World {
    pub(crate) scope: Scope,
    pub(crate) project: Project,
    pub(crate) provider_app: ProviderApp,
    pub(crate) destination: Destination,
    pub(crate) connection: Connection,
    pub(crate) integration: Integration,
    pub(crate) installation: Installation,
}

pub(crate) async fn project(store: &Store, name: &str) -> (Project, Scope) {
    let operator = store.operator();
    let new = NewProject {
        name: name.to_owned(),
        app_name: name.to_uppercase(),
        org_id: None,
    };
    let project = store.create_project(&operator, new, NOW).await.unwrap();
    let scope = store.scope(&operator, &project.id).await.unwrap();
    (project, scope)
}

pub(crate) fn tokens(access: &str) -> Credential {
    Credential::OAuth2 {
        access_token: access.to_owned().into(),
        refresh_token: Some(format!("refresh of {access}").into()),
        expires_at: Some(after(7200)),
        scopes: vec!["repository".to_owned()],
    }
}

pub(crate) fn new_connection(group: &str, app: Option<&ProviderApp>) -> NewConnection {
    NewConnection {
        id: None,
        provider: "bitbucket".to_owned(),
        provider_app_id: app.map(|app| app.id.clone()),
        group_ref: group.to_owned(),
        consumer_ref: "ada".to_owned(),
        auth_scheme: "oauth2/authorizationCode".to_owned(),
        provider_metadata: json!({"workspace": {"value": "acme"}}),
        provider_workspace_ref: Some("acme".to_owned()),
        credential: tokens("first"),
    }
}

pub(crate) fn new_app() -> NewProviderApp {
    NewProviderApp {
        external_ref: None,
        provider: "bitbucket".to_owned(),
        client_id: "client".to_owned(),
        client_secret: "client secret".to_owned().into(),
        scopes: vec!["repository".to_owned()],
        metadata: None,
    }
}

pub(crate) fn new_destination(name: &str) -> NewDestination {
    NewDestination {
        name: name.to_owned(),
        kind: "webhook".to_owned(),
        metadata: json!({"url": "https://example.com/hook", "headers": {"x-team": "blue"}}),
    }
}

pub(crate) fn new_revision(name: &str, content: serde_json::Value) -> NewRevision {
    NewRevision {
        name: name.to_owned(),
        provider: "bitbucket".to_owned(),
        spec_version: "1.0.0".to_owned(),
        content,
    }
}

pub(crate) fn new_installation(world: &World, group: &str, connection: &str) -> NewInstallation {
    NewInstallation {
        integration_id: world.integration.id.clone(),
        revision_id: world.integration.latest_revision.id.clone(),
        planned_by: world.integration.latest_revision.id.clone(),
        connection_id: connection.to_owned(),
        group_ref: group.to_owned(),
        created_by: "consumer:ada".to_owned(),
        config: json!({"read": {}}),
        objects: Vec::new(),
    }
}

/// A project whose one installation reads `repositories`, the backfill due now.
pub(crate) async fn world(store: &Store, name: &str) -> World {
    let (project, scope) = project(store, name).await;
    let tenant = store.within(&scope);
    let provider_app = tenant.create_provider_app(new_app(), NOW).await.unwrap();
    let destination = tenant
        .create_destination(new_destination("hook"), NOW)
        .await
        .unwrap();
    tenant
        .upsert_group("acme", Some("Acme"), NOW)
        .await
        .unwrap();
    tenant.upsert_consumer("ada", None, NOW).await.unwrap();
    let connection = tenant
        .upsert_connection(new_connection("acme", Some(&provider_app)), NOW)
        .await
        .unwrap();
    let integration = tenant
        .deploy(vec![new_revision("sync", json!({"read": {}}))], false, NOW)
        .await
        .unwrap()
        .remove(0);
    let installation = tenant
        .install(
            NewInstallation {
                integration_id: integration.id.clone(),
                revision_id: integration.latest_revision.id.clone(),
                planned_by: integration.latest_revision.id.clone(),
                connection_id: connection.id.clone(),
                group_ref: "acme".to_owned(),
                created_by: "consumer:ada".to_owned(),
                config: json!({"read": {}}),
                objects: vec![NewSync {
                    object_name: "repositories".to_owned(),
                    run: Some(ReadType::Backfill),
                    since: None,
                    watermark: None,
                    due_at: None,
                }],
            },
            NOW,
        )
        .await
        .unwrap();
    World {
        scope,
        project,
        provider_app,
        destination,
        connection,
        integration,
        installation,
    }
}

/// The one lease that is due.
pub(crate) async fn claim(store: &Store, owner: &str, now: Timestamp) -> Lease {
    let mut leases = store.claim(&[Kind::READ], owner, 10, now).await.unwrap();
    assert_eq!(leases.len(), 1, "one row is due");
    leases.remove(0)
}

pub(crate) fn message(world: &World, operation_id: &str, body: MessageBody) -> NewMessage {
    NewMessage {
        id: ids::new(),
        destination_id: world.destination.id.clone(),
        installation_id: world.installation.id.clone(),
        operation_id: operation_id.to_owned(),
        body,
        num_records: 1,
    }
}

/// A page that only moves the position.
pub(crate) fn page(position: &str) -> PageCommit {
    PageCommit {
        position: Some(position.to_owned()),
        messages: Vec::new(),
        seen: Vec::new(),
        records: 0,
        estimated_total: None,
        logs: Vec::new(),
        end: None,
        afterwards: Afterwards::Hold,
    }
}

/// A connection past the store, to look at and to break what it keeps.
pub(crate) async fn behind(store: &TestStore) -> DatabaseConnection {
    let url = &store.settings.url;
    let mut options = sea_orm::ConnectOptions::new(url.clone());
    options.max_connections(1).sqlx_logging(false);
    if let Some(schema) = &store.settings.schema {
        options.set_schema_search_path(schema.clone());
    }
    Database::connect(options).await.unwrap()
}

/// The due work of a new project that reads that many objects.
pub(crate) async fn subjects(store: &Store, count: usize) -> Vec<String> {
    let (_, scope) = project(store, &ids::new()).await;
    let tenant = store.within(&scope);
    tenant.upsert_group("acme", None, NOW).await.unwrap();
    tenant.upsert_consumer("ada", None, NOW).await.unwrap();
    let connection = new_connection("acme", None);
    let connection = tenant.upsert_connection(connection, NOW).await.unwrap();
    let revisions = vec![new_revision("sync", json!({}))];
    let integration = tenant
        .deploy(revisions, false, NOW)
        .await
        .unwrap()
        .remove(0);
    let objects = (0..count).map(|n| NewSync {
        object_name: format!("object {n}"),
        run: Some(ReadType::Backfill),
        since: None,
        watermark: None,
        due_at: None,
    });
    let new = NewInstallation {
        integration_id: integration.id,
        planned_by: integration.latest_revision.id.clone(),
        revision_id: integration.latest_revision.id,
        connection_id: connection.id,
        group_ref: "acme".to_owned(),
        created_by: "operator".to_owned(),
        config: json!({}),
        objects: objects.collect(),
    };
    tenant.install(new, NOW).await.unwrap();
    let leases = store.claim(&[Kind::READ], "setup", 99, NOW).await.unwrap();
    for lease in &leases {
        store.finish(lease, Some(NOW), NOW).await.unwrap();
    }
    leases.into_iter().map(|lease| lease.subject_id).collect()
}
