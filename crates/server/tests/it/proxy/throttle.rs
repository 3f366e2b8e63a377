//! What a client is told when it is too much: by the provider, or by the budget.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::{for_installation, get, idle, installed, planned};
use crate::world::{Answer, Plan, World};

testing::both!(
    throttled_calls_are_refused_here_until_it_is_time,
    a_call_that_is_not_throttled_gets_the_providers_own_answer,
    calls_are_counted_in_the_budget_of_their_group,
);

const PROJECTS: &str = "/2.0/workspaces/acme/projects";

async fn throttled(world: &World, installation: &Value, path: &str) -> Answer {
    let mut headers = for_installation(installation);
    headers.push(("x-amp-rate-limiter-mode", "throttle"));
    world
        .api
        .send(Method::GET, path, Vec::new(), &headers)
        .await
}

async fn throttled_calls_are_refused_here_until_it_is_time(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.clock.stop();
    let limited = json!({ "kind": "rate_limited", "retry_after": 30 });
    world.provider.fault(PROJECTS, 1, 1, limited).await;
    let passed = throttled(&world, &installation, PROJECTS).await;
    assert_eq!(passed.status, 429);
    assert_eq!(
        passed.text(),
        "Rate limit for this resource has been exceeded"
    );
    let recommended = passed.header("x-amp-retry-after").to_owned();
    let date = recommended.strip_suffix(" UTC").unwrap();
    let at = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S", date).unwrap();
    let at = at
        .to_datetime()
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp();
    let wait = at.duration_since(world.now()).as_secs();
    assert!(
        (29..=40).contains(&wait),
        "{recommended}, {wait} s from now"
    );
    assert_eq!(passed.header("x-amp-retryable"), "true");
    let retry_after: i64 = passed.header("retry-after").parse().unwrap();
    assert!((29..=40).contains(&retry_after), "{retry_after}");
    // Here, with the same words; on whichever path is counted in the same group.
    let calls = world.provider.calls("/2.0/").await.len();
    for path in [PROJECTS, "/2.0/user"] {
        let refused = throttled(&world, &installation, path).await;
        refused.problem(429);
        assert_eq!(refused.header("x-amp-retry-after"), recommended);
        assert_eq!(refused.header("x-amp-retryable"), "true");
        assert_eq!(refused.header("retry-after"), passed.header("retry-after"));
    }
    assert_eq!(world.provider.calls("/2.0/").await.len(), calls);
    // Repositories are counted apart.
    throttled(&world, &installation, "/2.0/repositories/acme")
        .await
        .passed(200);
    // When it is time the first call tries, and then all may.
    world.clock.advance(SignedDuration::from_secs(retry_after));
    let answer = throttled(&world, &installation, PROJECTS).await;
    assert_eq!(answer.header("x-amp-retry-after"), "");
    answer.passed(200);
    throttled(&world, &installation, PROJECTS).await.passed(200);
}

async fn a_call_that_is_not_throttled_gets_the_providers_own_answer(store: TestStore) {
    let (world, installation) = installed(store).await;
    let limited = json!({ "kind": "rate_limited" });
    world.provider.fault(PROJECTS, 1, 1, limited).await;
    let passed = get(&world, &installation, PROJECTS).await;
    assert_eq!(passed.status, 429);
    for header in ["x-amp-retry-after", "x-amp-retryable", "retry-after"] {
        assert_eq!(passed.header(header), "", "{header}");
    }
}

async fn calls_are_counted_in_the_budget_of_their_group(store: TestStore) {
    let plan = Plan {
        budgets: vec![engine::BudgetOverride {
            group: bitbucket::REPOSITORIES_GROUP,
            limit: 3,
            window_s: 3_600,
        }],
        ..idle()
    };
    let (world, installation) = planned(store, plan).await;
    for path in [
        "/2.0/repositories/acme?pagelen=1",
        // The same, as somebody else may write it.
        "/2.0/%72epositories/acme?pagelen=1",
        "/2.0/repositories/acme?pagelen=2",
    ] {
        throttled(&world, &installation, path).await;
    }
    let refused = throttled(&world, &installation, "/2.0/repositories/acme").await;
    let problem = refused.problem(429);
    assert!(
        problem["detail"].as_str().unwrap().contains("budget"),
        "{problem}"
    );
    assert!(!refused.header("x-amp-retry-after").is_empty());
    // Without the mode it is the same once nobody could wait for so long.
    let refused = get(&world, &installation, "/2.0/repositories/acme").await;
    refused.problem(429);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(refused.header("x-amp-retry-after"), "");
    throttled(&world, &installation, PROJECTS).await.passed(200);
}
