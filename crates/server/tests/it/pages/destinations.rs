//! Destinations in the dashboard, and sending again what they gave up.

use serde_json::{Value, json};
use testing::TestStore;

use crate::delivery::line::{Line, attempted, destination};
use crate::world::{World, path};

testing::both!(
    a_destination_is_added_tried_changed_and_deleted,
    its_secret_is_shown_on_request_and_that_is_written_down,
    what_is_wrong_with_it_is_said,
    dead_letters_are_looked_at_and_sent_again,
    lists_are_filtered_and_go_on,
);

/// What the audit log says was done, newest first.
async fn actions(world: &World) -> Vec<String> {
    let log = world.api.get(&path("/audit-log")).await.json(200);
    let entries = log["results"].as_array().unwrap();
    let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
    entries.iter().map(action).collect()
}

async fn a_destination_is_added_tried_changed_and_deleted(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/destinations", world.pages().await);
    let list = browser.get(&place).await;
    assert!(list.text().contains("Nowhere to send to yet"));
    let form = browser.get(&format!("{place}/new")).await;
    let url = world.receiver.url("/inbox");
    let fields = [
        ("name", "inbox"),
        ("url", url.as_str()),
        ("headers", "X-Token: s3cret\r\nX-App: acme"),
    ];
    let made = browser.submit(&form, &place, &fields).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let text = made.text();
    assert!(text.contains("inbox is there.") && text.contains("X-Token: ••••••••"));
    assert!(!text.contains("s3cret") && !text.contains("whsec_"));
    let known = world.api.get(&path("/destinations/inbox")).await.json(200);
    assert_eq!(
        known["metadata"]["headers"],
        json!({ "X-Token": "s3cret", "X-App": "acme" })
    );
    let one = format!("{place}/{}", known["id"].as_str().unwrap());

    // A test message is signed like any other.
    let secret = world
        .api
        .get(&path("/destinations/inbox?includeSecrets=true"))
        .await
        .json(200);
    world
        .receiver
        .trust(secret["secrets"]["webhookSigningKey"].as_str().unwrap());
    let tested = browser.submit(&made, &format!("{one}/test"), &[]).await;
    assert!(
        tested.text().contains("The test message was taken: 200"),
        "{}",
        tested.text()
    );
    let came = world.receiver.deliveries().pop().unwrap();
    assert!(came.genuine && came.message()["action"] == "test");
    assert_eq!(came.headers["x-token"], "s3cret");
    world.receiver.answer_next(&[503]);
    world.receiver.refuse_with(None, "come <later>");
    let tested = browser.submit(&made, &format!("{one}/test"), &[]).await;
    let text = tested.text();
    assert!(text.contains("was refused: 503") && text.contains("come &#60;later&#62;"));
    assert!(
        actions(&world)
            .await
            .contains(&"destination.test".to_owned())
    );

    // A header whose value is not written keeps it.
    let edit = [
        ("name", "inbox-2"),
        ("url", url.as_str()),
        ("headers", "X-Token: ••••••••\nX-New: 1"),
        ("ordered", "on"),
    ];
    let saved = browser.submit(&made, &format!("{one}/edit"), &edit).await;
    assert!(saved.text().contains("Saved.") && saved.text().contains("inbox-2"));
    let known = world
        .api
        .get(&path("/destinations/inbox-2"))
        .await
        .json(200);
    let expected =
        json!({ "url": url, "headers": { "X-Token": "s3cret", "X-New": "1" }, "ordered": true });
    assert_eq!(known["metadata"], expected);

    let gone = browser.submit(&saved, &format!("{one}/delete"), &[]).await;
    assert!(gone.text().contains("inbox-2 is deleted."));
    world
        .api
        .get(&path("/destinations/inbox-2"))
        .await
        .problem(404);
    assert_eq!(browser.get(&one).await.status, 404);
}

async fn its_secret_is_shown_on_request_and_that_is_written_down(store: TestStore) {
    let world = World::idle(store).await;
    let id = destination(&world, "inbox", &world.receiver.url("/"), false).await;
    let mut browser = world.owners_browser().await;
    let one = format!("{}/destinations/{id}", world.pages().await);
    let page = browser.get(&one).await;
    assert!(!page.text().contains("whsec_"));
    let before = actions(&world).await;
    let shown = browser.submit(&page, &format!("{one}/secret"), &[]).await;
    let secret = |text: &str| {
        let (_, rest) = text.split_once("whsec_").unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let first = secret(&shown.text());
    let after = actions(&world).await;
    assert_eq!(after[0], "destination.secret.read");
    assert_eq!(after.len(), before.len() + 1);
    let rotated = browser.submit(&page, &format!("{one}/rotate"), &[]).await;
    assert_ne!(secret(&rotated.text()), first);
    assert!(rotated.text().contains("For 24 hours"));
    assert_eq!(actions(&world).await[0], "destination.rotate-secret");
    assert!(!browser.get(&one).await.text().contains("whsec_"));
}

async fn what_is_wrong_with_it_is_said(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/destinations", world.pages().await);
    let form = browser.get(&format!("{place}/new")).await;
    for (fields, status, said) in [
        (
            [
                ("name", "a b"),
                ("url", "https://app.example"),
                ("headers", ""),
            ],
            422,
            "is not a name",
        ),
        (
            [
                ("name", "a"),
                ("url", "file:///etc/passwd"),
                ("headers", ""),
            ],
            422,
            "cannot be used",
        ),
        (
            [
                ("name", "a"),
                ("url", "https://app.example"),
                ("headers", "Host: x"),
            ],
            422,
            "cannot be a custom header",
        ),
        (
            [
                ("name", "a"),
                ("url", "https://app.example"),
                ("headers", "nonsense"),
            ],
            422,
            "is not a header",
        ),
    ] {
        let refused = browser.submit(&form, &place, &fields).await;
        assert_eq!(refused.status, status, "{fields:?} {}", refused.text());
        assert!(
            refused.text().contains(said),
            "{fields:?} {}",
            refused.text()
        );
        assert!(
            refused
                .text()
                .contains(&format!("value=\"{}\"", fields[0].1))
        );
    }
    let taken = [("name", "inbox"), ("url", &*world.receiver.url("/"))];
    assert_eq!(browser.submit(&form, &place, &taken).await.status, 409);
    // The manifest names it.
    let known = world.api.get(&path("/destinations/inbox")).await.json(200);
    let one = format!("{place}/{}", known["id"].as_str().unwrap());
    let page = browser.get(&one).await;
    let kept = browser.submit(&page, &format!("{one}/delete"), &[]).await;
    assert!(
        kept.text()
            .contains("cannot be deleted while it is named by"),
        "{}",
        kept.text()
    );
}

async fn dead_letters_are_looked_at_and_sent_again(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let id = destination(&world, "app", &world.receiver.url("/app"), false).await;
    line.put(&world, &id, 3).await;
    world.receiver.answer_always(500);
    world.receiver.refuse_with(None, "<i>out to lunch</i>");
    line.work(&world).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/deliveries", world.pages().await);
    let waits_s = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 0];
    for (number, wait_s) in waits_s.into_iter().enumerate() {
        for message in &line.ids {
            attempted(&world, message, number + 1).await;
        }
        // The wait, and the tenth by which it may be longer.
        let wait = jiff::SignedDuration::from_secs(wait_s + wait_s / 10 + 1);
        world.clock.advance(wait);
    }
    let one = format!("{place}/{}", line.ids[0]);
    let page = browser.get(&one).await;
    let text = page.text();
    for told in [
        "given up",
        "&#60;i&#62;out to lunch&#60;/i&#62;",
        "&#34;number&#34;: 0",
        "Look into the app&#39;s log",
        "Last answer: 500",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let all = browser.get(&place).await.text();
    let given_up = format!("?destination={id}&status=dead\">3</a>");
    assert!(all.contains(&given_up), "{all}");
    world.receiver.answer_always(200);
    let again = browser.submit(&page, &format!("{one}/replay"), &[]).await;
    assert!(
        again.text().contains("It is sent again"),
        "{}",
        again.text()
    );
    let chosen = format!("{place}?destination={id}");
    let list = world
        .until("the first to be taken", async || {
            let list = browser.get(&chosen).await;
            list.text().contains("33.3 %").then_some(list)
        })
        .await;
    assert!(list.text().contains("Given up (2)"), "{}", list.text());
    // In a range in which there was nothing, and then all.
    let to = format!("{place}/replay");
    let none = [("status", "dead"), ("to", "2001-01-01T00:00")];
    let nothing = browser.submit(&list, &to, &none).await;
    assert!(
        nothing.text().contains("nothing is sent"),
        "{}",
        nothing.text()
    );
    let wrong = [("status", "dead"), ("to", "soon")];
    let wrong = browser.submit(&list, &to, &wrong).await;
    assert!(wrong.text().contains("is not a time"), "{}", wrong.text());
    let all = browser.submit(&list, &to, &[("status", "dead")]).await;
    assert!(
        all.text().contains("2 messages are sent again."),
        "{}",
        all.text()
    );
    world
        .until("all to be taken", async || {
            let page = browser.get(&chosen).await;
            page.text().contains("<dd>100 %</dd>").then_some(())
        })
        .await;
}

async fn lists_are_filtered_and_go_on(store: TestStore) {
    let world = World::idle(store).await;
    let mut line = Line::new(&world).await;
    let id = destination(&world, "app", &world.receiver.url("/app"), false).await;
    line.put(&world, &id, 60).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/deliveries", world.pages().await);
    let rows = |text: &str| text.matches("class=\"id\"").count();
    let first = browser
        .get(&format!("{place}?status=pending&destination={id}"))
        .await;
    assert_eq!(rows(&first.text()), 50);
    let text = first.text();
    let (_, rest) = text
        .split_once("class=\"pages\"><a class=\"button\" href=\"")
        .unwrap();
    let next = rest.split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.contains("status=pending"), "{next}");
    let second = browser.get(&format!("{place}{next}")).await;
    assert_eq!(rows(&second.text()), 10);
    let none = browser.get(&format!("{place}?status=dead")).await;
    assert!(none.text().contains("No message matches."));
    // Instants are shown in UTC, and it is said; a script puts them into the viewer's zone.
    let instant = format!("{place}?from=2000-01-01T05:45:00%2B05:45");
    let shown = browser.get(&instant).await.text();
    assert_eq!(rows(&shown), 50);
    assert!(shown.contains("name=\"from\" type=\"datetime-local\" value=\"2000-01-01T00:00\""));
    assert!(shown.contains("From (<span data-zone>UTC</span>)"));
    for (query, status) in [
        ("status=lost", 400),
        ("from=soon", 400),
        ("after=nowhere", 404),
    ] {
        let refused = browser.get(&format!("{place}?{query}")).await;
        assert_eq!(refused.status, status, "{query}");
    }
}
