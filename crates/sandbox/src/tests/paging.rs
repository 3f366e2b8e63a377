//! Page sizes, page numbers and `next`.

use super::{Server, options};
use crate::Options;

#[tokio::test]
async fn ten_is_the_default_and_a_hundred_the_most() {
    let server = Server::default().await;
    for path in ["/2.0/repositories/acme", "/2.0/workspaces/acme/projects"] {
        let first = server.get(path).await.json();
        assert_eq!(first["pagelen"], 10);
        assert_eq!(first["page"], 1);
        assert_eq!(first["values"].as_array().unwrap().len(), 10);
        assert!(first.get("previous").is_none());
        assert_eq!(server.get(&format!("{path}?pagelen=100")).await.status, 200);
        for bad in ["101", "0", "-1", "ten", "", "+5", "1.0"] {
            let answer = server.get(&format!("{path}?pagelen={bad}")).await;
            assert_eq!((bad, answer.status.as_u16()), (bad, 400));
            assert_eq!(answer.message(), "Invalid pagelen");
        }
        for bad in ["2/", "0", "-1", "x", ""] {
            let answer = server.get(&format!("{path}?page={bad}")).await;
            assert_eq!((bad, answer.status.as_u16()), (bad, 400));
        }
    }
}

#[tokio::test]
async fn next_leads_through_every_record_once_and_keeps_every_parameter() {
    let server = Server::default().await;
    let q = "updated_on >= 2019-01-01T00:00:00Z";
    let parameters = [
        ("pagelen", "100"),
        ("sort", "updated_on"),
        ("q", q),
        ("odd", "a&b"),
    ];
    let mut answer = server.repositories(&parameters).await;
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        pages += 1;
        let page = answer.json();
        assert_eq!(page["size"], 250);
        assert_eq!(page["page"], pages);
        seen.extend(answer.column("uuid"));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(next.starts_with(server.base.as_str()), "{next}");
        let url = url::Url::parse(next).unwrap();
        for pair in parameters {
            let kept = url
                .query_pairs()
                .any(|(name, value)| (&*name, &*value) == pair);
            assert!(kept, "{pair:?} in {next}");
        }
        answer = server.get(next).await;
    }
    assert_eq!(pages, 3);
    assert_eq!(seen.len(), 250);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 250);
}

#[tokio::test]
async fn links_name_the_origin_by_which_the_server_was_reached() {
    let server = Server::default().await;
    let port = server.running.address().port();
    let url = format!("http://localhost:{port}/2.0/repositories/acme");
    if let Ok(answer) = server
        .client
        .get(&url)
        .bearer_auth("sandbox-access-token")
        .send()
        .await
    {
        let page: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(page["next"].as_str().unwrap().starts_with(&url));
    }
    let public = Server::start(Options {
        public_url: Some("https://bitbucket.example/".to_owned()),
        ..options()
    })
    .await;
    let page = public.get("/2.0/repositories/acme").await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        next,
        "https://bitbucket.example/2.0/repositories/acme?page=2"
    );
}

#[tokio::test]
async fn an_empty_list_is_a_page_and_beyond_the_end_is_nothing() {
    let server = Server::start(Options {
        repositories: 0,
        ..options()
    })
    .await;
    let empty = server.get("/2.0/repositories/acme").await.json();
    assert_eq!(empty["size"], 0);
    assert_eq!(empty["values"], serde_json::json!([]));
    assert!(empty.get("next").is_none());
    assert_eq!(
        server.get("/2.0/repositories/acme?page=2").await.status,
        404
    );
}
