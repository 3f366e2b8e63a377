//! API keys and JWT keys in the dashboard.

use testing::TestStore;

use crate::world::{World, path};

const PUBLIC: &str = include_str!("../../../../engine/tests/keys/public-2048.pem");

testing::both!(
    a_key_is_shown_once_and_revoked,
    a_public_key_is_registered_and_a_private_one_is_not,
);

async fn a_key_is_shown_once_and_revoked(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/api-keys", world.pages().await);
    let page = browser.get(&place).await;
    let fields = [("label", "front <end>"), ("scope", "frontend")];
    let made = browser.submit(&page, &place, &fields).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let text = made.text();
    assert!(text.contains("front &#60;end&#62;") && text.contains("what front ends need"));
    let (_, rest) = text.split_once("<code>lig_").unwrap();
    let whole = format!("lig_{}", rest.split('<').next().unwrap());
    assert!(whole.len() > 50, "{whole}");
    // It opens what it should.
    let api = world.api.with_key(&whole);
    api.get(&path("/api-keys")).await.problem(403);
    api.get(&path("/provider-apps")).await;
    let again = browser.get(&place).await;
    assert!(!again.text().contains(&whole) && again.text().contains(&whole[..16]));

    let one = format!("{place}/{}", &whole[..16]);
    let off = [("active", "no")];
    let revoked = browser.submit(&again, &format!("{one}/active"), &off).await;
    assert!(revoked.text().contains("is revoked: it opens nothing."));
    api.get(&path("/api-keys")).await.problem(401);
    let deleted = browser
        .submit(&revoked, &format!("{one}/delete"), &[])
        .await;
    assert!(deleted.text().contains("is deleted.") && !deleted.text().contains("front &#60;"));
    let odd = [("label", "x"), ("scope", "root")];
    assert_eq!(browser.submit(&page, &place, &odd).await.status, 422);
}

async fn a_public_key_is_registered_and_a_private_one_is_not(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/jwt-keys", world.pages().await);
    let page = browser.get(&place).await;
    let private = "-----BEGIN PRIVATE KEY-----\nMIIE5ecret\n-----END PRIVATE KEY-----";
    let fields = [("label", "app"), ("pem", private)];
    let refused = browser.submit(&page, &place, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("private half") && !refused.text().contains("MIIE5ecret"));
    let fields = [("label", "app"), ("pem", "-----BEGIN PUBLIC KEY-----")];
    let refused = browser.submit(&page, &place, &fields).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("is not an RSA public key"));

    let pem = PUBLIC.replace('\n', "\r\n");
    let fields = [("label", "app"), ("pem", pem.as_str())];
    let made = browser.submit(&page, &place, &fields).await;
    assert!(
        made.text().contains("The key is registered."),
        "{}",
        made.text()
    );
    let key = world.api.get(&path("/jwt-keys")).await.json(200)[0].clone();
    let one = format!("{place}/{}", key["id"].as_str().unwrap());
    let off = [("active", "no")];
    let off = browser.submit(&made, &format!("{one}/active"), &off).await;
    assert!(off.text().contains("Tokens of app open nothing now."));
    let known = world.api.get(&path("/jwt-keys")).await.json(200);
    assert_eq!(known[0]["active"], false);
    browser.submit(&off, &format!("{one}/delete"), &[]).await;
    let none = world.api.get(&path("/jwt-keys")).await.json(200);
    assert_eq!(none.as_array().unwrap().len(), 0);
}
