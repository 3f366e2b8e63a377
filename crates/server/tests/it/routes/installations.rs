//! `/projects/{p}/integrations/{i}/installations`.

use serde_json::{Value, json};
use testing::TestStore;

use crate::world::steps::{GROUP, both, everything, install_body, installations};
use crate::world::{MANIFEST, PROJECT, World, path};

testing::both!(
    an_installation_has_everything_that_clients_read,
    a_config_that_does_not_fit_is_refused_with_every_cause,
    who_installs_is_known_unsaid,
    a_group_installs_an_integration_once,
    an_installation_may_read_nothing,
    lists_go_by_group,
    an_update_replaces_what_its_mask_names,
    an_object_is_stopped_as_the_react_components_do_it,
    an_update_that_makes_no_sense_is_refused,
    one_objects_config_is_patched,
);

async fn an_installation_has_everything_that_clients_read(store: TestStore) {
    let world = World::idle(store).await;
    let connection = world.prepare().await;
    let integration = world
        .api
        .get(&path("/integrations/bitbucket-sync"))
        .await
        .json(200);
    let mut body = install_body(GROUP, both());
    body["connectionId"] = connection["id"].clone();
    body["config"]["revisionId"] = integration["latestRevision"]["id"].clone();
    let created = world.api.post(&installations(), &body).await.json(201);
    assert_eq!(created["integrationId"], integration["id"]);
    assert_eq!(created["connection"], connection);
    assert_eq!(created["group"], connection["group"]);
    assert_eq!(created["healthStatus"], "healthy");
    assert_eq!(created["lastOperationStatus"], "in_progress");
    assert_eq!(created["createdBy"], "consumer:ada");
    assert_eq!(created["config"]["createdBy"], "consumer:ada");
    assert_eq!(
        created["config"]["revisionId"],
        integration["latestRevision"]["id"]
    );
    // What was sent, with the keys that clients read through unasked.
    let mut content = body["config"]["content"].clone();
    for object in ["repositories", "projects"] {
        content["read"]["objects"][object]["selectedFields"] = json!({});
        content["read"]["objects"][object]["selectedFieldMappings"] = json!({});
    }
    assert_eq!(created["config"]["content"], content);
    assert!(created["config"]["id"].is_string() && created["config"]["createTime"].is_string());

    let id = created["id"].as_str().unwrap();
    for integration in ["bitbucket-sync", integration["id"].as_str().unwrap()] {
        let shown = world
            .api
            .get(&path(&format!(
                "/integrations/{integration}/installations/{id}"
            )))
            .await
            .json(200);
        assert_eq!(shown, created);
    }
    world
        .api
        .get(&format!("{}/none", installations()))
        .await
        .problem(404);
    world
        .api
        .get(&path("/integrations/none/installations"))
        .await
        .problem(404);
    world
        .deploy(&MANIFEST.replace("bitbucket-sync", "second-sync"))
        .await;
    world
        .api
        .get(&path(&format!(
            "/integrations/second-sync/installations/{id}"
        )))
        .await
        .problem(404);
}

async fn a_config_that_does_not_fit_is_refused_with_every_cause(store: TestStore) {
    let world = World::idle(store).await;
    world.provider_app().await;
    world.deploy(MANIFEST).await;
    let install = async |body: &Value, status: u16| {
        world.api.post(&installations(), body).await.problem(status)
    };
    // Neither a connection nor a destination yet.
    let problem = install(&install_body(GROUP, both()), 422).await;
    assert!(
        problem["remedy"]
            .as_str()
            .unwrap()
            .contains("oauth-connect"),
        "{problem}"
    );
    world.connect(GROUP).await;
    let objects =
        json!({ "repositories": everything("repositories"), "pipelines": everything("pipelines") });
    let problem = install(&install_body(GROUP, objects), 422).await;
    let causes = problem["causes"].to_string();
    assert!(
        causes.contains("pipelines") && causes.contains("inbox"),
        "{problem}"
    );

    world.destination().await;
    let mut foreign = install_body(GROUP, both());
    foreign["connectionId"] = world.connect("customer-2").await["id"].clone();
    let problem = install(&foreign, 422).await;
    assert!(
        problem["detail"].as_str().unwrap().contains(GROUP),
        "{problem}"
    );
    foreign["connectionId"] = json!("none");
    install(&foreign, 404).await;
    install(&install_body("", both()), 422).await;
    let mut stale = install_body(GROUP, both());
    stale["config"]["revisionId"] = json!("none");
    install(&stale, 404).await;
    for content in [
        json!({ "read": { "objects": [] } }),
        json!({ "read": 7 }),
        json!("text"),
    ] {
        let mut body = install_body(GROUP, both());
        body["config"]["content"] = content;
        install(&body, 422).await;
    }
    let mut elsewhere = install_body(GROUP, both());
    elsewhere["config"]["content"]["read"]["objects"]["projects"]["destination"] = json!("nowhere");
    let problem = install(&elsewhere, 422).await;
    assert!(
        problem["causes"].to_string().contains("nowhere"),
        "{problem}"
    );
    let mut path_less = install_body(GROUP, both());
    path_less["config"]["content"]["read"]["objects"]["repositories"]["selectedFieldMappings"] =
        json!({ "label": "$[" });
    let problem = install(&path_less, 422).await;
    assert!(problem["causes"].to_string().contains("$["), "{problem}");
    assert_eq!(world.api.get(&installations()).await.json(200), json!([]));
}

/// `InstallIntegration` of `@amp-labs/react` 2.16 does not say it.
async fn who_installs_is_known_unsaid(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.connect("customer-2").await;
    let frontend = world.add_key(PROJECT, &["frontend"]).await;
    let own = world.api.key.clone().unwrap();
    let public_part = own.rsplit_once('_').unwrap().0;
    for (key, group, by) in [
        (&frontend, GROUP, "consumer:ada".to_owned()),
        (&own, "customer-2", format!("api-key:{public_part}")),
    ] {
        let mut body = install_body(group, json!({}));
        body["config"].as_object_mut().unwrap().remove("createdBy");
        let api = world.api.with_key(key);
        let created = api.post(&installations(), &body).await.json(201);
        assert_eq!(created["createdBy"], by);
        assert_eq!(created["config"]["createdBy"], by);
    }
}

async fn a_group_installs_an_integration_once(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.install(both()).await;
    world
        .api
        .post(&installations(), &install_body(GROUP, both()))
        .await
        .problem(409);
    assert_eq!(
        world
            .api
            .get(&installations())
            .await
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
    world
        .deploy(&MANIFEST.replace("bitbucket-sync", "second-sync"))
        .await;
    let second = path("/integrations/second-sync/installations");
    world
        .api
        .post(&second, &install_body(GROUP, both()))
        .await
        .json(201);
}

async fn an_installation_may_read_nothing(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let installed = world.install(Value::Null).await;
    assert!(world.operations(&installed).await.is_empty());
    // Clients read through the key, and null would stop them.
    assert!(
        !installed["config"]["content"]["read"]["objects"].is_null(),
        "{}",
        installed["config"]["content"]
    );
    world.connect("customer-2").await;
    let mut bare = install_body("customer-2", Value::Null);
    bare["config"]["content"] = json!({ "provider": "bitbucket", "proxy": { "enabled": true } });
    let installed = world.api.post(&installations(), &bare).await.json(201);
    assert!(world.operations(&installed).await.is_empty());
    world.connect("customer-3").await;
    let mut off = both();
    off["projects"]["disabled"] = json!(true);
    let installed = world
        .api
        .post(&installations(), &install_body("customer-3", off))
        .await
        .json(201);
    assert_eq!(
        world
            .operations(&installed)
            .await
            .keys()
            .collect::<Vec<_>>(),
        ["repositories"]
    );
}

async fn lists_go_by_group(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    world.connect("customer-2").await;
    let mine = world
        .install(json!({ "projects": everything("projects") }))
        .await;
    let body = install_body(
        "customer-2",
        json!({ "repos": { "selectedFieldsAuto": "all" } }),
    );
    let other = world.api.post(&installations(), &body).await.json(201);
    // The key may be the app's name.
    assert_eq!(
        world.operations(&other).await.keys().collect::<Vec<_>>(),
        ["repositories"]
    );
    for place in [installations(), path("/installations")] {
        let all = world.api.get(&place).await.json(200);
        assert_eq!(all.as_array().unwrap().len(), 2);
        let found = world
            .api
            .get(&format!("{place}?groupRef={GROUP}"))
            .await
            .json(200);
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(found[0]["id"], mine["id"]);
        assert_eq!(
            world
                .api
                .get(&format!("{place}?groupRef=nobody"))
                .await
                .json(200),
            json!([])
        );
    }
}

async fn an_update_replaces_what_its_mask_names(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let variables = "        - objectName: pipelines-config/variables\n          destination: inbox\n          requiredFields: [{fieldName: uuid}]\n    proxy:";
    world
        .deploy(&MANIFEST.replace("    proxy:", variables))
        .await;
    let created = world
        .install(json!({ "repositories": everything("repositories") }))
        .await;
    let there = format!("{}/{}", installations(), created["id"].as_str().unwrap());
    let name = "pipelines-config/variables";
    let mut before = created.clone();
    for mask in [name, r"pipelines-config\/variables"] {
        let config = json!({ "objectName": name, "destination": "inbox" });
        let body = json!({
            "updateMask": [format!("config.content.read.objects.{mask}"), "config.content.proxy.enabled"],
            "installation": {
                "connectionId": "not in the mask",
                "config": { "createdBy": "not in the mask", "content": {
                    "read": { "objects": { name: config, "repositories": {} } },
                    "proxy": { "enabled": true },
                } },
            },
        });
        let changed = world.api.patch(&there, &body).await.json(200);
        let mut content = created["config"]["content"].clone();
        content["read"]["objects"][name] = json!({
            "objectName": name, "destination": "inbox",
            "selectedFields": {}, "selectedFieldMappings": {},
        });
        content["proxy"] = json!({ "enabled": true });
        assert_eq!(changed["config"]["content"], content);
        assert_ne!(changed["config"]["id"], before["config"]["id"]);
        assert_eq!(changed["config"]["createdBy"], "consumer:ada");
        assert_eq!(changed["connection"], created["connection"]);
        assert!(changed["updateTime"].is_string());
        assert_eq!(world.api.get(&there).await.json(200), changed);
        before = changed;
    }
    let latest = world
        .api
        .get(&path("/integrations/bitbucket-sync"))
        .await
        .json(200);
    assert_eq!(
        before["config"]["revisionId"],
        latest["latestRevision"]["id"]
    );
    let body = json!({
        "updateMask": ["config.createdBy"],
        "installation": { "config": { "createdBy": "builder:bo" } },
    });
    let changed = world.api.patch(&there, &body).await.json(200);
    assert_eq!(changed["config"]["createdBy"], "builder:bo");
    assert_eq!(changed["createdBy"], "consumer:ada");
}

async fn an_object_is_stopped_as_the_react_components_do_it(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let created = world.install(both()).await;
    let there = format!("{}/{}", installations(), created["id"].as_str().unwrap());
    let mut content = created["config"]["content"].clone();
    for disabled in [true, false] {
        let object = json!({ "projects": { "disabled": disabled } });
        let body = json!({
            "updateMask": ["config.content.read.objects.projects.disabled"],
            "installation": { "config": { "content": { "read": { "objects": object } } } },
        });
        let changed = world.api.patch(&there, &body).await.json(200);
        content["read"]["objects"]["projects"]["disabled"] = json!(disabled);
        assert_eq!(changed["config"]["content"], content);
    }
}

async fn an_update_that_makes_no_sense_is_refused(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let created = world.install(both()).await;
    let foreign = world.connect("customer-2").await["id"].clone();
    let there = format!("{}/{}", installations(), created["id"].as_str().unwrap());
    let object = |config: Value| json!({ "config": { "content": { "read": { "objects": { "repositories": config } } } } });
    let read = "config.content.read.objects.repositories";
    let stranger =
        json!({ "config": { "content": { "read": { "objects": { "pipelines": {} } } } } });
    for (mask, installation, status) in [
        (vec![], json!({}), 400),
        (vec!["groupRef"], json!({ "groupRef": "x" }), 400),
        (vec![read], json!({}), 400),
        (vec![read], object(json!("all of it")), 400),
        (vec!["connectionId"], json!({}), 400),
        (vec!["config.content.proxy.enabled"], json!({}), 400),
        (
            vec!["connectionId"],
            json!({ "connectionId": foreign }),
            422,
        ),
        (vec!["connectionId"], json!({ "connectionId": "none" }), 404),
        (vec![read], object(json!({ "schedule": "* * * * *" })), 422),
        (vec![read], object(json!({ "destination": "none" })), 422),
        (vec!["config.content.read.objects.pipelines"], stranger, 422),
    ] {
        let body = json!({ "updateMask": mask, "installation": installation });
        world.api.patch(&there, &body).await.problem(status);
    }
    let shown = world.api.get(&there).await.json(200);
    assert_eq!(shown["config"], created["config"], "nothing was changed");
}

async fn one_objects_config_is_patched(store: TestStore) {
    let world = World::idle(store).await;
    world.prepare().await;
    let variables = "        - objectName: pipelines-config/variables\n          destination: inbox\n          requiredFields: [{fieldName: uuid}]\n    proxy:";
    world
        .deploy(&MANIFEST.replace("    proxy:", variables))
        .await;
    let created = world.install(both()).await;
    let id = created["id"].as_str().unwrap();
    let at = |object: &str| {
        path(&format!(
            "/integrations/bitbucket-sync/objects/{object}/config-content"
        ))
    };
    let change =
        |changes: Value| json!({ "installationId": id, "action": "read", "changes": changes });
    for (object, slug) in [
        ("pipelines-config/variables", true),
        ("pipelines-config%2Fvariables", false),
    ] {
        let steps = json!([{ "op": "add", "path": "/selectedFields/key", "value": slug }]);
        let changed = world.api.patch(&at(object), &change(steps)).await.json(200);
        let objects = &changed["config"]["content"]["read"]["objects"];
        assert_eq!(
            objects["pipelines-config/variables"]["selectedFields"],
            json!({ "key": slug })
        );
        assert_eq!(
            objects["projects"],
            created["config"]["content"]["read"]["objects"]["projects"]
        );
    }
    let steps = json!([{ "op": "remove", "path": "" }]);
    let changed = world
        .api
        .patch(&at("repos"), &change(steps))
        .await
        .json(200);
    assert!(
        changed["config"]["content"]["read"]["objects"]
            .get("repositories")
            .is_none()
    );
    let add = json!([{ "op": "add", "path": "/schedule", "value": "0 * * * *" }]);
    let both_named =
        json!({ "installationId": id, "groupRef": GROUP, "action": "read", "changes": add });
    let nobody = json!({ "groupRef": "nobody", "action": "read", "changes": add });
    let unheard = json!({ "groupRef": GROUP, "action": "guess", "changes": add });
    let subscribe = json!({ "groupRef": GROUP, "action": "subscribe", "changes": add });
    for (object, body, status) in [
        ("projects", both_named, 400),
        ("projects", nobody, 404),
        ("projects", unheard, 400),
        ("projects", subscribe, 400),
        ("nothing", change(add.clone()), 400),
        ("projects", change(json!([])), 400),
        (
            "projects",
            change(json!([{ "op": "move", "path": "/a", "from": "/b" }])),
            400,
        ),
        (
            "projects",
            change(json!([{ "op": "remove", "path": "/none" }])),
            400,
        ),
        (
            "projects",
            change(json!([{ "op": "add", "path": "/schedule", "value": "* * * * *" }])),
            422,
        ),
    ] {
        world.api.patch(&at(object), &body).await.problem(status);
    }
}
