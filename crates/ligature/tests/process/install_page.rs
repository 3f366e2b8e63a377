//! The hosted install page in Chromium, against a server process and the sandbox:
//! what a customer sees and presses from the link to the end of it, with a script
//! and without, in light, dark and on a phone. `tests/browser/install.cjs` is the
//! customer.

use std::fmt::Write as _;

use http::Method;
use serde_json::{Value, json};

use crate::api::until;
use crate::browser::{TURN, Tools, prepare};
use crate::receiver::Receiver;
use crate::serve::{SECRET_KEY, Server, ligature};

const REPOSITORIES: u32 = 30;
/// More fields than anybody wants to look through.
const FIELDS: u32 = 200;

/// A link for a customer.
async fn link(server: &Server, integration: &str, customer: &str, more: Value) -> Value {
    let mut new = json!({
        "integrationIdOrName": integration, "groupRef": customer,
        "groupName": format!("Customer {customer}"), "consumerRef": format!("{customer}-ada"),
    });
    let more = more.as_object().unwrap().clone();
    new.as_object_mut().unwrap().extend(more);
    server
        .client
        .post(&server.path("/install-links"), &new)
        .await
}

fn world(server: &Server, link: &Value, customer: &str) -> Value {
    json!({
        "page": link["url"], "customer": customer,
        "api": server.path(""), "key": crate::serve::KEY, "repositories": REPOSITORIES,
        "sandbox": server.control(""),
    })
}

async fn every_repository(receiver: &Receiver) {
    until("every repository has reached the app", || async {
        receiver.inbox.lock().unwrap().distinct("repositories") == REPOSITORIES as usize
    })
    .await;
    assert_eq!(receiver.inbox.lock().unwrap().forged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_goes_the_whole_way_by_a_link() {
    let Some(tools) = Tools::driver_only() else {
        return;
    };
    let _turn = TURN.lock().await;
    let server = Server::start(REPOSITORIES, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    let theme = json!({ "theme": {
        "name": "Acme Insights", "color": "#0b7a53", "logoUrl": "https://cdn.example/logo.svg",
    }});
    let link = link(&server, "bitbucket", "link-1", theme).await;
    let world = world(&server, &link, "link-1");
    let steps = ["logo", "deny", "nowhere", "connect", "mistake", "install"];
    tools.walk("install.cjs", &steps, &world).await;
    every_repository(&receiver).await;
    let steps = ["installed", "edit", "expired", "disconnect"];
    tools.walk("install.cjs", &steps, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_scripts_does_the_same() {
    let Some(tools) = Tools::driver_only() else {
        return;
    };
    let _turn = TURN.lock().await;
    let server = Server::start(REPOSITORIES, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    let link = link(&server, "bitbucket", "link-2", json!({})).await;
    let mut world = world(&server, &link, "link-2");
    world["scripts"] = json!(false);
    let steps = ["connect", "mistake", "install", "installed", "edit"];
    tools.walk("install.cjs", &steps, &world).await;
    every_repository(&receiver).await;
    tools.walk("install.cjs", &["disconnect"], &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_names_and_long_lists_stay_usable() {
    let Some(tools) = Tools::driver_only() else {
        return;
    };
    let _turn = TURN.lock().await;
    let server = Server::start(3, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    let batch = json!({ "sourceYaml": wide() });
    let path = server.path("/integrations:batch");
    server.client.json(Method::PUT, &path, Some(&batch)).await;
    let long = "Bundesverband der Wohnungsbaugesellschaften".repeat(2);
    let more = json!({ "groupName": long, "theme": { "name": long, "color": "#ffd600" } });
    let link = link(&server, "wide", "link-3", more).await;
    let world = world(&server, &link, "link-3");
    let steps = ["connect", "many", "removed"];
    tools.walk("install.cjs", &steps, &world).await;
}

/// A manifest with very many fields, long names, and everything else there is.
fn wide() -> String {
    let mut fields = String::new();
    for n in 0..FIELDS {
        let known = "# amp:ignore[unknown-field]";
        writeln!(fields, "            - fieldName: custom_field_{n} {known}").unwrap();
    }
    format!(
        "specVersion: 1.0.0
integrations:
  - name: wide
    provider: bitbucket
    read:
      objects:
        - objectName: repositories
          mapToName: repositoriesOfEverybody
          mapToDisplayName: Repositories_of_everybody_who_has_ever_worked_with_this_workspace
          destination: inbox
          schedule: '0 * * * *'
          requiredFields:
            - fieldName: uuid
            - fieldName: $['project']['key']
              mapToName: aVeryLongNameThatSomebodyHasThoughtOfForTheKeyOfAProject
          optionalFields:
{fields}          backfill:
            defaultPeriod:
              days: 30
        - objectName: addon/linkers # amp:ignore[removed-object,no-field]
          destination: inbox
    write:
      objects:
        - objectName: projects
        - objectName: hooks
    proxy:
      enabled: true
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_and_taken_back_at_the_machine() {
    let mut server = Server::start(3, None).await;
    let receiver = Receiver::start().await;
    prepare(&server, &receiver).await;
    // With SQLite, one process at a time.
    server.kill();
    let run = |arguments: &[&str]| {
        let output = ligature()
            .arg("install-link")
            .args(arguments)
            .env("LIGATURE_DATA_DIR", server.data_dir())
            .env("LIGATURE_SECRET_KEY", SECRET_KEY)
            .env("LIGATURE_PUBLIC_URL", &server.url)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        (output.status.success(), out.trim().to_owned(), err)
    };
    let of = ["--project", "app"];
    let new = ["--integration", "bitbucket", "--group-ref", "customer-1"];
    let create = |more: &[&str]| run(&[&["create"][..], &of, &new, more].concat());
    let (made, link, said) = create(&["--group-name", "Customer One"]);
    assert!(
        made && said.contains("Send it to Customer One only"),
        "{said}"
    );
    assert!(
        link.starts_with(&format!("{}/install/", server.url)),
        "{link}"
    );
    let (_, json, _) = create(&["--consumer-ref", "ada", "--expires-in", "12h", "--json"]);
    let other: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&other["consumerRef"], &other["groupRef"]),
        (&json!("ada"), &json!("customer-1"))
    );
    let (_, listed, _) = run(&[&["list", "--json"][..], &of].concat());
    assert!(!listed.contains("signature"), "{listed}");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let id = other["id"].as_str().unwrap();
    let (revoked, _, said) = run(&[&["revoke", id][..], &of].concat());
    assert!(revoked && said.contains("Revoked"), "{said}");
    for (wrong, why) in [
        (&["--expires-in", "soon"][..], "such as 12h or 7d"),
        (&["--expires-in", "400d"], "366 days"),
        (&["--theme-color", "red"], "#rrggbb"),
    ] {
        let (made, _, said) = create(wrong);
        assert!(!made && said.contains(why), "{said}");
    }
    server.launch().await;
    for (url, status) in [(link.as_str(), 200), (other["url"].as_str().unwrap(), 410)] {
        let answer = server.client.send(Method::GET, url, None).await.unwrap();
        assert_eq!(answer.status(), status);
    }
}
