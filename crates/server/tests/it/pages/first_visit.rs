//! The first account, by the link that is printed while there is none.

use engine::actions;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use testing::TestStore;

use crate::world::World;
use crate::world::people::PASSWORD;

testing::both!(
    the_link_makes_the_first_account_and_signs_it_in,
    the_link_is_good_once_and_for_a_day,
    of_two_who_come_first_one_does,
);

/// What is after the server's origin in the link that would be printed now.
async fn link(world: &World) -> Option<String> {
    let operator = world.engine.store.operator();
    let link = actions::builder::first_link(&world.engine, &operator)
        .await
        .unwrap();
    let link = link?.expose_secret().to_owned();
    Some(link.strip_prefix(&world.api.origin).unwrap().to_owned())
}

async fn the_link_makes_the_first_account_and_signs_it_in(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.browser();
    let door = browser.get("/").await.text();
    assert!(door.contains("Nobody has an account yet"), "{door}");
    let link = link(&world).await.unwrap();
    let page = browser.get(&link).await;
    assert_eq!(page.status, 200, "{}", page.text());

    let short = [("email", "ada@example.com"), ("password", "short")];
    let refused = browser.submit(&page, &link, &short).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("8 to 1024") && refused.text().contains("ada@example.com"));
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let home = browser.submit(&refused, &link, &fields).await;
    assert_eq!(home.status, 200);
    assert!(home.text().contains("ada@example.com") && home.text().contains("New project"));

    // An owner, whom the API knows as well.
    let api = world.sign_in("ada@example.com").await;
    let info = api.get("/v1/my-info").await.json(200);
    assert_eq!(info["orgRole"]["role"], "owner");
}

async fn the_link_is_good_once_and_for_a_day(store: TestStore) {
    let world = World::idle(store).await;
    let old = link(&world).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(25));
    let mut browser = world.browser();
    assert_eq!(browser.get(&old).await.status, 410);
    let good = link(&world).await.unwrap();
    let altered = good.replace("/first-visit/", "/first-visit/x");
    assert_eq!(browser.get(&altered).await.status, 403);
    let page = browser.get(&good).await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    browser.submit(&page, &good, &fields).await;
    let mut late = world.browser();
    let gone = late.get(&good).await;
    assert_eq!(gone.status, 410);
    assert!(gone.text().contains("good for nothing any more"));
    assert_eq!(link(&world).await, None, "nothing is printed any more");
}

async fn of_two_who_come_first_one_does(store: TestStore) {
    let world = World::idle(store).await;
    let password = secrecy::SecretString::from(PASSWORD);
    let make =
        |email: &'static str| actions::builder::create_first(&world.engine, email, &password);
    let (one, two) = tokio::join!(make("ada@example.com"), make("eve@example.com"));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let operator = world.engine.store.operator();
    assert_eq!(
        world.engine.store.builders(&operator).await.unwrap().len(),
        1
    );
}
