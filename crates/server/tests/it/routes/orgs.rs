//! `/orgs`, `/my-info`: organisations and who belongs to them.

use serde_json::{Value, json};
use store::Role;
use testing::TestStore;

use crate::contract::check;
use crate::contract::schema::Document;
use crate::world::{PROJECT, World, path};

testing::both!(
    a_builder_sees_itself_its_organization_and_its_projects,
    a_builder_works_in_the_projects_of_its_organization,
    a_builder_is_shown_no_credential,
    an_owner_changes_what_a_member_may_only_see,
    an_organization_of_others_does_not_exist,
    keys_and_customers_have_no_part_in_organizations,
    what_is_done_in_an_organization_is_written_down,
    answers_about_people_are_as_the_contract_says,
);

async fn a_builder_sees_itself_its_organization_and_its_projects(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let info = ada.get("/v1/my-info").await.json(200);
    assert_eq!(info["builder"]["primaryEmail"], "ada@example.com");
    assert_eq!(info["builder"]["idpProvider"], "ligature");
    let id = &info["builder"]["id"];
    assert_eq!(info["orgRole"]["role"], "owner");
    assert_eq!(&info["orgRole"]["principalId"], id);
    let project = ada.get(&path("")).await.json(200);
    let roles = info["projectRoles"].as_object().unwrap();
    assert_eq!(roles.len(), 1);
    let role = &roles[project["id"].as_str().unwrap()];
    assert_eq!(
        (&role["role"], &role["project"]),
        (&json!("owner"), &project)
    );
    assert_eq!(project["orgId"], json!(org));

    let one = ada.get(&format!("/v1/orgs/{org}")).await.json(200);
    assert_eq!(one, info["orgRole"]["org"]);
    assert_eq!(one["label"], "default");
    let builders = ada.get(&format!("/v1/orgs/{org}/builders")).await.json(200);
    assert_eq!(builders, json!([info["builder"]]));
}

async fn a_builder_works_in_the_projects_of_its_organization(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let new = json!({ "name": "second", "appName": "Second", "orgId": org });
    let made = ada.post("/v1/projects", &new).await.json(201);
    assert_eq!(made["orgId"], json!(org));
    let label = json!({ "label": "ci" });
    let key = ada.post("/v1/projects/second/api-keys", &label).await;
    let key = key.json(201)["key"].as_str().unwrap().to_owned();
    let of_key = world.api.with_key(&key);
    of_key.get("/v1/projects/second").await.json(200);
    let listed = ada.get("/v1/projects").await.json(200);
    let names: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(names, [PROJECT, "second"]);
    // Who made the key is written down, as an id.
    let log = of_key.get("/v1/projects/second/audit-log").await.json(200);
    let info = ada.get("/v1/my-info").await.json(200);
    let by = format!("builder:{}", info["builder"]["id"].as_str().unwrap());
    for entry in log["results"].as_array().unwrap() {
        assert_eq!(entry["actor"], json!(by), "{log}");
    }
    assert_eq!(log["results"][0]["action"], "api-key.create");
    assert_eq!(log["results"][1]["action"], "project.create");
}

/// A page that a builder looks at must not come to hold one.
async fn a_builder_is_shown_no_credential(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, _) = world.owner().await;
    let connection = world.prepare().await;
    let one = path(&format!(
        "/connections/{}",
        connection["id"].as_str().unwrap()
    ));
    ada.get(&one).await.json(200);
    for creds in [
        "includeCreds=true",
        "includeRefreshToken=true",
        "includeCreds=true&refresh=force",
    ] {
        ada.get(&format!("{one}?{creds}")).await.problem(403);
    }
    let shown = world.api.get(&format!("{one}?includeCreds=true")).await;
    shown.json(200);
}

async fn an_owner_changes_what_a_member_may_only_see(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    world.add_builder("bob@example.com", Role::Member).await;
    let bob = world.sign_in("bob@example.com").await;
    let at = |rest: &str| format!("/v1/orgs/{org}{rest}");
    bob.get(&at("")).await.json(200);
    bob.get(&at("/builders")).await.json(200);
    bob.get(&at("/invites")).await.json(200);
    bob.get(&path("/connections")).await.json(200);

    let rename = json!({ "updateMask": ["label"], "org": { "label": "Acme Inc" } });
    let invite = json!({ "email": "eve@example.com" });
    let member = json!({ "builderId": "x" });
    bob.patch(&at(""), &rename).await.problem(403);
    bob.post(&at("/invites"), &invite).await.problem(403);
    bob.post(&at("/memberships"), &member).await.problem(403);
    let made = ada.post(&at("/invites"), &invite).await.json(201);
    let one = at(&format!("/invites/{}", made["id"].as_str().unwrap()));
    bob.delete(&one).await.problem(403);

    let renamed = ada.patch(&at(""), &rename).await.json(200);
    assert_eq!(renamed["label"], "Acme Inc");
    assert!(renamed["updateTime"].is_string(), "{renamed}");
    for wrong in [
        json!({ "updateMask": [], "org": {} }),
        json!({ "updateMask": ["id"], "org": {} }),
    ] {
        ada.patch(&at(""), &wrong).await.problem(400);
    }
    let empty = json!({ "updateMask": ["label"], "org": { "label": " " } });
    ada.patch(&at(""), &empty).await.problem(422);
    ada.post(&at("/memberships"), &member).await.problem(404);
    let info = bob.get("/v1/my-info").await.json(200);
    let again = json!({ "builderId": info["builder"]["id"] });
    ada.post(&at("/memberships"), &again).await.problem(400);
}

async fn an_organization_of_others_does_not_exist(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    world.add_builder("bob@example.com", Role::Member).await;
    let bob = world.sign_in("bob@example.com").await;
    let label = json!({ "label": "Bob's" });
    let own = bob.post("/v1/orgs", &label).await.json(201);
    let own_id = own["id"].as_str().unwrap();
    assert_ne!(own["id"], json!(org));
    let new = json!({ "name": "bobs", "appName": "Bob's", "orgId": own_id });
    bob.post("/v1/projects", &new).await.json(201);

    for rest in ["", "/builders", "/invites", "/audit-log"] {
        let theirs = ada
            .get(&format!("/v1/orgs/{own_id}{rest}"))
            .await
            .problem(404);
        let nobodys = ada.get(&format!("/v1/orgs/none{rest}")).await.problem(404);
        let text = |problem: &Value| problem["detail"].as_str().unwrap().to_owned();
        assert_eq!(text(&theirs).replace(own_id, "none"), text(&nobodys));
    }
    let invite = json!({ "email": "eve@example.com" });
    let invites = format!("/v1/orgs/{own_id}/invites");
    ada.post(&invites, &invite).await.problem(404);
    ada.get("/v1/projects/bobs").await.problem(404);
    ada.get("/v1/projects/bobs/api-keys").await.problem(404);
    let stolen = json!({ "name": "x", "appName": "x", "orgId": own_id });
    ada.post("/v1/projects", &stolen).await.problem(404);
    let made = bob.post(&invites, &invite).await.json(201);
    let there = format!("{invites}/{}", made["id"].as_str().unwrap());
    let here = format!("/v1/orgs/{org}/invites/{}", made["id"].as_str().unwrap());
    bob.get(&there).await.json(200);
    for api in [&ada, &bob] {
        api.get(&here).await.problem(404);
    }

    // Its owner adds somebody who has an account; then it is there.
    let info = ada.get("/v1/my-info").await.json(200);
    let member = json!({ "builderId": info["builder"]["id"] });
    let added = bob
        .post(&format!("/v1/orgs/{own_id}/memberships"), &member)
        .await;
    assert_eq!((added.status.as_u16(), added.body.len()), (201, 0));
    ada.get(&format!("/v1/orgs/{own_id}")).await.json(200);
    ada.get("/v1/projects/bobs").await.json(200);
    let info = ada.get("/v1/my-info").await.json(200);
    assert_eq!(info["orgRole"]["org"]["id"], json!(org), "the first one");
    assert_eq!(info["projectRoles"].as_object().unwrap().len(), 2);
}

async fn keys_and_customers_have_no_part_in_organizations(store: TestStore) {
    let world = World::idle(store).await;
    let (_, org) = world.owner().await;
    let front = world
        .api
        .with_key(&world.add_key(PROJECT, &["frontend"]).await);
    let body = json!({ "label": "x", "email": "x@example.com", "builderId": "x", "invitedEmail": "x@example.com" });
    for api in [&world.api, &front] {
        for answer in [
            api.get("/v1/my-info").await,
            api.get(&format!("/v1/orgs/{org}")).await,
            api.get(&format!("/v1/orgs/{org}/builders")).await,
            api.get(&format!("/v1/orgs/{org}/invites")).await,
            api.get(&format!("/v1/orgs/{org}/audit-log")).await,
            api.post("/v1/orgs", &body).await,
            api.post(&format!("/v1/orgs/{org}/invites"), &body).await,
            api.post(&format!("/v1/orgs/{org}/memberships"), &body)
                .await,
            api.post("/v1/invites:accept", &body).await,
        ] {
            let problem = answer.problem(403);
            let remedy = problem["remedy"].as_str().unwrap();
            assert!(remedy.contains("POST /v1/sessions"), "{problem}");
            assert!(remedy.contains("ligature user create"), "{problem}");
        }
    }
    let nobody = world.api.without_key();
    nobody.get("/v1/my-info").await.problem(401);
    nobody.get(&format!("/v1/orgs/{org}")).await.problem(401);
}

async fn what_is_done_in_an_organization_is_written_down(store: TestStore) {
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let at = |rest: &str| format!("/v1/orgs/{org}{rest}");
    let invite = json!({ "email": "eve@example.com" });
    let made = ada.post(&at("/invites"), &invite).await.json(201);
    let one = format!("/invites/{}", made["id"].as_str().unwrap());
    assert_eq!(ada.delete(&at(&one)).await.status, 204);
    let first = ada.get(&at("/audit-log?pageSize=1")).await.json(200);
    assert_eq!(first["results"][0]["action"], "invite.revoke");
    let mut seen = vec![first["results"][0]["action"].clone()];
    let token = first["pagination"]["nextPageToken"].as_str().unwrap();
    let rest = ada
        .get(&at(&format!("/audit-log?pageToken={token}")))
        .await
        .json(200);
    for entry in rest["results"].as_array().unwrap() {
        seen.push(entry["action"].clone());
    }
    assert_eq!(seen, ["invite.revoke", "invite.create", "builder.create"]);
    assert!(!rest.to_string().contains('@'), "no addresses: {rest}");
    ada.get(&at("/audit-log?pageSize=1001")).await.problem(400);
    ada.get(&at("/audit-log?pageSize=0")).await.problem(400);
}

async fn answers_about_people_are_as_the_contract_says(store: TestStore) {
    let Some(contract) = Document::open("api.json") else {
        return;
    };
    let world = World::idle(store).await;
    let (ada, org) = world.owner().await;
    let at = |rest: &str| format!("/v1/orgs/{org}{rest}");
    check(&contract, "get", "/my-info", &ada.get("/v1/my-info").await);
    check(&contract, "get", "/orgs/{orgId}", &ada.get(&at("")).await);
    let label = json!({ "label": "Another" });
    check(
        &contract,
        "post",
        "/orgs",
        &ada.post("/v1/orgs", &label).await,
    );
    let rename = json!({ "updateMask": ["label"], "org": label });
    check(
        &contract,
        "patch",
        "/orgs/{orgId}",
        &ada.patch(&at(""), &rename).await,
    );
    let builders = ada.get(&at("/builders")).await;
    check(&contract, "get", "/orgs/{orgId}/builders", &builders);
    let invite = json!({ "email": "eve@example.com" });
    let made = ada.post(&at("/invites"), &invite).await;
    let made = check(&contract, "post", "/orgs/{orgId}/invites", &made);
    let listed = ada.get(&at("/invites")).await;
    check(&contract, "get", "/orgs/{orgId}/invites", &listed);
    let one = ada
        .get(&at(&format!("/invites/{}", made["id"].as_str().unwrap())))
        .await;
    check(&contract, "get", "/orgs/{orgId}/invites/{inviteId}", &one);
}
