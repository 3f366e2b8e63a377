//! Who may call, and that it ends at once with what allowed it.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use store::Store;
use testing::TestStore;

use super::{for_installation, get, id, idle, installed, planned, proxied_body};
use crate::routes::jwt_keys;
use crate::world::steps::{GROUP, installations};
use crate::world::{Answer, Api, MANIFEST, PROJECT, path};

testing::both!(
    only_a_full_key_of_the_project_calls,
    what_ends_a_pass_ends_it_at_once,
    what_another_node_ends_lasts_a_second,
    keys_that_are_none_are_counted_with_those_of_the_api,
    a_panic_is_answered,
);

const USER: &str = "/2.0/user";

async fn only_a_full_key_of_the_project_calls(store: TestStore) {
    let (world, installation) = installed(store).await;
    let headers = for_installation(&installation);
    let call =
        async |api: &Api| -> Answer { api.send(Method::GET, USER, Vec::new(), &headers).await };
    call(&world.api).await.passed(200);
    call(&world.api.without_key()).await.problem(401);
    call(&world.api.with_key("lig_nobody")).await.problem(401);
    let frontend = world.add_key(PROJECT, &["frontend"]).await;
    let problem = call(&world.api.with_key(&frontend)).await.problem(403);
    assert!(
        problem["remedy"].as_str().unwrap().contains("full"),
        "{problem}"
    );
    let kid = jwt_keys::register(&world, jwt_keys::PUBLIC).await;
    let token = jwt_keys::token(&world, &kid, GROUP);
    call(&world.api.with_bearer(&token)).await.problem(403);
    call(&world.api.with_bearer("no.such.token"))
        .await
        .problem(401);
    // A key in the right place and somebody's token beside it: the key counts.
    let mut both = headers.clone();
    let bearer = format!("Bearer {token}");
    both.push(("authorization", &bearer));
    let answer = world.api.send(Method::GET, USER, Vec::new(), &both);
    answer.await.passed(200);
    world.add_project("other-app").await;
    let foreign = world.add_key("other-app", &[]).await;
    call(&world.api.with_key(&foreign)).await.problem(404);
    let mut theirs = headers.clone();
    theirs.retain(|(name, _)| *name != "x-amp-project-id");
    theirs.push(("x-amp-project-id", "other-app"));
    let other = world.api.with_key(&foreign);
    let answer = other.send(Method::GET, USER, Vec::new(), &theirs);
    answer.await.problem(404);
    // What is refused never comes to the provider.
    assert_eq!(world.provider.calls(USER).await.len(), 2);
}

async fn what_ends_a_pass_ends_it_at_once(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.clock.stop();
    let answers = async |status: u16| {
        let answer = get(&world, &installation, USER).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        answer
    };
    answers(200).await;
    // The customer, and again.
    let place = format!("{}/{}", installations(), id(&installation));
    let config = async |enabled: bool| {
        let patch = json!({
            "updateMask": ["config.content.proxy.enabled"],
            "installation": { "config": { "content": { "proxy": { "enabled": enabled } } } },
        });
        world.api.patch(&place, &patch).await.json(200);
    };
    config(false).await;
    let problem = answers(403).await.problem(403);
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("config.content.proxy"),
        "{problem}"
    );
    config(true).await;
    answers(200).await;
    // The manifest.
    let off = MANIFEST.replace(
        "    proxy:\n      enabled: true",
        "    proxy:\n      enabled: false",
    );
    world.deploy(&off).await;
    let problem = answers(403).await.problem(403);
    assert!(
        problem["remedy"].as_str().unwrap().contains("amp.yaml"),
        "{problem}"
    );
    world.deploy(MANIFEST).await;
    answers(200).await;
    // The key's scope, and the key.
    let key = world.add_key(PROJECT, &[]).await;
    let own = world.api.with_key(&key);
    let headers = for_installation(&installation);
    let by_own = async |status: u16| {
        let answer = own.send(Method::GET, USER, Vec::new(), &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    };
    let keys = path("/api-keys");
    let public = key.rsplit_once('_').unwrap().0;
    by_own(200).await;
    let change = json!({ "apiKey": { "scopes": ["frontend"] }, "updateMask": ["scopes"] });
    let changed = world.api.patch(&format!("{keys}/{public}"), &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    by_own(403).await;
    let change = json!({ "apiKey": { "scopes": ["full"] }, "updateMask": ["scopes"] });
    world
        .api
        .patch(&format!("{keys}/{public}"), &change)
        .await
        .json(200);
    by_own(200).await;
    world.api.delete(&format!("{keys}/{public}")).await;
    by_own(401).await;
    // The account: a new consent is what is sent from then on.
    world.provider.end_tokens(true, true).await;
    assert_ne!(get(&world, &installation, USER).await.status, 200);
    world.connect(GROUP).await;
    answers(200).await;
    // The installation.
    world.api.delete(&place).await;
    answers(404).await.problem(404);
    world.connect(GROUP).await;
    let again = world.api.post(&installations(), &proxied_body(GROUP)).await;
    let again = again.json(201);
    get(&world, &again, USER).await.passed(200);
    // The customer's very self.
    let erased = world.api.delete(&path(&format!("/groups/{GROUP}"))).await;
    assert_eq!(erased.status, 204, "{}", erased.text());
    get(&world, &again, USER).await.problem(404);
}

async fn what_another_node_ends_lasts_a_second(store: TestStore) {
    // SQLite has no other node.
    if store.backend() == store::Backend::Sqlite {
        return;
    }
    let settings = store.settings.clone();
    let (world, installation) = installed(store).await;
    world.clock.stop();
    let key = world.add_key(PROJECT, &[]).await;
    let own = world.api.with_key(&key);
    let headers = for_installation(&installation);
    let call = async || own.send(Method::GET, USER, Vec::new(), &headers).await;
    call().await.passed(200);
    let other = Store::open(settings, world.now()).await.unwrap();
    let scope = other.scope(&other.operator(), PROJECT).await.unwrap();
    let tenant = other.within(&scope);
    tenant.revoke_api_key(&key, world.now()).await.unwrap();
    world.clock.advance(SignedDuration::from_millis(999));
    call().await.passed(200);
    world.clock.advance(SignedDuration::from_millis(1));
    call().await.problem(401);
    other.close().await;
}

async fn keys_that_are_none_are_counted_with_those_of_the_api(store: TestStore) {
    let mut plan = idle();
    plan.protections.api_rate = 30;
    let (world, installation) = planned(store, plan).await;
    world.clock.stop();
    get(&world, &installation, USER).await.passed(200);
    let headers = for_installation(&installation);
    let call =
        async |api: &Api| -> Answer { api.send(Method::GET, USER, Vec::new(), &headers).await };
    let (wrong, new) = (
        world.api.with_key("lig_nobody"),
        world.api.with_key(&world.add_key(PROJECT, &[]).await),
    );
    for n in 0..60 {
        if n % 2 == 0 {
            call(&wrong).await.problem(401);
        } else {
            wrong.get(&path("")).await.problem(401);
        }
    }
    let answer = call(&wrong).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), "1");
    wrong.get(&path("")).await.problem(429);
    call(&world.api.with_bearer("no.such.token"))
        .await
        .problem(429);
    // Nothing more is looked up from there.
    call(&new).await.problem(429);
    // But what is known goes on, and as often as the budget lets it.
    for _ in 0..61 {
        get(&world, &installation, USER).await.passed(200);
    }
    world.clock.advance(SignedDuration::from_secs(1));
    call(&new).await.passed(200);
}

async fn a_panic_is_answered(store: TestStore) {
    let (world, installation) = installed(store).await;
    world.clock.break_down();
    let answer = get(&world, &installation, USER).await;
    let problem = answer.problem(500);
    assert!(!problem.to_string().contains("clock"), "{problem}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(world.api.get("/healthz").await.status, 200);
}
