//! What the provider does wrong, and that nothing is lost by it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::World;
use crate::world::steps::{GROUP, both, everything, install_body, installations};

testing::both!(
    a_rate_limit_closes_the_gate_for_a_while,
    pages_that_fail_are_asked_for_again,
    a_next_that_leads_elsewhere_is_not_followed,
    a_failure_that_lasts_ends_the_read,
    an_unknown_workspace_is_named,
    a_missing_permission_is_named,
);

const REPOSITORIES: &str = "/2.0/repositories/acme";
const PROJECTS: &str = "/2.0/workspaces/acme/projects";

/// Moves the clock until all operations have ended.
async fn driven_to_the_end(world: &World, installed: &Value, by: SignedDuration) -> Value {
    let operations = world
        .until("the end of the reads", async || {
            let operations = world.operations(installed).await;
            let over = operations
                .values()
                .all(|operation| operation["status"] != "in_progress");
            if !over {
                world.clock.advance(by);
            }
            over.then_some(operations)
        })
        .await;
    operations.values().next().unwrap().clone()
}

/// Each of these many records came, and none twice.
async fn assert_whole(world: &World, count: usize) {
    let entries = world.arrived(count).await;
    let all: Vec<&Value> = entries.values().flatten().collect();
    let keys: BTreeSet<&str> = all
        .iter()
        .map(|entry| entry["raw"]["uuid"].as_str().unwrap())
        .collect();
    assert_eq!((all.len(), keys.len()), (count, count));
}

async fn a_rate_limit_closes_the_gate_for_a_while(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    // In the middle of the read, in plain text, without a word about when.
    world
        .provider
        .fault(REPOSITORIES, 2, 1, json!({ "kind": "rate_limited" }))
        .await;
    let installed = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    world
        .until("the limit to be met", async || {
            let operation = world.operations(&installed).await.remove("repositories")?;
            let log = world.log(&operation).await;
            log.contains("rate_limited").then_some(())
        })
        .await;
    let operation = &world.operations(&installed).await["repositories"];
    assert_eq!(operation["status"], "in_progress");
    assert_eq!(operation["metadata"]["progress"]["recordsProcessed"], 100);
    // Past the read's own wait, but not past the gate's: nobody calls.
    world.clock.advance(SignedDuration::from_secs(30));
    let calls = world.provider.calls(REPOSITORIES).await.len();
    assert_eq!(calls, 2);
    // Another customer of the same consumer meets the same gate, for repositories
    // alone: projects are not counted there.
    world.connect("customer-2").await;
    let body = install_body("customer-2", both());
    let second = world.api.post(&installations(), &body).await.json(201);
    world
        .until("the second customer's projects", async || {
            let projects = world.operations(&second).await.remove("projects")?;
            (projects["status"] == "success").then_some(())
        })
        .await;
    assert_eq!(world.provider.calls(REPOSITORIES).await.len(), 2);
    world.clock.advance(SignedDuration::from_secs(45));
    for installed in [&installed, &second] {
        assert_eq!(
            world.ended(installed).await["repositories"]["status"],
            "success"
        );
    }
    world.arrived(460 + 12).await;
    let counts = world.provider.stats().await;
    assert_eq!(counts["rate_limited"], 1, "{counts}");
}

async fn pages_that_fail_are_asked_for_again(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let html =
        json!({ "kind": "respond", "status": 503, "body": "<html>Atlassian is down</html>" });
    let ok_html = json!({ "kind": "respond", "status": 200, "body": "<html>Welcome</html>" });
    for (nth, action) in [
        (1, json!({ "kind": "html_error" })),
        (2, html),
        (4, json!({ "kind": "truncate", "keep_bytes": 5000 })),
        (5, json!({ "kind": "close" })),
        (7, ok_html),
    ] {
        world.provider.fault(REPOSITORIES, nth, 1, action).await;
    }
    let installed = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    let operation = driven_to_the_end(&world, &installed, SignedDuration::from_secs(1)).await;
    assert_eq!(operation["status"], "success", "{operation}");
    assert_eq!(operation["metadata"]["progress"]["recordsProcessed"], 230);
    assert_whole(&world, 230).await;
    let log = world.log(&operation).await;
    assert!(log.contains("WARNING") && log.contains("503"), "{log}");
    assert!(
        !log.contains("<html>") && !log.contains("Atlassian is down"),
        "{log}"
    );
}

async fn a_next_that_leads_elsewhere_is_not_followed(store: TestStore) {
    let mut plan = crate::world::Plan::default();
    plan.sandbox.projects = 130;
    let world = World::planned(store, plan).await;
    world.prepare().await;
    let elsewhere = world.receiver.url("");
    world
        .provider
        .fault(
            PROJECTS,
            1,
            0,
            json!({ "kind": "foreign_next", "origin": elsewhere }),
        )
        .await;
    let installed = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let operation = world
        .until("the refusal", async || {
            let operation = world.operations(&installed).await.remove("projects")?;
            world
                .log(&operation)
                .await
                .contains("another origin")
                .then_some(operation)
        })
        .await;
    assert_eq!(operation["status"], "in_progress");
    // When it leads on again, the read goes on.
    world.provider.mend().await;
    let operation = driven_to_the_end(&world, &installed, SignedDuration::from_secs(5)).await;
    assert_eq!(operation["status"], "success", "{operation}");
    assert_whole(&world, 130).await;
    let strays = world
        .receiver
        .deliveries()
        .into_iter()
        .filter(|delivery| delivery.path != "/inbox");
    assert_eq!(strays.count(), 0, "the credential went elsewhere");
}

async fn a_failure_that_lasts_ends_the_read(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world
        .provider
        .fault(PROJECTS, 1, 0, json!({ "kind": "html_error" }))
        .await;
    let installed = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let operation = driven_to_the_end(&world, &installed, SignedDuration::from_hours(1)).await;
    assert_eq!(operation["status"], "failure");
    let result = operation["result"].as_str().unwrap();
    assert!(
        result.contains("500") && result.contains("start the read again"),
        "{result}"
    );
    // Ten attempts; the clock may leap over the lease of one before it has called.
    let calls = world.provider.calls(PROJECTS).await.len();
    assert!((8..=40).contains(&calls), "{calls} calls");
}

async fn an_unknown_workspace_is_named(store: TestStore) {
    let world = World::start(store).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(crate::world::MANIFEST).await;
    let mut body = world.connect_body(GROUP);
    body["providerMetadata"]["workspace"]["value"] = json!("no-such-workspace");
    world.connect_as(&body).await;
    let installed = world.install(both()).await;
    let operations = world.ended(&installed).await;
    for operation in operations.values() {
        assert_eq!(operation["status"], "failure", "{operation}");
        let result = operation["result"].as_str().unwrap();
        assert!(
            result.contains("no-such-workspace") && result.contains("Check the workspace"),
            "{result}"
        );
        assert!(world.log(operation).await.contains("not_found"));
    }
    // Not asked for again and again.
    assert_eq!(world.provider.calls("/2.0/").await.len(), 2);
}

async fn a_missing_permission_is_named(store: TestStore) {
    let mut plan = crate::world::Plan::default();
    plan.sandbox.scopes = vec!["account".to_owned(), "repository".to_owned()];
    let world = World::planned(store, plan).await;
    world.prepare().await;
    let installed = world.install(both()).await;
    let operations = world.ended(&installed).await;
    // It harms no other object.
    assert_eq!(operations["repositories"]["status"], "success");
    assert_eq!(operations["projects"]["status"], "failure");
    let result = operations["projects"]["result"].as_str().unwrap();
    assert!(
        result.contains("project") && result.contains("connect again"),
        "{result}"
    );
    let log = world.log(&operations["projects"]).await;
    assert!(
        log.contains("\"required\":\"project\"") && log.contains("forbidden"),
        "{log}"
    );
    world.arrived(230).await;
}
