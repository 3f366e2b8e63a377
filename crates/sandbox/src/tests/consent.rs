//! The consent page: what it shows, where it leads, and what it refuses to redirect.

use super::{Answer, Server, options, send};
use crate::Options;
use http::Method;
use serde_json::json;
use url::{Url, form_urlencoded};

const CALLBACK: &str = "http://localhost:8080/callbacks/v1/oauth";

async fn ask(server: &Server, parameters: &[(&str, &str)]) -> Answer {
    let mut url = server.base.join("/site/oauth2/authorize").unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    send(server.client.get(url)).await
}

async fn decide(server: &Server, fields: &[(&str, &str)]) -> Answer {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("client_id", "sandbox-client"), ("response_type", "code")]);
    form.extend_pairs(fields);
    let request = server.request(Method::POST, "/site/oauth2/authorize");
    send(request.body(form.finish())).await
}

/// Parameters of the redirect.
fn landed(answer: &Answer) -> (Url, Vec<(String, String)>) {
    assert_eq!(answer.status, 302, "{answer:?}");
    let url = Url::parse(answer.header("location")).unwrap();
    let pairs = url.query_pairs().into_owned().collect();
    (url, pairs)
}

#[tokio::test]
async fn the_page_is_a_form_with_two_buttons_and_carries_its_parameters() {
    let server = Server::default().await;
    let answer = ask(
        &server,
        &[
            ("client_id", "sandbox-client"),
            ("response_type", "code"),
            ("state", "a\"<b>"),
        ],
    )
    .await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/html"));
    for part in [
        "<form method=\"post\" action=\"/site/oauth2/authorize\">",
        "name=\"decision\" value=\"approve\"",
        "name=\"decision\" value=\"deny\"",
        "name=\"state\" value=\"a&quot;&lt;b&gt;\"",
        "<select name=\"user\">",
        "<li>repository</li>",
    ] {
        assert!(answer.text.contains(part), "{part} in {}", answer.text);
    }
}

#[tokio::test]
async fn approval_leads_back_with_a_code_and_the_state() {
    let server = Server::default().await;
    let answer = decide(&server, &[("state", "s&1"), ("decision", "approve")]).await;
    let (url, pairs) = landed(&answer);
    assert!(url.as_str().starts_with(CALLBACK));
    assert_eq!(pairs[0].0, "code");
    assert_eq!(pairs[1], ("state".to_owned(), "s&1".to_owned()));
    let token = server
        .exchange(&format!(
            "grant_type=authorization_code&code={}",
            pairs[0].1
        ))
        .await;
    assert_eq!(token.status, 200, "{token:?}");
}

#[tokio::test]
async fn denial_leads_back_with_access_denied() {
    let server = Server::default().await;
    let answer = decide(&server, &[("state", "s1"), ("decision", "deny")]).await;
    let (_, pairs) = landed(&answer);
    assert!(pairs.contains(&("error".to_owned(), "access_denied".to_owned())));
    assert!(pairs.contains(&("state".to_owned(), "s1".to_owned())));
    assert!(pairs.iter().any(|(name, _)| name == "error_description"));
    assert!(pairs.iter().all(|(name, _)| name != "code"));
}

#[tokio::test]
async fn a_foreign_redirect_ends_on_a_page() {
    let server = Server::default().await;
    for redirect in [
        "http://localhost:9999/callbacks/v1/oauth",
        "http://127.0.0.1:8080/callbacks/v1/oauth",
        "https://elsewhere.example/",
    ] {
        let answer = ask(
            &server,
            &[
                ("client_id", "sandbox-client"),
                ("response_type", "code"),
                ("redirect_uri", redirect),
            ],
        )
        .await;
        assert_eq!(answer.status, 400);
        assert!(answer.headers.get("location").is_none());
        assert!(answer.text.contains("Invalid redirect_uri"));
        assert!(answer.text.contains("This integration is misconfigured"));
        let posted = decide(
            &server,
            &[("redirect_uri", redirect), ("decision", "approve")],
        )
        .await;
        assert_eq!(posted.status, 400);
    }
    let unknown = ask(&server, &[("client_id", "x"), ("response_type", "code")]).await;
    assert!(unknown.text.contains("Invalid client_id"));
}

#[tokio::test]
async fn a_redirect_may_continue_the_registered_callback_which_can_be_moved() {
    let server = Server::start(Options {
        callback_url: "http://one.example/cb".to_owned(),
        ..options()
    })
    .await;
    let continued = [
        ("redirect_uri", "http://one.example/cb/x?y=1"),
        ("decision", "approve"),
    ];
    let (url, pairs) = landed(&decide(&server, &continued).await);
    assert_eq!(url.path(), "/cb/x");
    assert_eq!(pairs[0], ("y".to_owned(), "1".to_owned()));
    server
        .set(json!({"callback_url": "http://two.example/"}))
        .await;
    assert_eq!(decide(&server, &continued).await.status, 400);
    let (url, _) = landed(&decide(&server, &[("decision", "approve")]).await);
    assert_eq!(url.host_str(), Some("two.example"));
}

#[tokio::test]
async fn a_code_works_once_and_for_five_minutes_and_with_its_redirect_uri() {
    let server = Server::default().await;
    let code = async |fields: &[(&str, &str)]| {
        let answer = decide(&server, &[fields, &[("decision", "approve")]].concat()).await;
        let (_, pairs) = landed(&answer);
        let pair = pairs.into_iter().find(|(name, _)| name == "code");
        format!("grant_type=authorization_code&code={}", pair.unwrap().1)
    };
    let refused = |answer: &Answer| {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()["error"], "invalid_grant");
    };
    let form = code(&[]).await;
    assert_eq!(server.exchange(&form).await.status, 200);
    refused(&server.exchange(&form).await);

    let form = code(&[]).await;
    server.advance(300).await;
    refused(&server.exchange(&form).await);

    let redirect = [("redirect_uri", CALLBACK)];
    refused(&server.exchange(&code(&redirect).await).await);
    let other = format!("{}&redirect_uri={CALLBACK}/other", code(&redirect).await);
    refused(&server.exchange(&other).await);
    let same = format!("{}&redirect_uri={CALLBACK}", code(&redirect).await);
    assert_eq!(server.exchange(&same).await.status, 200);
}

#[tokio::test]
async fn scope_narrows_and_never_widens() {
    let server = Server::default().await;
    let answer = decide(
        &server,
        &[("scope", "account project"), ("decision", "approve")],
    )
    .await;
    let (_, pairs) = landed(&answer);
    let form = format!("grant_type=authorization_code&code={}", pairs[0].1);
    let token = server.exchange(&form).await.json();
    assert_eq!(token["scope"], "account project");
    let answer = decide(&server, &[("scope", "runner"), ("decision", "approve")]).await;
    let (_, pairs) = landed(&answer);
    assert!(pairs.contains(&("error".to_owned(), "invalid_scope".to_owned())));
}

#[tokio::test]
async fn another_person_can_sign_in() {
    let server = Server::default().await;
    let answer = decide(&server, &[("user", "grace"), ("decision", "approve")]).await;
    let (_, pairs) = landed(&answer);
    let form = format!("grant_type=authorization_code&code={}", pairs[0].1);
    let token = server.exchange(&form).await.json();
    let user = server.get_with("/2.0/user", &super::bearer(&token)).await;
    assert_eq!(user.json()["nickname"], "grace");
}
