//! Every refusal has one shape, whoever makes it.

use http::Method;
use serde_json::json;
use testing::TestStore;

use crate::world::{World, path};

testing::both!(
    refusals_of_the_http_layer_are_problems_too,
    a_request_id_can_be_given,
    pages_of_other_origins_may_call,
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

async fn pages_of_other_origins_may_call(store: TestStore) {
    let world = World::idle(store).await;
    let api = world.api.without_key();
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        let headers = [
            ("origin", "https://app.example"),
            ("access-control-request-method", method),
            (
                "access-control-request-headers",
                "content-type,x-api-key,authorization,x-amp-client,x-amp-client-version",
            ),
        ];
        let preflight = api
            .send(
                Method::OPTIONS,
                "/v1/projects/x/connections/y",
                Vec::new(),
                &headers,
            )
            .await;
        assert_eq!(preflight.status, 200, "{}", preflight.text());
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        let allowed = preflight.header("access-control-allow-methods");
        assert!(allowed.contains(method), "{allowed}");
        let allowed = preflight.header("access-control-allow-headers");
        for name in ["x-api-key", "authorization", "x-amp-client-version"] {
            assert!(allowed.contains(name), "{allowed}");
        }
    }
    // A refusal can be read too.
    let origin = [("origin", "https://app.example")];
    let refused = api
        .send(Method::GET, "/v1/projects", Vec::new(), &origin)
        .await;
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    refused.problem(401);
}
