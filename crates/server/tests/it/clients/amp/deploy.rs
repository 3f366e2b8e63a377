//! `amp deploy`: the integrations as they are, a place for the zip, the zip, the batch.

use serde_json::json;
use testing::TestStore;

use super::answers::Integration;
use super::{Amp, Choice, handle, md5, zip};
use crate::world::steps::{GROUP, everything, install_body, installations};
use crate::world::{MANIFEST, World, path};

testing::both!(
    a_manifest_is_deployed_and_deployed_again,
    who_reads_what_is_removed_is_asked_about,
    a_zip_that_changed_on_its_way_is_refused,
    only_the_place_that_was_issued_is_deployed,
    a_place_of_another_project_is_foreign
);

/// Without the object `repositories`.
fn smaller() -> String {
    let (head, rest) = MANIFEST
        .split_once("        - objectName: repositories")
        .unwrap();
    let (_, tail) = rest.split_once("        - objectName: projects").unwrap();
    format!("{head}        - objectName: projects{tail}")
}

async fn a_manifest_is_deployed_and_deployed_again(store: TestStore) {
    let world = World::idle(store).await;
    let mut amp = Amp::new(&world);
    let deployed = amp.deploy(MANIFEST, Choice::Keep).await.unwrap();
    assert_eq!(deployed, ["bitbucket-sync"]);
    // `--project` takes the id as well.
    let project = world.api.get(&path("")).await.json(200);
    project["id"].as_str().unwrap().clone_into(&mut amp.project);
    let second = MANIFEST.replace("bitbucket-sync", "second");
    let second = format!(
        "{MANIFEST}\n{}",
        second.split_once("integrations:\n").unwrap().1
    );
    let deployed = amp.deploy(&second, Choice::Keep).await.unwrap();
    assert_eq!(deployed, ["bitbucket-sync", "second"]);
    let listed: Vec<Integration> = amp.get(&amp.path("/integrations")).await.unwrap();
    for integration in &listed {
        let content = &integration.latest_revision.content;
        assert_eq!(content.objects(), ["repositories", "projects"]);
        assert!(content.fields_are_told_apart());
    }
    // What is wrong with a manifest is printed whole.
    let broken = MANIFEST.replace("objectName: projects", "objectName: project");
    let refused = amp.deploy(&broken, Choice::Keep).await.unwrap_err();
    let problem = refused.problem(422);
    let causes = problem.causes.unwrap_or_default().join("\n");
    assert!(causes.contains("objectName: Bitbucket has no"), "{causes}");
}

async fn who_reads_what_is_removed_is_asked_about(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    let amp = Amp::new(&world);
    amp.deploy(MANIFEST, Choice::Keep).await.unwrap();
    let asks = amp.loses_reads(&smaller()).await;
    assert!(!asks, "nobody has installed it yet");
    for (group, choice, status) in [
        (GROUP, Choice::Keep, "success"),
        ("customer-2", Choice::Stop, "failure"),
    ] {
        amp.deploy(MANIFEST, Choice::Keep).await.unwrap();
        world.connect(group).await;
        let barrier = world.provider.park("/2.0/repositories/acme", 2).await;
        let objects = json!({ "repositories": everything("repositories") });
        let body = install_body(group, objects);
        let there = installations();
        let installation = world.api.post(&there, &body).await.json(201);
        world.provider.parked(barrier).await;
        assert!(amp.loses_reads(&smaller()).await);
        assert!(!amp.loses_reads(MANIFEST).await);
        amp.deploy(&smaller(), choice).await.unwrap();
        world.provider.release(barrier).await;
        // Kept, the read goes on by its last definition; stopped, it has ended.
        let read = world.ended(&installation).await["repositories"].clone();
        assert_eq!(read["status"], status, "{choice:?}: {read}");
    }
}

async fn a_zip_that_changed_on_its_way_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let (right, wrong) = (zip(MANIFEST), zip(&smaller()));
    let place = amp.place(&md5(&right)).await.unwrap();
    for (body, announced) in [(&wrong, &right), (&wrong, &wrong), (&right, &wrong)] {
        let refused = amp.upload(&place, body, &md5(announced)).await;
        let problem = refused.problem(400);
        assert!(problem["detail"].as_str().unwrap().contains("MD5"));
    }
    // Nothing has come, so there is nothing to deploy.
    let refused = amp.batch(&handle(&place), false).await.unwrap_err();
    refused.problem(422);
    let stored = amp.upload(&place, &right, &md5(&right)).await;
    assert!(stored.status.is_success());
    let deployed = amp.batch(&handle(&place), false).await.unwrap();
    assert_eq!(deployed, ["bitbucket-sync"]);
}

async fn only_the_place_that_was_issued_is_deployed(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let zip = zip(MANIFEST);
    let place = amp.place(&md5(&zip)).await.unwrap();
    amp.upload(&place, &zip, &md5(&zip)).await;
    let ours = handle(&place);
    let (bucket, file) = ours.rsplit_once('/').unwrap();
    for foreign in [
        format!("gs://ampersand-dev-deploy-uploads/{file}"),
        format!("gs://somebody-else/uploads/v1/{file}"),
        format!("{bucket}/{file}-2"),
        format!("{bucket}/../{file}"),
        ours.replace("gs://", "https://"),
    ] {
        let refused = amp.batch(&foreign, false).await.unwrap_err();
        let problem = refused.problem(422);
        assert!(problem.remedy.is_some(), "{foreign}: {problem:?}");
    }
    let none: Vec<Integration> = amp.get(&amp.path("/integrations")).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    assert!(amp.batch(&ours, true).await.is_ok());
}

async fn a_place_of_another_project_is_foreign(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let zip = zip(MANIFEST);
    let place = amp.place(&md5(&zip)).await.unwrap();
    amp.upload(&place, &zip, &md5(&zip)).await;
    world.add_project("other").await;
    let other = Amp {
        api: world.api.with_key(&world.add_key("other", &[]).await),
        project: "other".to_owned(),
    };
    let refused = other.batch(&handle(&place), false).await.unwrap_err();
    refused.problem(422);
    // Nor can it deploy to a project that is not its own.
    let astray = Amp {
        api: other.api.clone(),
        project: amp.project.clone(),
    };
    let refused = astray.batch(&handle(&place), false).await.unwrap_err();
    refused.problem(404);
}
