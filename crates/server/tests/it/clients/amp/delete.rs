//! The `delete:*` commands: any 2xx will do, and of a refusal only the status is seen.

use testing::TestStore;

use super::answers::{Installation, Integration};
use super::{Amp, Refusal};
use crate::world::steps::both;
use crate::world::{MANIFEST, World};

testing::both!(an_installation_is_deleted);

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
