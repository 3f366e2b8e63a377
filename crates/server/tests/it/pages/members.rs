//! Members in the dashboard: owners change who they are, members see it.

use http::Method;
use store::Role;
use testing::TestStore;

use crate::world::World;
use crate::world::browser::form_token;
use crate::world::people::PASSWORD;

testing::both!(
    an_owner_invites_promotes_and_removes,
    a_member_sees_and_changes_nothing,
);

async fn an_owner_invites_promotes_and_removes(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/members", world.pages().await);
    let page = browser.get(&place).await;
    let to = format!("{place}/invite");
    let fields = [("email", "bob@example.com"), ("role", "member")];
    let made = browser.submit(&page, &to, &fields).await;
    let text = made.text();
    let (_, rest) = text
        .split_once("/invite?token=")
        .unwrap_or_else(|| panic!("{text}"));
    let link = format!("/invite?token={}", rest.split('<').next().unwrap());
    assert!(!browser.get(&place).await.text().contains("/invite?token="));
    let mut bob = world.browser();
    let form = bob.get(&link).await;
    let joined = bob
        .submit(&form, "/invite", &[("password", PASSWORD)])
        .await;
    assert_eq!(joined.status, 201, "{}", joined.text());
    bob.sign_in("bob@example.com").await;
    assert_eq!(bob.get(&place).await.status, 200);

    let page = browser.get(&place).await;
    assert!(page.text().contains("accepted"), "{}", page.text());
    let bobs = world.sign_in("bob@example.com").await;
    let info = bobs.get("/v1/my-info").await.json(200);
    let id = info["builder"]["id"].as_str().unwrap();
    let owner = [("role", "owner")];
    let changed = browser
        .submit(&page, &format!("{place}/{id}/role"), &owner)
        .await;
    assert!(
        changed.text().contains("The role is changed."),
        "{}",
        changed.text()
    );
    let role = bobs.get("/v1/my-info").await.json(200)["orgRole"]["role"].clone();
    assert_eq!(role, "owner");
    let removed = browser
        .submit(&page, &format!("{place}/{id}/remove"), &[])
        .await;
    assert!(removed.text().contains("They are no member any more"));
    assert_eq!(bob.get(&place).await.status, 404, "a project of others");

    // The last owner stays.
    let own = world.sign_in("ada@example.com").await;
    let own = own.get("/v1/my-info").await.json(200);
    let own = own["builder"]["id"].as_str().unwrap();
    for (what, fields) in [("remove", &[][..]), ("role", &[("role", "member")][..])] {
        let kept = browser
            .submit(&page, &format!("{place}/{own}/{what}"), fields)
            .await;
        assert!(
            kept.text().contains("has at least one owner"),
            "{}",
            kept.text()
        );
        assert!(kept.text().contains("Invite somebody"));
    }
    // One that is pending is taken back.
    let fields = [("email", "eve@example.com"), ("role", "owner")];
    let made = browser.submit(&page, &to, &fields).await;
    let text = made.text();
    let (_, rest) = text.split_once("/members/invites/").unwrap();
    let invite = rest.split('/').next().unwrap();
    let revoked = format!("{place}/invites/{invite}/revoke");
    let revoked = browser.submit(&made, &revoked, &[]).await;
    assert!(revoked.text().contains("The invitation is taken back"));
}

async fn a_member_sees_and_changes_nothing(store: TestStore) {
    let world = World::idle(store).await;
    let owner = world.add_builder("ada@example.com", Role::Owner).await;
    world.add_builder("bob@example.com", Role::Member).await;
    let mut browser = world.browser();
    browser.sign_in("bob@example.com").await;
    let project = world.pages().await;
    let place = format!("{project}/members");
    let page = browser.get(&place).await;
    let token = form_token(&page);
    let page = page.text();
    assert!(
        page.contains("ada@example.com") && page.contains("you are none"),
        "{page}"
    );
    assert!(!page.contains("Invite somebody") && !page.contains("/remove"));
    assert!(
        !browser
            .get(&format!("{project}/settings"))
            .await
            .text()
            .contains("Rename the organization")
    );
    // Nor with a form of its own making.
    let origin = world.api.origin.clone();
    let headers = [("origin", origin.as_str())];
    for (to, field) in [
        (format!("{place}/invite"), ("email", "eve@example.com")),
        (format!("{place}/{owner}/role"), ("email", "")),
        (format!("{place}/{owner}/remove"), ("email", "")),
        (
            format!("{project}/settings/organization"),
            ("label", "Mine"),
        ),
    ] {
        let form = [("form_token", token.as_str()), ("role", "member"), field];
        let sent = browser.send(Method::POST, &to, &form, &headers).await;
        let told = if sent.status == 303 {
            browser.get(sent.header("location")).await.text()
        } else {
            assert_eq!(sent.status, 403, "{to}");
            sent.text()
        };
        assert!(
            told.contains("only an owner of the organization may do this"),
            "{to}: {told}"
        );
    }
}
