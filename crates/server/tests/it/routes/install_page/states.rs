//! The install page when something is not as it should be.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testing::TestStore;

use super::{connections, installed, set_up};
use crate::world::steps::{GROUP, both};
use crate::world::{MANIFEST, World, path};

testing::both!(
    what_the_builder_has_not_done_is_no_customer_s_business,
    what_is_gone_is_said_to_be_gone,
    a_consent_that_comes_to_nothing_is_told_on_the_page,
    a_workspace_that_the_account_cannot_see_is_asked_for_again,
    a_connection_that_went_bad_is_renewed,
    an_account_that_something_else_uses_stays,
    an_object_that_cannot_be_looked_at_harms_no_other,
    what_is_always_read_takes_choices_and_is_not_switched_off,
    what_is_read_although_it_is_offered_no_more_is_shown,
);

async fn what_the_builder_has_not_done_is_no_customer_s_business(store: TestStore) {
    let world = World::idle(store).await;
    world.deploy(MANIFEST).await;
    let mut customer = world.customer().await;
    for step in ["provider app", "destination"] {
        let page = customer.open().await;
        assert_eq!(page.status, 503, "{step}: {}", page.text());
        assert!(page.text().contains("has not finished setting this up"));
        for told in ["provider", "inbox", "destination", "secret"] {
            assert!(!page.text().contains(told), "{told}: {}", page.text());
        }
        match step {
            "provider app" => drop(world.provider_app().await),
            _ => drop(world.destination().await),
        }
    }
    assert_eq!(customer.open().await.status, 200);
}

async fn what_is_gone_is_said_to_be_gone(store: TestStore) {
    let world = World::idle(store).await;
    let integration = world.deploy(MANIFEST).await;
    let mut customer = world.customer().await;
    let id = integration["id"].as_str().unwrap();
    let place = path(&format!("/integrations/{id}"));
    assert_eq!(world.api.delete(&place).await.status, 204);
    let page = customer.open().await;
    assert_eq!(page.status, 410, "{}", page.text());
    assert!(
        page.text()
            .contains("does not offer this integration any more")
    );
    // One of the same name is another one.
    world.deploy(MANIFEST).await;
    assert_eq!(customer.open().await.status, 410);
}

async fn a_consent_that_comes_to_nothing_is_told_on_the_page(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let mut customer = world.customer().await;
    let consent = customer.begin("acme").await;
    for _ in 0..2 {
        let back = world.decide(&consent, "deny").await;
        let redirect = customer.follow(&back).await;
        assert!(redirect.header("location").ends_with("&news=refused"));
        let page = customer.get(redirect.header("location")).await;
        assert!(
            page.text().contains("Access was not granted"),
            "{}",
            page.text()
        );
    }
    // Whoever goes back and thinks again may.
    let back = world.decide(&consent, "approve").await;
    world.clock.advance(SignedDuration::from_secs(601));
    let redirect = customer.follow(&back).await;
    assert!(
        redirect.header("location").ends_with("&news=late"),
        "{redirect:?}"
    );
    let page = customer.get(redirect.header("location")).await;
    assert!(
        page.text().contains("longer than ten minutes"),
        "{}",
        page.text()
    );

    let app = world.api.get(&path("/provider-apps")).await.json(200);
    let id = app[0]["id"].as_str().unwrap();
    let change =
        json!({ "updateMask": ["clientSecret"], "providerApp": { "clientSecret": "mistyped" } });
    let place = path(&format!("/provider-apps/{id}"));
    assert_eq!(world.api.patch(&place, &change).await.status, 200);
    let consent = customer.begin("acme").await;
    let back = world.decide(&consent, "approve").await;
    let redirect = customer.follow(&back).await;
    assert!(
        redirect.header("location").ends_with("&news=failed"),
        "{redirect:?}"
    );
    let page = customer.get(redirect.header("location")).await;
    assert!(
        page.text().contains("could not be connected"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("client"), "{}", page.text());
    assert!(connections(&world).await.is_empty());
}

async fn a_workspace_that_the_account_cannot_see_is_asked_for_again(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let mut customer = world.customer().await;
    let consent = customer.begin("acmee").await;
    let back = world.decide(&consent, "approve").await;
    let redirect = customer.follow(&back).await;
    let page = customer.get(redirect.header("location")).await;
    let text = page.text();
    assert!(text.contains("Bitbucket shows nothing here"), "{text}");
    assert!(
        text.contains("value=\"acmee\"") && text.contains("Check the spelling"),
        "{text}"
    );
    // The consent is kept.
    let form = [("input:workspace", "acme"), ("do", "keep")];
    let redirect = customer.press("connect", &form).await;
    assert_eq!(
        redirect.header("location"),
        customer.place,
        "{}",
        redirect.text()
    );
    let page = customer.open().await;
    assert!(
        page.text().contains("Choose what is read"),
        "{}",
        page.text()
    );
    let known = connections(&world).await;
    assert_eq!(known[0]["providerWorkspaceRef"], "acme");
}

async fn a_connection_that_went_bad_is_renewed(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let mut customer = world.customer().await;
    world.provider.end_tokens(true, true).await;
    // It turns out while the choices are put together.
    let page = customer.open().await;
    assert!(
        page.text().contains("Connect Bitbucket again"),
        "{}",
        page.text()
    );
    let consent = customer.begin("acme").await;
    let back = world.decide(&consent, "approve").await;
    customer.follow(&back).await;
    let installed_before = world.install(both()).await;

    world.provider.end_tokens(true, true).await;
    let place = customer.at("edit");
    assert!(
        customer
            .get(&place)
            .await
            .text()
            .contains("Connect Bitbucket again")
    );
    let page = customer.open().await;
    let text = page.text();
    assert!(text.contains("no longer accepts this connection"), "{text}");
    assert!(!text.contains("Change what is read"), "{text}");
    let edit = customer.get(&place).await;
    assert_eq!(edit.header("location"), customer.place);
    // One press, and nothing is asked that is known.
    let page = customer.press("connect", &[("do", "consent")]).await;
    let consent = crate::world::customer::consent_url(&page);
    let back = world.decide(&consent, "approve").await;
    let redirect = customer.follow(&back).await;
    assert!(redirect.header("location").ends_with("&news=connected"));
    let page = customer.open().await;
    assert!(page.text().contains("Working") && page.text().contains("Change what is read"));
    let known = connections(&world).await;
    assert_eq!((known.len(), &known[0]["id"]), (1, &connection["id"]));
    assert_eq!(installed(&world).await[0]["id"], installed_before["id"]);
}

async fn an_account_that_something_else_uses_stays(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let other = MANIFEST.replace("name: bitbucket-sync", "name: another");
    world.deploy(&other).await;
    let link = world
        .install_link(json!({ "integrationIdOrName": "another" }))
        .await;
    let mut customer = world.customer_of(&link);
    let page = customer.open().await;
    assert!(
        page.text().contains("Choose what is read"),
        "it is connected already"
    );
    let page = customer.press("disconnect", &[]).await;
    assert_eq!(page.status, 409, "{}", page.text());
    assert!(page.text().contains("uses this account for something else"));
    assert_eq!(connections(&world).await.len(), 1);
}

async fn an_object_that_cannot_be_looked_at_harms_no_other(store: TestStore) {
    let world = World::idle(store).await;
    let more = "        - objectName: addon/linkers\n          destination: inbox\n        - objectName: hooks\n          destination: inbox\n    proxy:";
    set_up(&world, &MANIFEST.replace("    proxy:", more)).await;
    world.connect(GROUP).await;
    let down = json!({ "kind": "html_error" });
    world
        .provider
        .fault("/2.0/workspaces/acme/hooks", 1, 0, down)
        .await;
    let mut customer = world.customer().await;
    let page = customer.open().await;
    let text = page.text();
    assert!(text.contains("does not offer this any more"), "{text}");
    assert!(text.contains("value=\"addon/linkers\" disabled"), "{text}");
    assert!(text.contains("could not be looked at just now"), "{text}");
    assert!(text.contains("value=\"hooks\" checked"), "{text}");
    let chosen = [("object", "hooks"), ("object", "projects")];
    let redirect = customer.press("choices", &chosen).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    let objects: Value = installed(&world).await[0]["config"]["content"]["read"]["objects"].clone();
    let mut names: Vec<&String> = objects.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["hooks", "projects"]);
}

async fn what_is_always_read_takes_choices_and_is_not_switched_off(store: TestStore) {
    let world = World::idle(store).await;
    let always = "objectName: projects\n          enabled: always\n          schedule: \"0 0 * * *\"\n          optionalFields:\n            - fieldName: description";
    set_up(&world, &MANIFEST.replace("objectName: projects", always)).await;
    world.connect(GROUP).await;
    let mut customer = world.customer().await;
    let page = customer.open().await;
    assert!(page.text().contains("always read"), "{}", page.text());
    let chosen = [("field:projects", "description")];
    let redirect = customer.press("choices", &chosen).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    let content = installed(&world).await[0]["config"]["content"].clone();
    let projects = &content["read"]["objects"]["projects"];
    assert_eq!(projects["selectedFields"], json!({ "description": true }));
    let other = [("object", "repositories")];
    let redirect = customer.press_from("edit", "choices", &other).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    let content = installed(&world).await[0]["config"]["content"].clone();
    let projects = &content["read"]["objects"]["projects"];
    assert!(projects.get("disabled").is_none(), "{projects}");
    assert_eq!(projects["selectedFields"], json!({}));
}

async fn what_is_read_although_it_is_offered_no_more_is_shown(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    let projects = "        - objectName: projects";
    let (before, rest) = MANIFEST.split_once(projects).unwrap();
    let (_, after) = rest.split_once("    proxy:").unwrap();
    world.deploy(&format!("{before}    proxy:{after}")).await;
    let page = world.customer().await.open().await;
    assert!(page.text().contains("<h3>Projects</h3>"), "{}", page.text());
    assert!(page.text().contains("<h3>Repositories</h3>"));
}
