//! The `delete:*` commands: any 2xx will do, and of a refusal only the status is seen.

use testing::TestStore;

use super::answers::{Installation, Integration};
use super::{Amp, Choice, Refusal};
use crate::world::steps::both;
use crate::world::{MANIFEST, World};

testing::both!(
    an_installation_is_deleted,
    an_integration_is_deleted_with_its_installations
);

async fn an_installation_is_deleted(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let amp = Amp::new(&world);
    let integrations: Vec<Integration> = amp.get(&amp.path("/integrations")).await.unwrap();
    let all = amp.path(&format!(
        "/integrations/{}/installations",
        integrations[0].id
    ));
    let one = format!("{all}/{}", installed["id"].as_str().unwrap());
    amp.delete(&one).await.unwrap();
    let left: Vec<Installation> = amp.get(&all).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    let again = amp.delete(&one).await.unwrap_err();
    assert!(matches!(again, Refusal::Status(404)), "{again:?}");
    // It can be deployed anew without asking anybody.
    let other = MANIFEST.replace("objectName: projects", "objectName: hooks");
    assert!(!amp.loses_reads(&other).await);
}

async fn an_integration_is_deleted_with_its_installations(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let amp = Amp::new(&world);
    let list = amp.path("/integrations");
    let integrations: Vec<Integration> = amp.get(&list).await.unwrap();
    let one = format!("{list}/{}", integrations[0].id);
    amp.delete(&one).await.unwrap();
    let left: Vec<Integration> = amp.get(&list).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    let again = amp.delete(&one).await.unwrap_err();
    assert!(matches!(again, Refusal::Status(404)), "{again:?}");
    // And deployed anew, under the name that is free again.
    let deployed = amp.deploy(MANIFEST, Choice::Keep).await.unwrap();
    assert_eq!(deployed, ["bitbucket-sync"]);
}
