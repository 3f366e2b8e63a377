//! Refusals: problems of the types that are decoded, whatever was wrong. With one
//! wrong type in it a problem is lost, and its reader sees a bare status.

use http::Method;
use serde_json::{Value, json};
use testing::TestStore;

use super::Amp;
use crate::world::World;

testing::both!(
    every_refusal_is_printed_whole,
    a_wrong_key_says_what_to_do,
    the_login_it_does_not_need_is_refused_in_words
);

async fn every_refusal_is_printed_whole(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp::new(&world);
    let long = "x".repeat(500);
    for (method, path, body, status) in [
        (
            Method::GET,
            "/projects/nobodys/integrations".to_owned(),
            json!(null),
            404,
        ),
        (
            Method::GET,
            amp.path("/destinations/none"),
            json!(null),
            404,
        ),
        (
            Method::GET,
            amp.path("/integrations/none/installations"),
            json!(null),
            404,
        ),
        (Method::GET, "/nothing-here".to_owned(), json!(null), 404),
        (
            Method::POST,
            "/generate-upload-url".to_owned(),
            json!({}),
            405,
        ),
        (
            Method::GET,
            "/generate-upload-url?md5=nonsense".to_owned(),
            json!(null),
            422,
        ),
        (Method::PUT, amp.path("/integrations:batch"), json!({}), 422),
        (Method::PUT, amp.path("/integrations:batch"), json!([]), 400),
        (
            Method::PUT,
            amp.path("/integrations:batch"),
            json!({ "sourceZipUrl": 7 }),
            400,
        ),
        (
            Method::PUT,
            amp.path("/integrations:batch"),
            json!({ "sourceZipUrl": "gs://a/b" }),
            422,
        ),
        (
            Method::POST,
            amp.path("/destinations"),
            json!({ "name": "x" }),
            400,
        ),
        (
            Method::POST,
            amp.path("/destinations"),
            json!({ "name": long, "type": "s3", "metadata": { "bucket": "b" } }),
            422,
        ),
    ] {
        let what = format!("{method} {path} {body}");
        let refused = match body {
            Value::Null => amp.get::<Value>(&path).await,
            body => amp.send::<Value>(method, &path, &body).await,
        };
        let problem = refused.expect_err(&what).problem(status);
        assert!(
            problem.detail.is_some_and(|detail| !detail.is_empty()),
            "{what}"
        );
        assert!(problem.request_id.is_some(), "{what}");
    }
}

async fn a_wrong_key_says_what_to_do(store: TestStore) {
    let world = World::idle(store).await;
    let amp = Amp {
        api: world.api.with_key("not-a-key"),
        ..Amp::new(&world)
    };
    let place = amp.place("").await.unwrap_err().problem(401);
    assert!(place.remedy.unwrap().contains("api-key create"));
    let frontend = world.add_key(crate::world::PROJECT, &["frontend"]).await;
    let amp = Amp {
        api: world.api.with_key(&frontend),
        ..Amp::new(&world)
    };
    amp.place("").await.unwrap_err().problem(403);
}

async fn the_login_it_does_not_need_is_refused_in_words(store: TestStore) {
    let world = World::idle(store).await;
    // Without a key it sends the token of its login.
    let headers = [("authorization", "Bearer not.a.token")];
    let api = world.api.without_key();
    let answer = api.send(Method::GET, "/v1/projects", Vec::new(), &headers);
    let problem = super::read::<Value>(&answer.await).unwrap_err();
    problem.problem(401);
}
