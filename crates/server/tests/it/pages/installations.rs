//! Installations: what is read, and what can be done about it.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{everything, installations};
use crate::world::{World, path};

testing::both!(
    reads_are_shown_paused_and_asked_for,
    fields_and_mappings_are_chosen_in_a_form,
    uninstalling_leaves_nothing,
    many_installations_have_pages,
    another_organization_sees_none_of_it,
);

async fn place(world: &World, installation: &Value) -> String {
    let id = installation["id"].as_str().unwrap();
    format!("{}/installations/{id}", world.pages().await)
}

async fn reads_are_shown_paused_and_asked_for(store: TestStore) {
    let world = World::start(store).await;
    world.prepare().await;
    let installation = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    world.ended(&installation).await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &installation).await;
    let page = browser.get(&place).await;
    let text = page.text();
    assert!(text.contains("Customer One") && text.contains("healthy"));
    assert!(text.contains("backfill") && text.contains(">done<") && text.contains(">resting<"));
    assert!(
        text.contains("not chosen"),
        "repositories are offered and were not chosen"
    );

    let pause = format!("{place}/pause");
    let paused = browser
        .submit(&page, &pause, &[("pause", "yes"), ("object", "projects")])
        .await;
    assert!(paused.text().contains("Paused.") && paused.text().contains("badge warn\">paused"));
    let again = browser
        .submit(&paused, &pause, &[("pause", "no"), ("object", "projects")])
        .await;
    assert!(
        again.text().contains("Reading goes on.") && !again.text().contains("badge warn\">paused")
    );
    let all = browser.submit(&again, &pause, &[("pause", "yes")]).await;
    assert!(all.text().contains("Let all reads go on"));

    // Somebody who asks is not kept from it.
    let asked = browser
        .submit(&all, &format!("{place}/read"), &[("object", "projects")])
        .await;
    assert!(
        asked.text().contains("projects is being read."),
        "{}",
        asked.text()
    );
    world
        .until("the second read", async || {
            (world.operations_count(&installation).await == 2).then_some(())
        })
        .await;
    let none = browser
        .post(
            &all,
            &format!("{place}/read"),
            &[("object", "repositories")],
        )
        .await;
    assert!(
        none.text().contains("is not enabled for group"),
        "{}",
        none.text()
    );
}

async fn fields_and_mappings_are_chosen_in_a_form(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installation = world.install(json!({})).await;
    let id = installation["id"].as_str().unwrap();
    let mut browser = world.owners_browser().await;
    let place = format!(
        "{}/object?object=repositories",
        place(&world, &installation).await
    );
    let form = browser.get(&place).await;
    let text = form.text();
    for offered in [
        "value=\"language\"",
        "name=\"map-label\"",
        "name=\"map-secrecy\" value=\"is_private\"",
        "Which field is the label?",
    ] {
        assert!(text.contains(offered), "{offered}: {text}");
    }
    assert!(text.contains("Always sent: uuid, full_name"));
    assert!(!text.contains("name=\"enabled\" value=\"yes\" checked"));

    let fields = [
        ("enabled", "yes"),
        ("field", "language"),
        ("map-label", "slug"),
        ("map-secrecy", "is_private"),
        ("schedule", "15 * * * *"),
    ];
    let saved = browser.submit(&form, &place, &fields).await;
    assert!(
        saved.text().contains("repositories: saved."),
        "{}",
        saved.text()
    );
    let chosen = async || {
        let path = format!("{}/{id}", installations());
        let now = world.api.get(&path).await.json(200);
        now["config"]["content"]["read"]["objects"]["repositories"].clone()
    };
    let now = chosen().await;
    assert_eq!(now["selectedFields"], json!({ "language": true }));
    assert_eq!(
        now["selectedFieldMappings"],
        json!({ "label": "slug", "secrecy": "is_private" })
    );
    assert_eq!(now["schedule"], "15 * * * *");

    // All of them, and then one less.
    let form = browser.get(&place).await;
    assert!(form.text().contains("value=\"language\" checked"));
    let all = [("enabled", "yes"), ("all", "yes"), ("field", "language")];
    browser.submit(&form, &place, &all).await;
    let form = browser.get(&place).await;
    assert!(form.text().contains("value=\"description\" checked"));
    let ticked = form.text();
    let ticked = ticked.split("name=\"field\" value=\"").skip(1);
    let ticked: Vec<String> = ticked
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let mut fields = vec![("enabled", "yes"), ("all", "yes")];
    fields.extend(
        ticked
            .iter()
            .filter(|name| *name != "description")
            .map(|name| ("field", name.as_str())),
    );
    browser.submit(&form, &place, &fields).await;
    let now = chosen().await;
    assert_eq!(now["selectedFieldsAuto"], "all");
    assert_eq!(
        now["selectedFields"],
        json!({ "language": true, "description": false })
    );

    let wrong = [("enabled", "yes"), ("schedule", "* * * * *")];
    let refused = browser.submit(&form, &place, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("60 seconds apart")
            && refused.text().contains("value=\"* * * * *\"")
    );
    // Off, and the choices stay.
    browser
        .submit(&form, &place, &[("all", "yes"), ("field", "language")])
        .await;
    assert_eq!(chosen().await["disabled"], true);
}

async fn uninstalling_leaves_nothing(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installation = world.install(json!({})).await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &installation).await;
    let page = browser.get(&place).await;
    let gone = browser.submit(&page, &format!("{place}/delete"), &[]).await;
    assert!(
        gone.text().contains("Uninstalled.")
            && gone.text().contains("Nobody has installed anything yet")
    );
    assert_eq!(
        world.api.get(&path("/connections")).await.json(200),
        json!([])
    );
    assert_eq!(browser.get(&place).await.status, 404);
}

async fn many_installations_have_pages(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    for n in 0..51 {
        let group = format!("group-{n:02}");
        world.connect(&group).await;
        let body = crate::world::steps::install_body(&group, json!({}));
        world.api.post(&installations(), &body).await.json(201);
    }
    let mut browser = world.owners_browser().await;
    let list = format!("{}/installations", world.pages().await);
    let first = browser.get(&list).await.text();
    assert!(first.contains("group-49") && !first.contains("group-50"));
    let (_, next) = first.split_once("class=\"button\" href=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = browser.get(&format!("{list}{next}")).await.text();
    assert!(
        second.contains("group-50")
            && !second.contains("group-49")
            && !second.contains("Next page")
    );
    let one = browser.get(&format!("{list}?group=group-07")).await.text();
    assert!(one.contains("group-07") && !one.contains("group-08"));
    let connections = list.replace("installations", "connections");
    // One more is there, of whom nobody has installed for.
    let first = browser.get(&connections).await.text();
    assert!(
        first.contains("group-48") && !first.contains("group-49") && first.contains("Next page")
    );
}

async fn another_organization_sees_none_of_it(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let installation = world.install(json!({})).await;
    world
        .add_builder("eve@example.com", store::Role::Member)
        .await;
    let eves = world.sign_in("eve@example.com").await;
    let org = eves
        .post("/v1/orgs", &json!({ "label": "Elsewhere" }))
        .await
        .json(201);
    let operator = world.engine.store.operator();
    let theirs = engine::actions::project::create(
        &world.engine,
        &operator,
        "theirs".to_owned(),
        String::new(),
        Some(org["id"].as_str().unwrap().to_owned()),
    );
    let theirs = theirs.await.unwrap().id;
    let mut browser = world.browser();
    browser.sign_in("eve@example.com").await;
    // The names of one project within another.
    for (kind, id) in [
        ("installations", &installation["id"]),
        ("connections", &connection["id"]),
        ("integrations", &installation["integrationId"]),
    ] {
        let place = format!("/projects/{theirs}/{kind}/{}", id.as_str().unwrap());
        assert_eq!(browser.get(&place).await.status, 404, "{place}");
    }
    let page = browser.get("/").await;
    let id = installation["id"].as_str().unwrap();
    let delete = format!("/projects/{theirs}/installations/{id}/delete");
    let refused = browser.post(&page, &delete, &[]).await;
    assert_eq!(refused.status, 404);
    assert_eq!(
        world
            .api
            .get(&path("/installations"))
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
