//! `/projects/{p}/request-budgets`.

use serde_json::json;
use testing::TestStore;

use crate::world::steps::{GROUP, both};
use crate::world::{MANIFEST, World, path};

testing::both!(
    shows_what_is_used_by_whom_and_no_secret,
    another_project_sees_its_own,
);

async fn shows_what_is_used_by_whom_and_no_secret(store: TestStore) {
    let world = World::start(store).await;
    let app = world.provider_app().await;
    let budgets = world.api.get(&path("/request-budgets")).await.json(200);
    // Before the first call: the published limits of both groups.
    assert_eq!(budgets.as_array().unwrap().len(), 2);
    assert_eq!(budgets[0]["group"], "repositories");
    assert_eq!(
        (&budgets[0]["limit"], &budgets[0]["used"]),
        (&json!(1000), &json!(0))
    );
    assert_eq!(budgets[0]["windowSeconds"], 3600);
    assert_eq!(budgets[0]["providerAppId"], app["id"]);

    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect(GROUP).await;
    let installation = world.install(both()).await;
    world.ended(&installation).await;
    let answer = world.api.get(&path("/request-budgets")).await;
    let text = answer.text();
    let budgets = answer.json(200);
    let repositories = &budgets[0];
    let made = world.provider.calls("/2.0/repositories").await.len();
    assert!(made >= 3, "230 repositories are three pages and more");
    assert_eq!(repositories["used"], made, "{budgets:#}");
    assert_eq!(
        repositories["lanes"],
        json!({
            "interactive": { "used": 0, "guaranteed": 100, "waiting": 0 },
            "scheduled": { "used": 0, "guaranteed": 100, "waiting": 0 },
            "backfill": { "used": made, "guaranteed": 200, "waiting": 0 },
        })
    );
    assert_eq!(
        repositories["installations"],
        json!([{
            "installationId": installation["id"], "used": made,
            "interactive": 0, "scheduled": 0, "backfill": made,
        }])
    );
    assert!(repositories.get("blockedUntil").is_none());
    // What a bucket is called inside is made from the credential.
    let state = world
        .engine
        .store
        .budget_snapshot(world.now())
        .await
        .unwrap();
    let bucket = state.iter().find(|budget| budget.group == "repositories");
    let hash = &bucket.unwrap().bucket[..8];
    for secret in [hash, &world.provider.options.client_secret] {
        assert!(!text.contains(secret), "{text}");
    }

    // A 429 is seen, and until when it keeps everyone from calling.
    let limited = json!({ "kind": "rate_limited", "retry_after": 300 });
    world
        .provider
        .fault("/2.0/repositories", 1, 1, limited)
        .await;
    world.clock.advance(jiff::SignedDuration::from_hours(30));
    world
        .until("the gate", async || {
            let budgets = world.api.get(&path("/request-budgets")).await.json(200);
            budgets[0]["blockedUntil"].as_str().map(str::to_owned)
        })
        .await;
}

async fn another_project_sees_its_own(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.add_project("other").await;
    let key = world.add_key("other", &[]).await;
    let other = world.api.with_key(&key);
    assert_eq!(
        other
            .get("/v1/projects/other/request-budgets")
            .await
            .json(200),
        json!([])
    );
    other.get(&path("/request-budgets")).await.problem(404);
    let browser = world.add_key("other", &["frontend"]).await;
    let browser = world.api.with_key(&browser);
    browser
        .get("/v1/projects/other/request-budgets")
        .await
        .problem(403);
}
