//! What browsers are told of each cookie, with TLS and without. That signing in makes
//! a new session is in `door`.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, header};
use serde_json::json;
use store::Role;
use testing::TestStore;

use crate::world::people::PASSWORD;
use crate::world::steps::GROUP;
use crate::world::{Answer, MANIFEST, Plan, World, path};

testing::both!(
    behind_tls_every_cookie_is_held_to_it,
    without_tls_no_cookie_asks_for_it,
    what_was_planted_without_tls_says_nothing,
);

const PUBLIC: &str = "https://ligature.example";

async fn world(store: TestStore, public_url: Option<&str>) -> World {
    let plan = Plan {
        works: false,
        public_url: public_url.map(str::to_owned),
        ..Plan::default()
    };
    World::planned(store, plan).await
}

/// The cookies of answers: each time that one was set, its flags.
#[derive(Default)]
struct Jar(BTreeMap<String, Vec<BTreeSet<String>>>);

impl Jar {
    fn take(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let mut parts = set.to_str().unwrap().split("; ");
            let (name, _) = parts.next().unwrap().split_once('=').unwrap();
            let flags = parts.map(str::to_owned).collect();
            self.0.entry(name.to_owned()).or_default().push(flags);
        }
    }
}

/// Every way by which a cookie is set or taken away.
async fn every_cookie(world: &World) -> Jar {
    let mut jar = Jar::default();
    world.add_builder("ada@example.com", Role::Owner).await;
    let mut browser = world.browser();
    let door = browser.send(Method::GET, "/sign-in", &[], &[]).await;
    jar.take(&door);
    let token = crate::world::browser::form_token(&door);
    let form = [
        ("form_token", token.as_str()),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let signed_in = browser.send(Method::POST, "/sign-in", &form, &[]).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    jar.take(&signed_in);
    let settings = format!("{}/settings", world.pages().await);
    let page = browser.send(Method::GET, &settings, &[], &[]).await;
    assert_eq!(page.status, 200, "the cookie is that of a session");
    let token = crate::world::browser::form_token(&page);
    let form = [
        ("form_token", token.as_str()),
        ("name", "acme-app"),
        ("app_name", "Acme"),
    ];
    jar.take(&browser.send(Method::POST, &settings, &form, &[]).await);
    let said = browser.send(Method::GET, &settings, &[], &[]).await;
    assert!(said.text().contains("Saved."), "{}", said.text());
    jar.take(&said);
    let again = browser.send(Method::GET, &settings, &[], &[]).await;
    assert!(!again.text().contains("Saved."), "it is said once");
    let form = [("form_token", token.as_str())];
    jar.take(&browser.send(Method::POST, "/sign-out", &form, &[]).await);

    world.provider_app().await;
    world.destination().await;
    world.deploy(MANIFEST).await;
    let new = json!({ "integrationIdOrName": "bitbucket-sync", "groupRef": GROUP });
    let made = world
        .api
        .post(&path("/install-links"), &new)
        .await
        .json(201);
    let url = made["url"].as_str().unwrap();
    let place = &url[url.find("/install/").unwrap()..];
    jar.take(&world.browser().send(Method::GET, place, &[], &[]).await);
    jar
}

async fn behind_tls_every_cookie_is_held_to_it(store: TestStore) {
    let world = world(store, Some(PUBLIC)).await;
    let jar = every_cookie(&world).await.0;
    let names: Vec<_> = jar.keys().map(String::as_str).collect();
    let expected = [
        "__Host-ligature",
        "__Host-ligature-flash",
        "__Host-ligature-install",
    ];
    assert_eq!(names, expected);
    // Before signing in, after it, after signing out; said and over, and said again.
    assert_eq!(jar["__Host-ligature"].len(), 3);
    assert_eq!(jar["__Host-ligature-flash"].len(), 3);
    for (name, flags) in jar
        .iter()
        .flat_map(|(name, all)| all.iter().map(move |f| (name, f)))
    {
        for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(flags.contains(flag), "{name}: no {flag}: {flags:?}");
        }
        // With a domain, browsers would refuse the name.
        let more = flags.iter().filter(|flag| flag.starts_with("Max-Age="));
        assert_eq!(flags.len(), 4 + more.count(), "{name}: {flags:?}");
    }
}

async fn without_tls_no_cookie_asks_for_it(store: TestStore) {
    let world = world(store, None).await;
    let jar = every_cookie(&world).await.0;
    let names: Vec<_> = jar.keys().map(String::as_str).collect();
    assert_eq!(names, ["ligature", "ligature-flash", "ligature-install"]);
    for (name, flags) in jar
        .iter()
        .flat_map(|(name, all)| all.iter().map(move |f| (name, f)))
    {
        for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(flags.contains(flag), "{name}: no {flag}: {flags:?}");
        }
        let more = flags.iter().filter(|flag| flag.starts_with("Max-Age="));
        assert_eq!(flags.len(), 3 + more.count(), "{name}: {flags:?}");
    }
}

async fn what_was_planted_without_tls_says_nothing(store: TestStore) {
    let world = world(store, Some(PUBLIC)).await;
    let mut browser = world.owners_browser().await;
    let planted = "-Your password is out of date".to_owned();
    let name = "ligature-flash".to_owned();
    browser.cookies.insert(name, planted.clone());
    let page = browser.get("/").await;
    assert!(page.text().contains("ada@example.com"));
    assert!(!page.text().contains("out of date"), "{}", page.text());
    let name = "__Host-ligature-flash".to_owned();
    browser.cookies.insert(name, planted);
    assert!(browser.get("/").await.text().contains("out of date"));
}
