//! The `list:*` commands: bare arrays without nulls, and times as Go reads them.

use std::collections::BTreeMap;

use serde_json::json;
use testing::TestStore;

use super::Amp;
use super::answers::{
    Connection, Installation, Integration, Operations, Project, Provider, ProviderApp,
};
use crate::world::steps::{GROUP, both};
use crate::world::{PROJECT, World};

testing::both!(
    everything_is_listed_as_it_is_decoded,
    what_is_empty_is_an_empty_list
);

async fn everything_is_listed_as_it_is_decoded(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    world.ended(&installed).await;
    let amp = Amp::new(&world);
    let projects: Vec<Project> = amp.get("/projects").await.unwrap();
    assert_eq!(projects.len(), 1);
    assert_eq!(projects[0].name, PROJECT);

    // `list:integrations`: one more call for each of them.
    let integrations: Vec<Integration> = amp.get(&amp.path("/integrations")).await.unwrap();
    assert_eq!(integrations.len(), 1);
    let there = format!("/integrations/{}/installations", integrations[0].id);
    let installations: Vec<Installation> = amp.get(&amp.path(&there)).await.unwrap();
    assert_eq!(installations.len(), 1);
    let installation = &installations[0];
    assert_eq!(installation.group.group_ref, GROUP);
    assert_eq!(
        installation.group.group_name.as_deref(),
        Some("Customer One")
    );
    assert_eq!(installation.health_status.as_deref(), Some("healthy"));
    let config = installation.config.as_ref().unwrap();
    assert!(config.content["read"]["objects"].is_object());
    let connection = installation.connection.as_ref().unwrap();

    // `get:installation` and `list:operations`, by the integration's name too.
    for integration in ["bitbucket-sync", &integrations[0].id] {
        let there = format!(
            "/integrations/{integration}/installations/{}",
            installation.id
        );
        let one: Installation = amp.get(&amp.path(&there)).await.unwrap();
        assert_eq!(one.id, installation.id);
        let operations: Operations = amp
            .get(&amp.path(&format!("{there}/operations")))
            .await
            .unwrap();
        let latest = operations
            .results
            .iter()
            .max_by_key(|one| one.create_time.0);
        let latest = latest.unwrap();
        assert_eq!(latest.installation_id, installation.id);
        assert_eq!(
            (latest.action_type.as_str(), latest.status.as_str()),
            ("read", "success")
        );
        assert!(!latest.id.is_empty());
    }

    let connections: Vec<Connection> = amp.get(&amp.path("/connections")).await.unwrap();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].id, connection.id);
    assert_eq!(connections[0].status, "working");
    assert!(connections[0].provider_app.is_some());
    let apps: Vec<ProviderApp> = amp.get(&amp.path("/provider-apps")).await.unwrap();
    assert_eq!(apps.len(), 1);
    assert_eq!(
        (apps[0].provider.as_str(), apps[0].client_id.as_str()),
        ("bitbucket", "sandbox-client")
    );
    assert_eq!(apps[0].client_secret, None);
    let destinations = amp.destinations().await;
    assert_eq!(destinations.len(), 1);
    assert_eq!(
        destinations[0].metadata.url,
        Some(world.receiver.url("/inbox"))
    );
    let headers = BTreeMap::from([("X-App".to_owned(), "acme".to_owned())]);
    assert_eq!(destinations[0].metadata.headers, Some(headers));

    // `init` offers what it finds in the catalogue.
    let catalogue: BTreeMap<String, Provider> = amp.get("/providers").await.unwrap();
    let bitbucket = &catalogue["bitbucket"];
    assert_eq!(bitbucket.name, "bitbucket");
    assert!(bitbucket.display_name.is_some() && bitbucket.support.read);
}

async fn what_is_empty_is_an_empty_list(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    for rest in [
        "/integrations",
        "/destinations",
        "/connections",
        "/provider-apps",
    ] {
        let none: serde_json::Value = amp.get(&amp.path(rest)).await.unwrap();
        assert_eq!(none, json!([]), "{rest}");
    }
}
