//! Every refusal has one shape, whoever makes it.

use http::Method;
use serde_json::json;
use testing::TestStore;

use crate::world::{World, path};

testing::both!(
    refusals_of_the_http_layer_are_problems_too,
    a_request_id_can_be_given
);

async fn refusals_of_the_http_layer_are_problems_too(store: TestStore) {
    let world = World::idle(store).await;
    for place in [
        "/nothing",
        "/v1/nothing",
        &path("/nothing"),
        "/v1",
        "/downloads/v1",
    ] {
        let problem = world.api.get(place).await.problem(404);
        assert!(
            problem["detail"].as_str().unwrap().contains(place),
            "{problem}"
        );
    }
    world
        .api
        .send(Method::DELETE, &path(""), Vec::new(), &[])
        .await
        .problem(405);
    world.api.post("/healthz", &json!({})).await.problem(405);
    world
        .api
        .post(&path("/integrations:batch"), &json!({}))
        .await
        .problem(405);

    let destinations = path("/destinations");
    let post = async |body: &[u8], kind: &str| {
        world
            .api
            .send(
                Method::POST,
                &destinations,
                body.to_vec(),
                &[("content-type", kind)],
            )
            .await
    };
    let json = "application/json";
    for body in ["{", "", "[]", "null", "{\"name\":7}", "\"text\""] {
        post(body.as_bytes(), json).await.problem(400);
    }
    post(b"{\"name\":\"\xff\"}", json).await.problem(400);
    post(b"name=x", "application/x-www-form-urlencoded")
        .await
        .problem(415);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(5 * 1024 * 1024));
    post(large.as_bytes(), json).await.problem(413);
    world
        .api
        .get(&path("?includeEntitlements=perhaps"))
        .await
        .problem(400);
    world.api.get("/v1/projects/%FF").await.problem(400);
}

async fn a_request_id_can_be_given(store: TestStore) {
    let world = World::idle(store).await;
    let ask = async |id: &str| {
        let answer = world
            .api
            .send(Method::GET, "/nothing", Vec::new(), &[("x-request-id", id)])
            .await;
        answer.problem(404)["requestId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(ask("0123abcd-proxy").await, "0123abcd-proxy");
    for unfit in ["short", "with spaces in it", "<script>alert(1)</script>"] {
        assert_ne!(ask(unfit).await, unfit);
    }
    let [one, two] = [
        world.api.get("/nothing").await,
        world.api.get("/nothing").await,
    ];
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}
