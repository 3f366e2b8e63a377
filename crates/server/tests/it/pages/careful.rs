//! What keeps other sites and other organisations out of the dashboard.

use engine::actions;
use http::Method;
use store::Role;
use testing::TestStore;

use crate::proxy::exchange;
use crate::world::World;
use crate::world::browser::form_token;

testing::both!(
    a_form_is_taken_from_our_own_pages_only,
    pages_run_and_load_nothing_but_what_this_server_sends,
    a_project_of_another_organization_is_not_there,
    a_browser_gets_pages_and_a_program_problems,
);

async fn a_form_is_taken_from_our_own_pages_only(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let token = form_token(&browser.get("/").await);
    let own = world.api.origin.clone();

    let none = [("name", "taken")];
    let wrong = [("name", "taken"), ("form_token", "0123")];
    let right = [("name", "taken"), ("form_token", token.as_str())];
    for (form, headers) in [
        (&none[..], &[][..]),
        (&wrong[..], &[("origin", own.as_str())][..]),
        (&right[..], &[("origin", "https://evil.example")][..]),
        (&right[..], &[("origin", "null")][..]),
        (&right[..], &[("sec-fetch-site", "cross-site")][..]),
        (
            &right[..],
            &[("sec-fetch-site", "same-site"), ("origin", own.as_str())][..],
        ),
    ] {
        let refused = browser.send(Method::POST, "/projects", form, headers).await;
        assert_eq!(refused.status, 403, "{form:?} {headers:?}");
        assert!(refused.text().contains("was not taken"));
    }
    // The token is that of one session.
    let mut other = world.browser();
    other.sign_in("ada@example.com").await;
    let refused = other.send(Method::POST, "/projects", &right, &[]).await;
    assert_eq!(refused.status, 403);
    let listed = world
        .engine
        .store
        .projects(&world.engine.store.operator())
        .await;
    assert_eq!(listed.unwrap().len(), 1, "nothing was made");

    let taken = browser
        .send(
            Method::POST,
            "/projects",
            &right,
            &[("origin", own.as_str())],
        )
        .await;
    assert_eq!(taken.status, 303);
    // Without the session the token is worth nothing.
    let mut nobody = world.browser();
    assert_eq!(
        nobody
            .send(Method::POST, "/projects", &right, &[])
            .await
            .status,
        401
    );
}

async fn pages_run_and_load_nothing_but_what_this_server_sends(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = world.pages().await;
    for path in ["/", &place, "/projects/none", "/sign-in"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        let html = page.text();
        assert!(
            !html.contains("<style") && !html.contains(" style=\""),
            "{path}"
        );
        assert!(
            !html.contains("<script>") && !html.contains(" onclick"),
            "{path}"
        );
    }
    let page = browser.get("/").await.text();
    let (_, rest) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let style = rest.split('"').next().unwrap();
    let file = browser.get(style).await;
    assert_eq!(file.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        file.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    for (path, is_compressed) in [(style, true), ("/docs/read", true), ("/sign-in", false)] {
        for encodings in ["gzip, br", "identity"] {
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: here\r\naccept-encoding: {encodings}\r\n");
            let answer = exchange(&world, &request).await;
            let (head, _) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let is_gzip = head.contains("\r\ncontent-encoding: gzip");
            assert_eq!(is_gzip, is_compressed && encodings != "identity", "{head}");
        }
    }
    let old = style.replace("/assets/", "/assets/0");
    assert_eq!(browser.get(&old).await.status, 404);
}

async fn a_project_of_another_organization_is_not_there(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let eve = world.add_builder("eve@example.com", Role::Member).await;
    let eves = world.sign_in("eve@example.com").await;
    let org = eves
        .post("/v1/orgs", &serde_json::json!({ "label": "Elsewhere" }))
        .await;
    let org = org.json(201)["id"].as_str().unwrap().to_owned();
    let operator = world.engine.store.operator();
    let theirs = actions::project::create(
        &world.engine,
        &operator,
        "theirs".to_owned(),
        String::new(),
        Some(org),
    );
    let theirs = theirs.await.unwrap();
    assert!(!eve.is_empty());
    for named in [theirs.id.as_str(), "theirs", "no-such-project"] {
        let page = browser.get(&format!("/projects/{named}")).await;
        assert_eq!(page.status, 404, "{named}");
        assert!(!page.text().contains("Elsewhere"));
    }
    assert!(!browser.get("/").await.text().contains("theirs"));
    let mut own = world.browser();
    own.sign_in("eve@example.com").await;
    assert_eq!(
        own.get(&format!("/projects/{}", theirs.id)).await.status,
        200
    );
}

async fn a_browser_gets_pages_and_a_program_problems(store: TestStore) {
    let world = World::idle(store).await;
    let page = world.browser().get("/no/such/page").await;
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("there is nothing at"));
    world.api.get("/no/such/page").await.problem(404);
}
