//! Calls as operations: method, path, status, duration; never a query, never a body.

use serde_json::Value;
use testing::TestStore;

use super::{get, id, idle, installed, planned};
use crate::world::steps::installations;
use crate::world::{Plan, World};

testing::both!(
    a_call_is_an_operation,
    the_dashboard_names_a_call_and_counts_it_among_no_reads,
    where_none_is_kept_none_is,
    a_project_may_want_none
);

async fn operations(world: &World, installation: &Value) -> Vec<Value> {
    let path = format!("{}/{}/operations", installations(), id(installation));
    let page = world.api.get(&path).await.json(200);
    page["results"].as_array().unwrap().clone()
}

async fn a_call_is_an_operation(store: TestStore) {
    let (world, installation) = installed(store).await;
    get(&world, &installation, "/2.0/user?secret=hidden")
        .await
        .passed(200);
    let missing = "/2.0/repositories/acme/none";
    assert_eq!(get(&world, &installation, missing).await.status, 404);
    let kept = world
        .until("two operations", async || {
            let kept = operations(&world, &installation).await;
            (kept.len() == 2).then_some(kept)
        })
        .await;
    // The newest comes first.
    for (operation, (what, status)) in kept.iter().zip([
        (
            "GET /2.0/repositories/acme/none answered 404 in ",
            "failure",
        ),
        ("GET /2.0/user answered 200 in ", "success"),
    ]) {
        assert_eq!(operation["actionType"], "proxy");
        assert_eq!(operation["status"], status);
        assert_eq!(operation["installationId"], installation["id"]);
        assert_eq!(operation["configId"], installation["config"]["id"]);
        let result = operation["result"].as_str().unwrap();
        assert!(
            result.starts_with(what) && result.ends_with(" ms"),
            "{result}"
        );
        assert!(!operation.to_string().contains("hidden"), "{operation}");
        assert_eq!(operation["metadata"]["objects"], serde_json::json!([]));
    }
    // Nothing of it says how the installation's reads go.
    let path = format!("{}/{}", installations(), id(&installation));
    let shown = world.api.get(&path).await.json(200);
    assert_eq!(shown["healthStatus"], "healthy", "{shown}");
}

async fn the_dashboard_names_a_call_and_counts_it_among_no_reads(store: TestStore) {
    let (world, installation) = installed(store).await;
    let missing = "/2.0/repositories/acme/none";
    assert_eq!(get(&world, &installation, missing).await.status, 404);
    let kept = world
        .until("the operation", async || {
            operations(&world, &installation).await.pop()
        })
        .await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    for (query, rows) in [("", 1), ("?type=proxy", 1), ("?type=read", 0)] {
        let list = browser.get(&format!("{pages}/operations{query}")).await;
        let list = list.text();
        assert_eq!(list.matches(">Proxied call</a>").count(), rows, "{list}");
        assert!(!list.contains("0 records"), "{list}");
    }
    let one = format!("{pages}/operations/{}", kept["id"].as_str().unwrap());
    let page = browser.get(&one).await.text();
    assert!(page.contains("<h1>Proxied call</h1>") && page.contains("answered 404 in"));
    assert!(page.contains("went to the app that called"), "{page}");
    assert!(!page.contains("read it again"), "{page}");
    let of_customer = format!("{pages}/installations/{}", id(&installation));
    let page = browser.get(&of_customer).await.text();
    assert!(!page.contains("answered 404 in"), "{page}");
    let overview = browser.get(&pages).await.text();
    assert!(overview.contains("<strong>0</strong> failed reads"));
}

async fn where_none_is_kept_none_is(store: TestStore) {
    let plan = Plan {
        proxy_sample: 0.0,
        ..idle()
    };
    let (world, installation) = planned(store, plan).await;
    for _ in 0..3 {
        get(&world, &installation, "/2.0/user").await.passed(200);
    }
    world.engine.tokens_settled().await;
    assert!(operations(&world, &installation).await.is_empty());
}

async fn a_project_may_want_none(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.clock.stop();
    let calls = async |kept: usize| {
        get(&world, &installation, "/2.0/user").await.passed(200);
        world.engine.tokens_settled().await;
        assert_eq!(operations(&world, &installation).await.len(), kept);
    };
    let mut browser = world.owners_browser().await;
    let settings = format!("{}/settings", world.pages().await);
    let place = format!("{settings}/proxied-calls");
    calls(1).await;
    // It counts at once, though a pass is kept, and whoever presses twice means it.
    let page = browser.get(&settings).await;
    assert!(page.text().contains(">Keep no more of them</button>"));
    for _ in 0..2 {
        let done = browser.submit(&page, &place, &[("keep", "no")]).await;
        assert!(done.text().contains("No more proxied calls are kept."));
        assert!(done.text().contains(">Keep them</button>"));
    }
    calls(1).await;
    // Names are changed without it.
    let names = [("name", crate::world::PROJECT), ("app_name", "Acme")];
    browser.submit(&page, &settings, &names).await;
    calls(1).await;
    let page = browser.get(&settings).await;
    let done = browser.submit(&page, &place, &[("keep", "yes")]).await;
    assert!(done.text().contains("Proxied calls are kept from now on."));
    calls(2).await;
    let log = world.api.get(&crate::world::path("/audit-log")).await;
    assert!(log.text().contains("project.update"), "{}", log.text());
}
