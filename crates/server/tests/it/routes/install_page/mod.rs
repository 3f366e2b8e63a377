//! `/install/{link}`: the hosted install page, as a customer's browser sees it.

mod attacks;
mod since;
mod states;

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{GROUP, installations};
use crate::world::{MANIFEST, World, path};

testing::both!(
    a_customer_connects_installs_edits_and_disconnects,
    what_is_wrong_is_said_beside_it_and_nothing_is_lost,
    the_page_looks_as_the_link_says,
);

/// All that the builder does before a customer comes.
async fn set_up(world: &World, manifest: &str) {
    world.provider_app().await;
    world.destination().await;
    world.deploy(manifest).await;
}

/// What is installed for the group.
async fn installed(world: &World) -> Vec<Value> {
    let of_group = format!("{}?groupRef={GROUP}", installations());
    let found = world.api.get(&of_group).await.json(200);
    found.as_array().unwrap().clone()
}

async fn connections(world: &World) -> Vec<Value> {
    let of_group = path(&format!("/connections?groupRef={GROUP}"));
    let found = world.api.get(&of_group).await.json(200);
    found.as_array().unwrap().clone()
}

async fn a_customer_connects_installs_edits_and_disconnects(store: TestStore) {
    let world = World::start(store).await;
    set_up(&world, MANIFEST).await;
    let mut customer = world.customer().await;
    let page = customer.open().await;
    assert_eq!(page.status, 200, "{}", page.text());
    for text in ["Connect Bitbucket", "Acme App", "Customer One", "Workspace"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    // Nothing is said: asked for beside the field.
    let page = customer.press("connect", &[("input:workspace", " ")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("Please fill this in."));

    let consent = customer.begin("acme").await;
    let back = world.decide(&consent, "approve").await;
    let redirect = customer.follow(&back).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    assert_eq!(
        redirect.header("location"),
        format!("{}&news=connected", customer.place)
    );
    assert_eq!(redirect.header("referrer-policy"), "no-referrer");
    let connected = connections(&world).await;
    assert_eq!(
        connected[0]["providerMetadata"]["workspace"]["value"],
        "acme"
    );
    assert_eq!(connected[0]["consumer"]["consumerName"], "Ada");

    let page = customer.get(redirect.header("location")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    for text in [
        "The account is connected.",
        "Choose what is read",
        "Everything there is now, and what changes from now on",
        "Which field is the label?",
        "name=\"field:repositories\" value=\"language\"",
        "value=\"projects\" checked",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    // What is required is no choice.
    assert!(!page.text().contains("value=\"full_name\" data-field"));

    let choices = [
        ("object", "repositories"),
        ("field:repositories", "language"),
        ("map:repositories:secrecy", "is_private"),
        ("map:repositories:label", "name"),
        ("proxy", "on"),
    ];
    let redirect = customer.press("choices", &choices).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    assert_eq!(
        redirect.header("location"),
        format!("{}&news=installed", customer.place)
    );
    let found = installed(&world).await;
    assert_eq!(found[0]["createdBy"], "consumer:ada");
    let content = &found[0]["config"]["content"];
    assert_eq!(content["proxy"]["enabled"], true);
    let repositories = &content["read"]["objects"]["repositories"];
    assert_eq!(repositories["selectedFields"], json!({ "language": true }));
    let mapped = json!({ "secrecy": "is_private", "label": "name" });
    assert_eq!(repositories["selectedFieldMappings"], mapped);
    assert!(content["read"]["objects"].get("projects").is_none());
    let entries = world.arrived(230).await;
    let first = &entries["repos"][0];
    assert!(first["fields"]["full_name"].is_string() && first["mappedFields"]["label"].is_string());
    assert!(first["fields"].get("description").is_none(), "{first}");

    let page = world
        .until("the end of the read", async || {
            let page = customer.open().await;
            page.text().contains("Next read:").then_some(page)
        })
        .await;
    for text in [
        "Bitbucket is connected to Acme App",
        "Working",
        "Workspace acme",
        "From the very beginning",
        "<h3>Repositories</h3>",
        "label (Name)",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(
        !page.text().contains("<h3>Projects</h3>"),
        "{}",
        page.text()
    );

    let place = customer.at("edit");
    let page = customer.get(&place).await;
    assert!(
        page.text()
            .contains("value=\"language\" data-field checked"),
        "{}",
        page.text()
    );
    assert!(
        page.text().contains("value=\"projects\" aria"),
        "not ticked: {}",
        page.text()
    );
    let choices = [
        ("object", "projects"),
        ("every:projects", "on"),
        ("object", "repositories"),
        ("field:repositories", "description"),
    ];
    let redirect = customer.press_from("edit", "choices", &choices).await;
    assert_eq!(
        redirect.header("location"),
        format!("{}&news=saved", customer.place)
    );
    let content = installed(&world).await[0]["config"]["content"].clone();
    let objects = &content["read"]["objects"];
    assert_eq!(
        objects["repositories"]["selectedFields"],
        json!({ "description": true })
    );
    assert_eq!(objects["projects"]["selectedFieldsAuto"], Value::Null);
    assert_eq!(content["proxy"]["enabled"], false);
    world.arrived(242).await;
    // And one is let go, though not forgotten.
    let redirect = customer
        .press_from("edit", "choices", &[("object", "repositories")])
        .await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    let content = installed(&world).await[0]["config"]["content"].clone();
    assert_eq!(content["read"]["objects"]["projects"]["disabled"], true);

    let place = customer.at("disconnect");
    let page = customer.get(&place).await;
    assert!(page.text().contains("Disconnect Bitbucket?"));
    assert_eq!(installed(&world).await.len(), 1, "to ask is not to do");
    let redirect = customer.press("disconnect", &[]).await;
    assert_eq!(
        redirect.header("location"),
        format!("{}&news=disconnected", customer.place)
    );
    assert!(installed(&world).await.is_empty() && connections(&world).await.is_empty());
    let page = customer.open().await;
    assert!(page.text().contains("Connect Bitbucket"));
}

/// A mapping that has to be made, besides what there is.
fn with_required_mapping() -> String {
    let field = "requiredFields:\n            - mapToName: owner\n              mapToDisplayName: Owner of it\n              prompt: Who owns it?";
    MANIFEST.replacen("requiredFields:", field, 1)
}

async fn what_is_wrong_is_said_beside_it_and_nothing_is_lost(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, &with_required_mapping()).await;
    world.connect(GROUP).await;
    let mut customer = world.customer().await;
    let choices = [
        ("object", "repositories"),
        ("field:repositories", "language"),
        ("map:repositories:label", "slug"),
    ];
    let page = customer.press("choices", &choices).await;
    assert_eq!(page.status, 422);
    let text = page.text();
    assert!(text.contains("One thing has"), "{text}");
    let select = text
        .split_once("name=\"map:repositories:owner\"")
        .unwrap()
        .1;
    let (select, after) = select.split_once("</select>").unwrap();
    assert!(select.contains("aria-invalid=\"true\""), "{select}");
    assert!(
        after
            .trim_start()
            .starts_with("<p class=\"error\" id=\"maperror-0-1\">Choose a field</p>"),
        "{after}"
    );
    for kept in [
        "value=\"language\" data-field checked",
        "<option value=\"slug\" selected>",
        "value=\"projects\" aria-labelledby",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(installed(&world).await.is_empty());

    // A field that there is not: the provider was asked.
    let choices = [
        ("object", "repositories"),
        ("map:repositories:owner", "nobodys"),
    ];
    let page = customer.press("choices", &choices).await;
    assert_eq!(page.status, 422, "{}", page.text());
    let text = page.text();
    let (_, after) = text
        .split_once("<option value=\"nobodys\" selected>")
        .unwrap();
    assert!(
        after.contains("There is no such field in your account"),
        "{text}"
    );

    let page = customer.press("choices", &[]).await;
    assert_eq!(page.status, 422);
    assert!(
        page.text().contains("Choose at least one thing"),
        "{}",
        page.text()
    );
    let choices = [
        ("object", "repositories"),
        ("map:repositories:owner", "name"),
    ];
    let redirect = customer.press("choices", &choices).await;
    assert_eq!(redirect.status, 303, "{}", redirect.text());
    // In another window it is too late, and no harm.
    let again = customer.press_from("edit", "choices", &choices).await;
    assert_eq!(
        again.header("location"),
        format!("{}&news=saved", customer.place)
    );
}

async fn the_page_looks_as_the_link_says(store: TestStore) {
    let world = World::idle(store).await;
    set_up(&world, MANIFEST).await;
    let theme = json!({
        "name": "<script>alert(1)</script> & Söhne", "color": "#FFD600",
        "logoUrl": "https://cdn.example/a;b.svg?v=1",
    });
    let link = world
        .install_link(json!({ "theme": theme, "groupName": "\"><img src=x>" }))
        .await;
    let page = world.customer_of(&link).open().await;
    let text = page.text();
    assert!(
        !text.contains("<script>alert") && !text.contains("<img src=x"),
        "{text}"
    );
    assert!(text.contains("Söhne") && text.contains("--act: #ffd600; --on-act: #000000"));
    assert!(text.contains("referrerpolicy=\"no-referrer\""), "{text}");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("img-src https://cdn.example/a%3Bb.svg;"),
        "{policy}"
    );
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
    for part in [
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-frame-options"), "DENY");
    // Without a word about it the project's name is there.
    let page = world.customer().await.open().await;
    assert!(page.text().contains("Acme App") && !page.text().contains("<img"));
    assert!(
        page.header("content-security-policy")
            .contains("img-src 'none'")
    );
}
