//! Connections: granted against needed, connecting again, installing, deleting.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::everything;
use crate::world::{World, path};

testing::both!(
    what_is_granted_stands_against_what_is_needed,
    a_link_lets_the_customer_connect_again,
    installing_for_a_customer_reads_everything,
    a_connection_in_use_is_not_deleted,
);

async fn place(world: &World, connection: &Value) -> String {
    let id = connection["id"].as_str().unwrap();
    format!("{}/connections/{id}", world.pages().await)
}

async fn what_is_granted_stands_against_what_is_needed(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &connection).await;
    let text = browser.get(&place).await.text();
    assert!(
        text.contains("Projects: Read <span class=\"hint\">for projects"),
        "{text}"
    );
    assert!(text.contains(">granted<") && !text.contains(">missing<"));
    assert!(
        !text.contains("Repositories: Read"),
        "what is not read needs nothing"
    );
    assert!(text.contains("good until <time"));
    assert!(text.contains("Granted as well, and not needed"));
}

async fn a_link_lets_the_customer_connect_again(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &connection).await;
    let page = browser.get(&place).await;
    let link = browser
        .submit(&page, &format!("{place}/reconnect"), &[])
        .await
        .text();
    let (_, rest) = link.split_once("data-copy=\"").unwrap();
    let url = rest.split('"').next().unwrap().replace("&#38;", "&");
    assert!(url.starts_with(&world.provider.url()), "{url}");
    assert_eq!(world.consent(&url, "approve").await.status, 200);
    let all = world.api.get(&path("/connections")).await.json(200);
    assert_eq!(all.as_array().unwrap().len(), 1, "the same one again");
    assert_eq!(all[0]["id"], connection["id"]);
}

async fn installing_for_a_customer_reads_everything(store: TestStore) {
    let world = World::start(store).await;
    let connection = world.prepare().await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &connection).await;
    let page = browser.get(&place).await;
    let install = format!("{place}/install");
    let done = browser.submit(&page, &install, &[]).await;
    let text = done.text();
    assert!(
        text.contains("Installed: everything that the manifest offers is being read."),
        "{text}"
    );
    assert!(text.contains("by ada@example.com"), "{text}");
    let installed = world.api.get(&path("/installations")).await.json(200);
    let objects = &installed[0]["config"]["content"]["read"]["objects"];
    assert_eq!(objects["repositories"]["selectedFieldsAuto"], "all");
    assert_eq!(objects["projects"]["objectName"], "projects");
    world.ended(&installed[0]).await;
    // It is offered once.
    assert!(!browser.get(&place).await.text().contains("/install\""));
}

async fn a_connection_in_use_is_not_deleted(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let mut browser = world.owners_browser().await;
    let place = place(&world, &connection).await;
    world.install(json!({})).await;
    let page = browser.get(&place).await;
    let delete = format!("{place}/delete");
    let kept = browser.submit(&page, &delete, &[]).await.text();
    assert!(kept.contains("delete the installation first"), "{kept}");
    let other = world.connect("customer-2").await;
    let place = self::place(&world, &other).await;
    let page = browser.get(&place).await;
    let gone = browser
        .submit(&page, &format!("{place}/delete"), &[])
        .await
        .text();
    assert!(gone.contains("The connection was deleted") && !gone.contains("customer-2"));
}
