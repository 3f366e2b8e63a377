//! What the generated data looks like and how it is found.

use super::{Server, options};
use crate::Options;
use std::collections::HashMap;

#[tokio::test]
async fn the_seed_decides_everything() {
    let (one, same, other) = (
        Server::default().await,
        Server::default().await,
        Server::start(Options {
            seed: 2,
            ..options()
        })
        .await,
    );
    let page = "/2.0/repositories/acme?pagelen=100&page=2";
    let strip = |server: &Server, text: String| text.replace(server.base.as_str(), "/");
    let first = strip(&one, one.get(page).await.text);
    assert_eq!(first, strip(&same, same.get(page).await.text));
    assert_ne!(first, strip(&other, other.get(page).await.text));
}

#[tokio::test]
async fn workspaces_and_repositories_go_by_slug_and_by_uuid() {
    let server = Server::default().await;
    let workspace = server.get("/2.0/workspaces/acme").await.json();
    let escape = |uuid: &serde_json::Value| {
        let uuid = uuid.as_str().unwrap();
        uuid.replace('{', "%7B").replace('}', "%7D")
    };
    let ws = escape(&workspace["uuid"]);
    assert_eq!(
        server.get(&format!("/2.0/workspaces/{ws}")).await.json(),
        workspace
    );
    let list = server
        .get(&format!("/2.0/repositories/{ws}?page=3"))
        .await
        .json();
    for expected in list["values"].as_array().unwrap() {
        let slug = expected["slug"].as_str().unwrap();
        let uuid = escape(&expected["uuid"]);
        for path in [
            format!("/2.0/repositories/acme/{slug}"),
            format!("/2.0/repositories/{ws}/{uuid}"),
            format!("/2.0/repositories/%7B%7D/{uuid}"),
        ] {
            assert_eq!(&server.get(&path).await.json(), expected, "{path}");
        }
    }
    let elsewhere = escape(&list["values"][0]["uuid"]);
    for missing in [
        "/2.0/repositories/acme/no-such-1".to_owned(),
        format!("/2.0/repositories/acme-labs/{elsewhere}"),
        "/2.0/repositories/nowhere".to_owned(),
        "/2.0/workspaces/nowhere".to_owned(),
        "/2.0/workspaces/acme/projects/NONE1".to_owned(),
    ] {
        let answer = server.get(&missing).await;
        assert_eq!(answer.status, 404, "{missing}");
        assert_eq!(answer.json()["type"], "error");
    }
    let answer = server.get("/2.0/repositories/acme/no-such-1").await;
    assert_eq!(answer.message(), "Repository acme/no-such-1 not found");
}

#[tokio::test]
async fn times_have_ties_a_burst_and_whole_seconds() {
    let server = Server::default().await;
    let mut times: HashMap<String, usize> = HashMap::new();
    for page in ["1", "2", "3"] {
        let answer = server
            .repositories(&[("pagelen", "100"), ("page", page)])
            .await;
        for (updated, created) in answer
            .column("updated_on")
            .into_iter()
            .zip(answer.column("created_on"))
        {
            assert!(updated.ends_with("+00:00"));
            assert!(updated.replace("+00:00", "") >= created.replace("+00:00", ""));
            *times.entry(updated).or_default() += 1;
        }
    }
    assert!(
        times.values().any(|count| *count > 100),
        "a burst beyond one page"
    );
    assert!(
        times.values().any(|count| (2..10).contains(count)),
        "small ties"
    );
    assert!(times.keys().any(|time| !time.contains('.')), "no fraction");
    assert!(times.keys().any(|time| time.contains('.')), "microseconds");
}

#[tokio::test]
async fn a_hundred_thousand_repositories_page_by_key() {
    let server = Server::start(Options {
        repositories: 100_000,
        workspaces: vec!["acme".to_owned()],
        ..options()
    })
    .await;
    let mut from = "2019-01-01T00:00:00Z".to_owned();
    for _ in 0..20 {
        let q = format!("updated_on >= {from}");
        let page = server
            .repositories(&[("q", &q), ("sort", "updated_on"), ("pagelen", "100")])
            .await;
        assert_eq!(page.json()["values"].as_array().unwrap().len(), 100);
        from = page.column("updated_on").pop().unwrap();
    }
    let last = server
        .repositories(&[("page", "1000"), ("pagelen", "100")])
        .await;
    assert_eq!(last.json()["size"], 100_000);
    assert!(last.json().get("next").is_none());
}

#[tokio::test]
async fn the_user_sees_its_workspaces_and_its_rights() {
    let server = Server::default().await;
    let user = server.get("/2.0/user").await.json();
    assert_eq!(user["display_name"], "Ada Sandbox");
    let list = server.get("/2.0/user/workspaces").await.json();
    let rights: Vec<_> = list["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["workspace"]["slug"].clone(),
                one["administrator"].clone(),
            )
        })
        .collect();
    assert_eq!(
        rights,
        [
            ("acme".into(), true.into()),
            ("acme-labs".into(), false.into())
        ]
    );
    let sorted = server
        .get("/2.0/user/workspaces?sort=-slug&administrator=false")
        .await
        .json();
    assert_eq!(sorted["size"], 1);
    assert_eq!(
        server.get("/2.0/user/workspaces?sort=name").await.status,
        400
    );
    for (workspace, permission) in [("acme", "owner"), ("acme-labs", "member")] {
        let path = format!("/2.0/user/workspaces/{workspace}/permission");
        assert_eq!(server.get(&path).await.json()["permission"], permission);
    }
}

#[tokio::test]
async fn a_project_is_found_by_its_key() {
    let server = Server::default().await;
    let list = server
        .get("/2.0/workspaces/acme/projects?pagelen=100")
        .await
        .json();
    assert_eq!(list["size"], 12);
    for project in list["values"].as_array().unwrap() {
        let path = format!(
            "/2.0/workspaces/acme/projects/{}",
            project["key"].as_str().unwrap()
        );
        assert_eq!(&server.get(&path).await.json(), project);
    }
    let repository = &server.get("/2.0/repositories/acme").await.json()["values"][0];
    let key = repository["project"]["key"].as_str().unwrap();
    let q = format!("project.key = \"{key}\"");
    let found = server.repositories(&[("q", &q), ("pagelen", "100")]).await;
    assert!(
        found
            .column("uuid")
            .contains(&repository["uuid"].as_str().unwrap().to_owned())
    );
}
