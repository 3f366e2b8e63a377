//! What nobody can do at the install page: with a link that is not theirs, with
//! another's browser, with a way back of their own.

use jiff::SignedDuration;
use serde_json::json;
use testing::TestStore;

use super::{connections, installed, set_up};
use crate::world::customer::token_of;
use crate::world::steps::{GROUP, both, install_body, installations};
use crate::world::{MANIFEST, World, path};

testing::both!(
    a_link_that_is_not_as_it_was_made_opens_nothing,
    a_link_opens_its_own_customer_only,
    a_form_is_good_in_the_browser_that_it_was_made_for,
    a_consent_is_ended_by_the_browser_that_began_it,
    a_link_that_ends_meanwhile_connects_nothing,
    the_way_back_leads_to_the_page_alone,
);

async fn a_link_that_is_not_as_it_was_made_opens_nothing(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let link = world
        .install_link(json!({ "expiresInSeconds": 3600 }))
        .await;
    let other = world
        .install_link(json!({ "groupRef": "customer-2" }))
        .await;
    let good = world.customer_of(&link);
    let mut known = good.clone();
    let token = token_of(&known.open().await);
    let id = |link: &serde_json::Value| link["id"].as_str().unwrap().to_owned();
    let (start, signature) = good.place.split_once("signature=").unwrap();
    let flipped = match signature.starts_with('0') {
        true => format!("1{}", &signature[1..]),
        false => format!("0{}", &signature[1..]),
    };
    let expires = good.place.split_once("expires=").unwrap().1;
    let expires: i64 = expires.split_once('&').unwrap().0.parse().unwrap();
    let tampered = [
        format!("{start}signature={flipped}"),
        format!("{start}signature="),
        start.trim_end_matches('&').to_owned(),
        good.place.replace(&id(&link), &id(&other)),
        good.place.replace(&id(&link), "none"),
        good.place
            .replace(&expires.to_string(), &(expires + 86_400).to_string()),
        good.place.replace(&expires.to_string(), "never"),
        format!("/install/{}", id(&link)),
    ];
    for place in tampered {
        let mut customer = good.clone();
        customer.cookie.clone_from(&known.cookie);
        customer.place = match place.contains('?') {
            true => place,
            false => format!("{place}?"),
        };
        let page = customer.open().await;
        assert_eq!(page.status, 403, "{}", customer.place);
        assert!(page.text().contains("This link is not complete"));
        // It tells nothing of whose it is.
        assert!(!page.text().contains("Acme") && !page.text().contains("Customer"));
        for step in ["connect", "choices", "disconnect"] {
            let form = [("form", token.as_str()), ("input:workspace", "acme")];
            assert_eq!(customer.post(step, &form).await.status, 403, "{step}");
        }
    }
    world.clock.advance(SignedDuration::from_secs(3601));
    let page = known.open().await;
    assert_eq!(page.status, 410);
    assert!(page.text().contains("This link has expired"));
    for step in ["connect", "choices", "disconnect"] {
        let form = [("form", token.as_str()), ("input:workspace", "acme")];
        assert_eq!(known.post(step, &form).await.status, 410, "{step}");
    }
}

async fn a_link_opens_its_own_customer_only(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let first = world.install(both()).await;
    world.connect("customer-2").await;
    let second = install_body("customer-2", both());
    let second = world.api.post(&installations(), &second).await.json(201);
    let link = world
        .install_link(json!({ "groupRef": "customer-3" }))
        .await;
    let mut customer = world.customer_of(&link);
    let page = customer.open().await;
    assert!(page.text().contains("Connect Bitbucket"), "{}", page.text());
    // Whatever a form names of others is not asked for.
    let ids = [
        ("installation", first["id"].as_str().unwrap()),
        ("connection", first["connection"]["id"].as_str().unwrap()),
        ("groupRef", GROUP),
        ("object", "repositories"),
    ];
    assert_eq!(customer.press("choices", &ids).await.status, 303);
    let token = token_of(&customer.open().await);
    let mut form = vec![("form", token.as_str())];
    form.extend(ids);
    assert_eq!(customer.post("disconnect", &form).await.status, 303);
    let mut own = world.customer_of(&world.install_link(json!({})).await);
    assert_eq!(own.press("disconnect", &ids).await.status, 303);
    assert!(installed(&world).await.is_empty(), "that was its own");
    let id = second["id"].as_str().unwrap();
    let there = world.api.get(&format!("{}/{id}", installations())).await;
    let config = there.json(200)["config"]["content"].clone();
    assert_eq!(config, second["config"]["content"]);
}

async fn a_form_is_good_in_the_browser_that_it_was_made_for(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let link = world.install_link(json!({})).await;
    let mut attacker = world.customer_of(&link);
    let sure = attacker.at("disconnect");
    let token = token_of(&attacker.get(&sure).await);
    assert!(attacker.cookie.is_some());
    // A form on a page of his own: no cookie comes along from another site.
    let mut victim = world.customer_of(&link);
    let sent = victim.post("disconnect", &[("form", &token)]).await;
    assert_eq!(sent.status, 403, "{}", sent.text());
    assert!(sent.text().contains("needs cookies"));
    // Nor is it good beside the cookie that the victim has.
    victim.open().await;
    assert_ne!(victim.cookie, attacker.cookie);
    for form in [token.as_str(), "", "00"] {
        let sent = victim.post("disconnect", &[("form", form)]).await;
        assert_eq!(sent.status, 403, "{}", sent.text());
    }
    assert_eq!(victim.post("disconnect", &[]).await.status, 403);
    // A form is of one link.
    let mut other = world.customer_of(&world.install_link(json!({})).await);
    other.cookie.clone_from(&attacker.cookie);
    assert_eq!(
        other.post("disconnect", &[("form", &token)]).await.status,
        403
    );
    assert_eq!(installed(&world).await.len(), 1);
    assert_eq!(
        attacker
            .post("disconnect", &[("form", &token)])
            .await
            .status,
        303
    );
}

async fn a_consent_is_ended_by_the_browser_that_began_it(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let mut attacker = world.customer().await;
    let consent = attacker.begin("acme").await;
    // The attacker sends the consent page's address to somebody else, who agrees.
    let back = world.decide(&consent, "approve").await;
    let mut victim = world.customer().await;
    let page = victim.follow(&back).await;
    assert_eq!(page.status, 400, "{}", page.text());
    assert!(
        page.text().contains("begun in another browser"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("signature"), "the link is not told");
    assert_eq!(page.header("location"), "");
    // Whoever has a cookie of his own is somebody else, too.
    let consent = attacker.begin("acme").await;
    let back = world.decide(&consent, "approve").await;
    victim.open().await;
    assert_eq!(victim.follow(&back).await.status, 400);
    // And it is over for the attacker.
    assert_eq!(attacker.follow(&back).await.status, 400);
    assert!(connections(&world).await.is_empty());
    let consent = attacker.begin("acme").await;
    let refused = world.decide(&consent, "deny").await;
    assert_eq!(victim.follow(&refused).await.status, 400);
}

async fn a_link_that_ends_meanwhile_connects_nothing(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let link = world.install_link(json!({ "expiresInSeconds": 300 })).await;
    let mut customer = world.customer_of(&link);
    let revoked = customer.begin("acme").await;
    let late = customer.begin("acme").await;
    let mut other = world.customer().await;
    let erased = other.begin("acme").await;
    let id = link["id"].as_str().unwrap();
    world.clock.advance(SignedDuration::from_secs(301));
    let back = world.decide(&late, "approve").await;
    let redirect = customer.follow(&back).await;
    assert_eq!(redirect.status, 303);
    assert_eq!(customer.get(redirect.header("location")).await.status, 410);
    let place = path(&format!("/install-links/{id}"));
    assert_eq!(world.api.delete(&place).await.status, 204);
    let back = world.decide(&revoked, "approve").await;
    assert_eq!(customer.follow(&back).await.status, 303);
    assert!(connections(&world).await.is_empty());
    // Nor does one whose customer is erased: the consent under way is forgotten.
    world.connect(GROUP).await;
    let group = path(&format!("/groups/{GROUP}"));
    assert_eq!(world.api.delete(&group).await.status, 204);
    let back = world.decide(&erased, "approve").await;
    assert_eq!(other.follow(&back).await.status, 400);
    assert!(connections(&world).await.is_empty());
}

async fn the_way_back_leads_to_the_page_alone(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let mut customer = world.customer().await;
    for decision in ["deny", "approve"] {
        let consent = customer.begin("acme").await;
        let back = world.decide(&consent, decision).await;
        let more =
            "&page=https%3A%2F%2Fevil.example&redirect_uri=//evil.example&news=//evil.example";
        let redirect = customer.follow(&format!("{back}{more}")).await;
        assert_eq!(redirect.status, 303, "{}", redirect.text());
        let location = redirect.header("location");
        assert!(
            location.starts_with(&format!("{}&news=", customer.place)),
            "{location}"
        );
        assert!(!location.contains("evil"), "{location}");
    }
    // What is not ours to say is not said.
    let place = format!("{}&news=%3Cb%3Eyou+won", customer.place);
    let page = customer.get(&place).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("you won"), "{}", page.text());
    // The popup of the stock components goes on as ever.
    let url = world.authorize_url(&world.connect_body("customer-9")).await;
    let page = world.consent(&url, "approve").await;
    assert!(page.text().contains("window.opener.postMessage"));
}
