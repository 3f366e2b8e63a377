//! What stands before the dashboard: the status, signing in and out.

use http::Method;
use store::Role;
use testing::TestStore;

use crate::world::World;
use crate::world::browser::form_token;
use crate::world::people::PASSWORD;
use crate::world::steps::everything;

testing::both!(
    the_status_page_counts_and_names_nobody,
    signing_in_makes_a_session_that_nobody_planted,
    a_wrong_password_opens_nothing,
    signing_out_ends_the_session,
    whoever_is_not_signed_in_comes_back_after_it,
    guessing_is_slow_here_too,
);

async fn the_status_page_counts_and_names_nobody(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    world
        .install(serde_json::json!({ "projects": everything("projects") }))
        .await;
    world.arrived(12).await;
    let page = world
        .until("the message to be counted", async || {
            let page = world.api.without_key().get("/").await;
            page.text()
                .contains("<dt>Messages sent</dt><dd>1</dd>")
                .then_some(page)
        })
        .await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    let html = page.text();
    assert!(html.contains("<dt>Installations</dt><dd>1</dd>"), "{html}");
    assert!(html.contains(&format!("{}/callbacks/v1/oauth", world.api.origin)));
    for someone in ["acme", "Customer One", "customer-1", "ada", "whsec_"] {
        assert!(!html.contains(someone), "{someone}");
    }
}

/// The one cookie that a browser is told to keep, with its flags.
fn session_of(answer: &crate::world::Answer) -> String {
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set.len(), 1, "{set:?}");
    set[0].to_str().unwrap().to_owned()
}

async fn signing_in_makes_a_session_that_nobody_planted(store: TestStore) {
    let world = World::idle(store).await;
    world.add_builder("ada@example.com", Role::Owner).await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    let before = browser.cookies["ligature"].clone();
    assert!(!before.starts_with("ligs_"));
    let token = form_token(&page);
    let form = [
        ("form_token", token.as_str()),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let answer = browser.send(Method::POST, "/sign-in", &form, &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = session_of(&answer);
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604"] {
        assert!(cookie.contains(flag), "{flag}: {cookie}");
    }
    assert!(
        !cookie.contains("Domain") && !cookie.contains("Secure"),
        "this server has no TLS"
    );
    let first = browser.cookies["ligature"].clone();
    assert!(first.starts_with("ligs_") && first != before);

    // Again: a new one, and the old one is over.
    let mut planted = world.browser();
    planted.cookies.insert("ligature".to_owned(), first.clone());
    let signed_in = planted.get("/").await;
    assert!(signed_in.text().contains("ada@example.com"));
    let token = form_token(&signed_in);
    let form = [
        ("form_token", token.as_str()),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    planted.send(Method::POST, "/sign-in", &form, &[]).await;
    assert_ne!(planted.cookies["ligature"], first);
    let old = browser.get("/").await.text();
    assert!(old.contains("action=\"/sign-in\"") && !old.contains("ada@example.com"));
}

async fn a_wrong_password_opens_nothing(store: TestStore) {
    let world = World::idle(store).await;
    world.add_builder("ada@example.com", Role::Owner).await;
    let mut browser = world.browser();
    for email in ["ada@example.com", "nobody@example.com"] {
        let page = browser.get("/sign-in").await;
        let fields = [("email", email), ("password", "wrong horse battery")];
        let refused = browser.submit(&page, "/sign-in", &fields).await;
        assert_eq!(refused.status, 401);
        let text = refused.text();
        assert!(text.contains("The e-mail address or the password is wrong."));
        assert!(
            text.contains(&format!("value=\"{email}\"")),
            "it need not be typed again"
        );
        assert!(!text.contains("wrong horse"));
        assert!(!browser.cookies["ligature"].starts_with("ligs_"));
    }
}

async fn signing_out_ends_the_session(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let page = browser.get("/").await;
    let session = browser.cookies["ligature"].clone();
    let out = browser.submit(&page, "/sign-out", &[]).await;
    assert!(out.text().contains("action=\"/sign-in\""));
    assert!(
        !browser
            .cookies
            .get("ligature")
            .is_some_and(|c| c.starts_with("ligs_"))
    );
    let api = world.api.with_bearer(&session);
    api.get("/v1/my-info").await.problem(401);
}

async fn whoever_is_not_signed_in_comes_back_after_it(store: TestStore) {
    let world = World::idle(store).await;
    world.add_builder("ada@example.com", Role::Owner).await;
    let place = world.pages().await;
    let mut browser = world.browser();
    let sent = browser.send(Method::GET, &place, &[], &[]).await;
    assert_eq!(sent.status, 303);
    assert!(
        sent.header("location")
            .starts_with("/sign-in?next=%2Fprojects%2F")
    );
    let page = browser.get(&place).await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let back = browser.submit(&page, "/sign-in", &fields).await;
    assert!(back.text().contains("<h1>Overview</h1>"), "{}", back.text());
    // An API key opens no page, and a cookie no route of the API.
    assert_eq!(world.api.get(&place).await.status, 303);
    let cookie = format!("ligature={}", browser.cookies["ligature"]);
    let api = world.api.without_key();
    let cookie = [("cookie", cookie.as_str())];
    let asked = api.send(Method::GET, "/v1/my-info", Vec::new(), &cookie);
    asked.await.problem(401);
}

async fn guessing_is_slow_here_too(store: TestStore) {
    let world = World::idle(store).await;
    world.add_builder("ada@example.com", Role::Owner).await;
    let mut browser = world.browser();
    let page = browser.get("/sign-in").await;
    let fields = [
        ("email", "ada@example.com"),
        ("password", "wrong horse battery"),
    ];
    for _ in 0..10 {
        assert_eq!(browser.submit(&page, "/sign-in", &fields).await.status, 401);
    }
    let slow = browser.submit(&page, "/sign-in", &fields).await;
    assert_eq!(slow.status, 429);
    assert!(!slow.header("retry-after").is_empty());
    assert!(slow.text().contains("too many attempts"));
}
