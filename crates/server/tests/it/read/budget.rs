//! A budget that lets one call in five through, from the worker to a provider
//! that enforces its limit: nobody starves and nobody is refused.

use engine::BudgetOverride;
use engine::calls::{Caller, Lane};
use serde_json::json;
use testing::TestStore;

use crate::world::steps::{everything, install_body, installations};
use crate::world::{Plan, World, provider};

testing::both!(a_crowd_under_a_tight_limit_is_served_in_order);

/// Calls in a window, there and here.
const LIMIT: u32 = 20;
const WINDOW_S: u32 = 4;
/// Our window is longer: real calls of a busy machine may take their time to
/// arrive, and windows as short as this have no margin for it.
const OUR_WINDOW_S: u32 = 8;
/// Customers besides the one with the long backfill.
const OTHERS: usize = 8;

const MANIFEST: &str = "specVersion: 1.0.0
integrations:
  - name: bitbucket-sync
    provider: bitbucket
    read:
      objects:
        - objectName: repositories
          destination: inbox
          schedule: \"0 * * * *\"
          requiredFields: [{fieldName: uuid}]
          backfill: {defaultPeriod: {fullHistory: true}}
";

async fn a_crowd_under_a_tight_limit_is_served_in_order(store: TestStore) {
    let plan = Plan {
        sandbox: sandbox::Options {
            // Seventy pages for the first, as many for each of the others.
            repositories: 7_000,
            rate_limit: Some(LIMIT),
            rate_window_seconds: u64::from(WINDOW_S),
            ..provider::small()
        },
        budgets: vec![BudgetOverride {
            group: bitbucket::REPOSITORIES_GROUP,
            limit: LIMIT,
            window_s: OUR_WINDOW_S,
        }],
        ..Plan::default()
    };
    let world = World::planned(store, plan).await;
    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    world.connect("first").await;
    let objects = json!({ "repositories": everything("repositories") });
    let install = async |group: &str| {
        let body = install_body(group, objects.clone());
        world.api.post(&installations(), &body).await.json(201)
    };
    let first = install("first").await;
    let mut others = Vec::new();
    for n in 0..OTHERS {
        let group = format!("other-{n}");
        world.connect(&group).await;
        others.push(install(&group).await);
    }
    // Everyone has a turn, however long the first one's backfill is; and people
    // are served meanwhile.
    let connection = first["connection"]["id"].as_str().unwrap().to_owned();
    let connector = world.engine.registry.get("bitbucket").unwrap().clone();
    let mut request = connector::Request::get(format!(
        "{}/2.0/repositories/acme?pagelen=1",
        world.provider.url()
    ));
    request.group = Some(bitbucket::REPOSITORIES_GROUP);
    let mut people = 0;
    world
        .until("a page for everyone", async || {
            // Two in a window are a tenth.
            if people < 2 {
                let caller = Caller::Connection(&connection);
                let calls = world.engine.calls();
                let sent = calls.send(connector.as_ref(), caller, Lane::Interactive, &request);
                assert_eq!(sent.await.unwrap().status, 200);
                people += 1;
            }
            let mut served = 0;
            for installation in &others {
                let operations = world.operations(installation).await;
                let progress = &operations["repositories"]["metadata"]["progress"];
                served += usize::from(progress["recordsProcessed"].as_u64() > Some(0));
            }
            (served == OTHERS).then_some(())
        })
        .await;
    assert_eq!(people, 2);
    let stats = world.provider.stats().await;
    assert_eq!(stats["rate_limited"], 0, "{stats:#}");
    let backfill = &world.operations(&first).await["repositories"];
    assert_eq!(backfill["status"], "in_progress");
}
