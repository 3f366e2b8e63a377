//! Invitations, from the link to the first request.

use engine::actions;
use http::Method;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::Role;
use testing::TestStore;

use crate::world::people::PASSWORD;
use crate::world::{Answer, Api, World, path};

testing::both!(
    whoever_has_the_link_chooses_a_password_and_is_in,
    a_link_is_good_once_and_for_a_week,
    a_revoked_or_replaced_link_opens_nothing,
    somebody_with_an_account_accepts_after_signing_in,
    an_address_that_nobody_vouches_for_opens_no_other_organization,
    bad_invitations_are_refused,
);

/// An invitation, and what is after the server's origin in its link.
async fn invite(owner: &Api, org: &str, email: &str) -> (Value, String) {
    let body = json!({ "email": email });
    let made = owner.post(&format!("/v1/orgs/{org}/invites"), &body).await;
    let made = made.json(201);
    let link = made["link"].as_str().unwrap();
    let place = link.strip_prefix(&owner.origin).unwrap().to_owned();
    (made, place)
}

/// Sends the form of the page that a link leads to.
async fn choose(api: &Api, place: &str, password: &str) -> Answer {
    let token = place.split_once("token=").unwrap().1;
    let form = format!("token={token}&password={}", password.replace(' ', "+"));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    api.without_key()
        .send(Method::POST, "/invite", form.into_bytes(), &kind)
        .await
}

async fn status_of(owner: &Api, org: &str, made: &Value) -> String {
    let id = made["id"].as_str().unwrap();
    let one = owner.get(&format!("/v1/orgs/{org}/invites/{id}")).await;
    one.json(200)["status"].as_str().unwrap().to_owned()
}

async fn whoever_has_the_link_chooses_a_password_and_is_in(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let (made, place) = invite(&ada, &org, " Eve@Example.com ").await;
    assert_eq!(made["invitedEmail"], "eve@example.com");
    assert_eq!(
        (&made["parentType"], &made["parentId"]),
        (&json!("org"), &json!(org))
    );
    assert_eq!(made["status"], "pending");
    let listed = ada.get(&format!("/v1/orgs/{org}/invites")).await.json(200);
    assert!(
        !listed.to_string().contains("token="),
        "only its creation has the link"
    );

    let page = world.api.without_key().get(&place).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("eve@example.com"), "{}", page.text());
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("referrer-policy"), "no-referrer");

    let short = choose(&ada, &place, "short").await;
    assert_eq!(short.status, 422);
    assert!(short.text().contains("8 to 1024") && short.text().contains("<form"));
    let joined = choose(&ada, &place, PASSWORD).await;
    assert_eq!(joined.status, 201, "{}", joined.text());
    assert_eq!(status_of(&ada, &org, &made).await, "accepted");
    let eve = world.sign_in("eve@example.com").await;
    let info = eve.get("/v1/my-info").await.json(200);
    assert_eq!(info["orgRole"]["role"], "member");
    assert_eq!(info["orgRole"]["org"]["id"], json!(org));
    eve.get(&path("/destinations")).await.json(200);
}

async fn a_link_is_good_once_and_for_a_week(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let (_, place) = invite(&ada, &org, "eve@example.com").await;
    assert_eq!(choose(&ada, &place, PASSWORD).await.status, 201);
    assert_eq!(choose(&ada, &place, "another password").await.status, 400);
    assert_eq!(world.api.get(&place).await.status, 400);
    world.sign_in("eve@example.com").await;

    let (made, place) = invite(&ada, &org, "late@example.com").await;
    world.clock.advance(SignedDuration::from_hours(7 * 24));
    assert_eq!(choose(&ada, &place, PASSWORD).await.status, 400);
    // The owner's own session has ended meanwhile.
    ada.get("/v1/my-info").await.problem(401);
    let ada = world.sign_in("ada@example.com").await;
    assert_eq!(status_of(&ada, &org, &made).await, "expired");
}

async fn a_revoked_or_replaced_link_opens_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let (first, old) = invite(&ada, &org, "eve@example.com").await;
    let (second, new) = invite(&ada, &org, "eve@example.com").await;
    assert_eq!(status_of(&ada, &org, &first).await, "revoked");
    assert_eq!(choose(&ada, &old, PASSWORD).await.status, 400);

    let one = format!("/v1/orgs/{org}/invites/{}", second["id"].as_str().unwrap());
    assert_eq!(ada.delete(&one).await.status, 204);
    assert_eq!(status_of(&ada, &org, &second).await, "revoked");
    assert_eq!(choose(&ada, &new, PASSWORD).await.status, 400);
    ada.delete(&one).await.problem(400);
    ada.delete(&format!("/v1/orgs/{org}/invites/none"))
        .await
        .problem(404);
    let body = json!({ "email": "eve@example.com", "password": PASSWORD });
    world
        .api
        .without_key()
        .post("/v1/sessions", &body)
        .await
        .problem(401);
}

async fn somebody_with_an_account_accepts_after_signing_in(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, _) = world.owner().await;
    let label = json!({ "label": "Second" });
    let second = ada.post("/v1/orgs", &label).await.json(201);
    let second = second["id"].as_str().unwrap();
    world.add_builder("bob@example.com", Role::Member).await;
    let bob = world.sign_in("bob@example.com").await;
    let (made, place) = invite(&ada, second, "bob@example.com").await;
    // The page is for those without an account.
    assert_eq!(choose(&ada, &place, PASSWORD).await.status, 409);

    let accept = |email: &str| json!({ "invitedEmail": email });
    let other = accept("ada@example.com");
    bob.post("/v1/invites:accept", &other).await.problem(403);
    let info = bob
        .post("/v1/invites:accept", &accept("Bob@example.com"))
        .await;
    assert_eq!(info.json(200)["builder"]["primaryEmail"], "bob@example.com");
    bob.get(&format!("/v1/orgs/{second}")).await.json(200);
    assert_eq!(status_of(&ada, second, &made).await, "accepted");
    let again = bob
        .post("/v1/invites:accept", &accept("bob@example.com"))
        .await;
    again.problem(400);
    // An invitation of a member changes nothing, so there is none.
    let body = json!({ "email": "bob@example.com" });
    let invites = format!("/v1/orgs/{second}/invites");
    ada.post(&invites, &body).await.problem(400);
}

/// Whoever owns some organisation can make an account for any address, by a link
/// that they hand to themselves.
async fn an_address_that_nobody_vouches_for_opens_no_other_organization(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    world.add_builder("mallory@example.com", Role::Member).await;
    let mallory = world.sign_in("mallory@example.com").await;
    let own = mallory
        .post("/v1/orgs", &json!({ "label": "M" }))
        .await
        .json(201);
    let (_, forged) = invite(&mallory, own["id"].as_str().unwrap(), "ceo@example.com").await;
    assert_eq!(choose(&mallory, &forged, PASSWORD).await.status, 201);
    let fake = world.sign_in("ceo@example.com").await;

    let (made, place) = invite(&ada, &org, "ceo@example.com").await;
    let without = json!({ "invitedEmail": "ceo@example.com" });
    let problem = fake.post("/v1/invites:accept", &without).await.problem(403);
    assert!(
        problem["detail"].as_str().unwrap().contains("token"),
        "{problem}"
    );
    assert_eq!(status_of(&ada, &org, &made).await, "pending");
    fake.get(&format!("/v1/orgs/{org}")).await.problem(404);
    // The link shows that it is meant.
    let token = place.split_once("token=").unwrap().1;
    let with = json!({ "invitedEmail": "ceo@example.com", "token": token });
    fake.post("/v1/invites:accept", &with).await.json(200);
    // And only for its address.
    let (_, place) = invite(&ada, &org, "other@example.com").await;
    let token = place.split_once("token=").unwrap().1;
    let with = json!({ "invitedEmail": "ceo@example.com", "token": token });
    fake.post("/v1/invites:accept", &with).await.problem(400);
}

async fn bad_invitations_are_refused(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let invites = format!("/v1/orgs/{org}/invites");
    for email in [
        "",
        "eve",
        "@",
        "eve@",
        "@example.com",
        "e ve@example.com",
        "a\n@b",
    ] {
        let body = json!({ "email": email });
        ada.post(&invites, &body).await.problem(400);
    }
    let long = format!("{}@example.com", "x".repeat(300));
    ada.post(&invites, &json!({ "email": long }))
        .await
        .problem(400);
    let role = json!({ "email": "eve@example.com", "role": "root" });
    ada.post(&invites, &role).await.problem(400);
    ada.post(&invites, &json!({})).await.problem(400);
    assert_eq!(ada.get(&invites).await.json(200), json!([]));
    for place in ["/invite", "/invite?token=", "/invite?token=nothing"] {
        assert_eq!(world.api.get(place).await.status, 400, "{place}");
    }
    // An owner can be invited, too.
    let owner = json!({ "email": "eve@example.com", "role": "owner" });
    let made = ada.post(&invites, &owner).await.json(201);
    let place = made["link"].as_str().unwrap();
    assert_eq!(choose(&ada, place, PASSWORD).await.status, 201);
    let eve = world.sign_in("eve@example.com").await;
    let rename = json!({ "updateMask": ["label"], "org": { "label": "E" } });
    eve.patch(&format!("/v1/orgs/{org}"), &rename)
        .await
        .json(200);
    // Accounts are made by the person at the machine alone.
    let actor = engine_actor(&world).await;
    let password = SecretString::from(PASSWORD);
    let (engine, role) = (&world.engine, Role::Owner);
    let made = actions::builder::create(engine, &actor, "x@example.com", &password, role);
    let refused = made.await;
    assert!(
        matches!(refused, Err(engine::ActionError::Forbidden { .. })),
        "{refused:?}"
    );
}

/// Somebody with a key for everything in the project.
async fn engine_actor(world: &World) -> engine::Actor {
    let key = world.api.key.clone().unwrap();
    let actor = world.engine.store.authenticate_api_key(&key).await;
    actor.unwrap().unwrap()
}
