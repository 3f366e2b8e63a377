//! Integrations: deploying by a form, problems at their lines, and what changed.

use testing::TestStore;

use crate::world::{MANIFEST, World, path};

testing::both!(
    a_manifest_is_checked_and_deployed,
    problems_stand_at_their_lines_and_nothing_is_deployed,
    a_revision_is_compared_with_the_one_before,
    deleting_uninstalls_everywhere,
);

async fn a_manifest_is_checked_and_deployed(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let empty = browser.get(&format!("{pages}/integrations")).await.text();
    assert!(empty.contains("Say what you want to read"));

    let place = format!("{pages}/integrations/deploy");
    let form = browser.get(&place).await;
    assert!(form.text().contains("<code>inbox</code>"));
    // Browsers send line breaks as two characters.
    let sent = MANIFEST.replace('\n', "\r\n");
    let fields = [("manifest", sent.as_str()), ("check", "yes")];
    let checked = browser.submit(&form, &place, &fields).await;
    assert_eq!(checked.status, 200);
    assert!(checked.text().contains("The manifest is sound"));
    assert!(
        checked.text().contains("name: bitbucket-sync"),
        "the text is still there"
    );
    let listed = world.api.get(&path("/integrations")).await.json(200);
    assert_eq!(listed, serde_json::json!([]), "a check deploys nothing");

    let done = browser
        .submit(&checked, &place, &[("manifest", sent.as_str())])
        .await;
    let text = done.text();
    assert!(text.contains("Deployed: bitbucket-sync."), "{text}");
    assert!(text.contains("as repos") && text.contains("<code>0 * * * *</code>"));
    let list = browser.get(&format!("{pages}/integrations")).await.text();
    assert!(list.contains("reads 2, proxy"), "{list}");
}

async fn problems_stand_at_their_lines_and_nothing_is_deployed(store: TestStore) {
    let world = World::idle(store).await;
    let mut browser = world.owners_browser().await;
    let place = format!("{}/integrations/deploy", world.pages().await);
    let form = browser.get(&place).await;
    let wrong = MANIFEST.replace("provider: bitbucket", "provider: <bitbuket>");
    let refused = browser.submit(&form, &place, &[("manifest", &wrong)]).await;
    assert_eq!(refused.status, 422);
    let text = refused.text();
    assert!(text.contains("Not deployed: 1 error"), "{text}");
    let (_, marked) = text.split_once("class=\"lines marked\"").unwrap();
    let (before, after) = marked.split_once("class=\"line problem bad\"").unwrap();
    assert!(
        before.ends_with("provider: &#60;bitbuket&#62;</span><span "),
        "{before}"
    );
    assert!(after.contains("there is no provider") && after.contains("unknown-provider"));
    // What is no YAML at all has a place too.
    let broken = browser.submit(&form, &place, &[("manifest", "a: [")]).await;
    assert_eq!(broken.status, 422);
    assert!(broken.text().contains("class=\"line problem bad\""));
    let listed = world.api.get(&path("/integrations")).await.json(200);
    assert_eq!(listed, serde_json::json!([]));
}

async fn a_revision_is_compared_with_the_one_before(store: TestStore) {
    let world = World::idle(store).await;
    world.destination().await;
    let first = world.deploy(MANIFEST).await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let id = first["id"].as_str().unwrap();
    let place = format!("{pages}/integrations/deploy");
    let form = browser.get(&format!("{place}?from={id}")).await;
    let text = form.text();
    let (_, yaml) = text.split_once("<textarea").unwrap();
    let yaml = yaml
        .split_once('>')
        .unwrap()
        .1
        .split_once("</textarea>")
        .unwrap()
        .0;
    assert!(yaml.contains("name: bitbucket-sync"));
    let unescape = |text: &str| {
        text.replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&#38;", "&")
    };
    let yaml = unescape(yaml);
    let changed = yaml.replace("0 * * * *", "30 * * * *");
    assert_ne!(yaml, changed);
    let done = browser
        .submit(&form, &place, &[("manifest", &changed)])
        .await;
    assert!(
        done.text().contains("Deployed: bitbucket-sync."),
        "{}",
        done.text()
    );

    let second = world
        .api
        .get(&path(&format!("/integrations/{id}")))
        .await
        .json(200);
    let revision = |integration: &serde_json::Value| {
        let id = integration["latestRevision"]["id"].as_str().unwrap();
        id.to_owned()
    };
    let page = format!("{pages}/integrations/{id}/revisions");
    let compared = browser
        .get(&format!("{page}/{}", revision(&second)))
        .await
        .text();
    let line = |kind: &str| {
        let (_, rest) = compared
            .split_once(&format!("class=\"line {kind}\">"))
            .unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    assert!(
        line("removed").ends_with("schedule: 0 * * * *"),
        "{compared}"
    );
    assert!(line("added").ends_with("schedule: 30 * * * *"));
    let oldest = browser
        .get(&format!("{page}/{}", revision(&first)))
        .await
        .text();
    assert!(oldest.contains("This is the first revision."));
    assert_eq!(browser.get(&format!("{page}/none")).await.status, 404);
}

async fn deleting_uninstalls_everywhere(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(serde_json::json!({})).await;
    let mut browser = world.owners_browser().await;
    let pages = world.pages().await;
    let listed = world.api.get(&path("/integrations")).await.json(200);
    let place = format!("{pages}/integrations/{}", listed[0]["id"].as_str().unwrap());
    let page = browser.get(&place).await;
    assert!(page.text().contains("customer-1"));
    let gone = browser.submit(&page, &format!("{place}/delete"), &[]).await;
    assert!(gone.text().contains("The integration was deleted."));
    let installed = world.api.get(&path("/installations")).await.json(200);
    assert_eq!(installed, serde_json::json!([]));
}
