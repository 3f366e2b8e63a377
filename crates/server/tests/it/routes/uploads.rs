//! `/generate-upload-url`, `/uploads/v1/…` and the deployment of what was put
//! there, as the stock command line does it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Request};
use jiff::SignedDuration;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use testing::TestStore;

use crate::world::api::exchange;
use crate::world::{Answer, MANIFEST, World, path};

testing::both!(
    a_zip_is_deployed_as_the_command_line_does_it,
    a_place_takes_what_was_announced,
    only_our_own_places_are_read,
    a_place_is_its_projects_and_ends,
    a_bad_zip_is_explained
);

fn zip(name: &str, content: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn md5(body: &[u8]) -> String {
    BASE64_STANDARD.encode(Md5::digest(body))
}

/// Asks for a place, for a body with this MD5.
async fn place(world: &World, md5: &str) -> Value {
    let query: String = url::form_urlencoded::byte_serialize(md5.as_bytes()).collect();
    let asked = format!("/v1/generate-upload-url?md5={query}");
    world.api.get(&asked).await.json(200)
}

/// Puts a body to a place, without a key.
async fn put(world: &World, place: &Value, body: &[u8], content_md5: Option<&str>) -> Answer {
    let mut request = Request::put(place["url"].as_str().unwrap());
    if let Some(md5) = content_md5 {
        request = request.header("content-md5", md5);
    }
    let request = request.body(body.to_vec()).unwrap();
    exchange(&world.api.outbound, request).await
}

/// What the command line makes of a place.
fn handle(place: &Value) -> String {
    let text = |name: &str| place[name].as_str().unwrap();
    assert!(text("path").starts_with('/'));
    format!("gs://{}{}", text("bucket"), text("path"))
}

async fn deploy(world: &World, handle: &str) -> Answer {
    let batch = json!({ "sourceZipUrl": handle });
    world.api.put(&path("/integrations:batch"), &batch).await
}

async fn a_zip_is_deployed_as_the_command_line_does_it(store: TestStore) {
    let world = World::idle(store).await;
    let zip = zip("amp.yaml", MANIFEST);
    let md5 = md5(&zip);
    let place = place(&world, &md5).await;
    let url = place["url"].as_str().unwrap();
    assert!(
        url.starts_with(&world.api.origin) && url.contains("/uploads/v1/"),
        "{url}"
    );
    assert!(url.contains(place["path"].as_str().unwrap()));
    let stored = put(&world, &place, &zip, Some(&md5)).await;
    assert_eq!(
        (stored.status.as_u16(), stored.text()),
        (200, String::new())
    );
    let deployed = deploy(&world, &handle(&place)).await.json(200);
    assert_eq!(deployed[0]["name"], "bitbucket-sync");
    // It may be named again, say when the answer was lost, and flags may come along.
    let batch = json!({ "sourceZipUrl": handle(&place) });
    for query in ["?destructive=false", "?destructive=true"] {
        let again = world
            .api
            .put(&path(&format!("/integrations:batch{query}")), &batch)
            .await;
        assert_eq!(again.json(200)[0]["id"], deployed[0]["id"]);
    }
    world
        .api
        .put(&path("/integrations:batch?destructive=maybe"), &batch)
        .await
        .problem(400);
    let both = json!({ "sourceZipUrl": handle(&place), "sourceYaml": MANIFEST });
    world
        .api
        .put(&path("/integrations:batch"), &both)
        .await
        .problem(422);
}

async fn a_place_takes_what_was_announced(store: TestStore) {
    let world = World::idle(store).await;
    let body = zip("amp.yaml", MANIFEST);
    let other = zip("amp.yaml", "specVersion: 1.0.0");
    let (right, wrong) = (md5(&body), md5(&other));
    let announced = place(&world, &right).await;
    for (body, content_md5) in [
        (&other, Some(&wrong)),
        (&other, Some(&right)),
        (&other, None),
        (&body, Some(&wrong)),
    ] {
        let problem = put(&world, &announced, body, content_md5.map(String::as_str))
            .await
            .problem(400);
        assert!(
            problem["detail"].as_str().unwrap().contains("MD5"),
            "{problem}"
        );
    }
    let empty = deploy(&world, &handle(&announced)).await.problem(422);
    assert!(
        empty["detail"]
            .as_str()
            .unwrap()
            .contains("nothing has been uploaded"),
        "{empty}"
    );
    assert_eq!(put(&world, &announced, &body, None).await.status, 200);
    assert_eq!(
        put(&world, &announced, &body, Some(&right)).await.status,
        200
    );

    // Without an announcement the first body counts.
    let free = world.api.get("/v1/generate-upload-url").await.json(200);
    put(&world, &free, &body, Some(&wrong)).await.problem(400);
    assert_eq!(put(&world, &free, &body, Some(&right)).await.status, 200);
    put(&world, &free, &other, None).await.problem(409);
    for bad in ["00", "not-base64", "AAAA"] {
        let asked = format!("/v1/generate-upload-url?md5={bad}");
        world.api.get(&asked).await.problem(422);
    }
    let big = vec![0; 4 * 1024 * 1024 + 1];
    let place = place(&world, "").await;
    put(&world, &place, &big, None).await.problem(413);
}

async fn only_our_own_places_are_read(store: TestStore) {
    let world = World::idle(store).await;
    let place = place(&world, "").await;
    let ours = handle(&place);
    for foreign in [
        ours.replace("gs://ligature/", "gs://other/"),
        ours.replace("gs://", "s3://"),
        ours.replace("gs://ligature", &world.api.origin),
        ours.replace("/uploads/", "/downloads/"),
        format!("{ours}x"),
        format!("{ours}/../x"),
        "gs://ligature".to_owned(),
        "gs://ligature/uploads/v1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://storage.googleapis.com/bucket/a.zip".to_owned(),
        String::new(),
    ] {
        let problem = deploy(&world, &foreign).await.problem(422);
        assert!(
            problem["remedy"]
                .as_str()
                .unwrap()
                .contains("generate-upload-url"),
            "{problem}"
        );
    }
    // The URL is signed, for this place and for this purpose.
    let url = place["url"].as_str().unwrap();
    let (address, query) = url.split_once('?').unwrap();
    for forged in [
        address.to_owned(),
        format!("{address}x?{query}"),
        format!("{address}?{}", query.replace("expires=", "expires=9")),
        format!("{address}?{}", query.replace("signature=", "signature=00")),
    ] {
        put(&world, &json!({ "url": forged }), b"x", None)
            .await
            .problem(403);
    }
    world
        .follow(&url.replace("/uploads/", "/downloads/"))
        .await
        .problem(403);
    world.follow(url).await.problem(405);
}

async fn a_place_is_its_projects_and_ends(store: TestStore) {
    let world = World::idle(store).await;
    let zip = zip("amp.yaml", MANIFEST);
    let place = place(&world, &md5(&zip)).await;
    assert_eq!(put(&world, &place, &zip, None).await.status, 200);
    world.add_project("other").await;
    let other = world.api.with_key(&world.add_key("other", &[]).await);
    let batch = json!({ "sourceZipUrl": handle(&place) });
    let answer = other
        .put("/v1/projects/other/integrations:batch", &batch)
        .await;
    answer.problem(422);
    other
        .put(&path("/integrations:batch"), &batch)
        .await
        .problem(404);

    let frontend = world
        .api
        .with_key(&world.add_key(crate::world::PROJECT, &["frontend"]).await);
    frontend.get("/v1/generate-upload-url").await.problem(403);
    world
        .api
        .without_key()
        .get("/v1/generate-upload-url")
        .await
        .problem(401);
    let post = world
        .api
        .send(Method::POST, "/v1/generate-upload-url", Vec::new(), &[]);
    post.await.problem(405);

    world.clock.advance(SignedDuration::from_secs(16 * 60));
    let late = put(&world, &place, &zip, None).await.problem(410);
    assert!(
        late["remedy"]
            .as_str()
            .unwrap()
            .contains("generate-upload-url"),
        "{late}"
    );
    let late = deploy(&world, &handle(&place)).await.problem(422);
    assert!(
        late["detail"].as_str().unwrap().contains("expired"),
        "{late}"
    );
}

async fn a_bad_zip_is_explained(store: TestStore) {
    let world = World::idle(store).await;
    let broken = MANIFEST.replace("provider: bitbucket", "provider: bitbuckt");
    for (body, words) in [
        (b"specVersion: 1.0.0".to_vec(), "not a zip"),
        (zip("manifest.yaml", MANIFEST), "`manifest.yaml`"),
        (zip("amp.yaml", &" ".repeat(2 * 1024 * 1024)), "larger than"),
        (zip("amp.yaml", ""), "problems"),
        (zip("amp.yml", &broken), "problem"),
    ] {
        let place = place(&world, &md5(&body)).await;
        assert_eq!(put(&world, &place, &body, None).await.status, 200);
        let problem = deploy(&world, &handle(&place)).await.problem(422);
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{problem}"
        );
        assert!(
            !problem["causes"].as_array().unwrap().is_empty(),
            "{problem}"
        );
    }
    assert_eq!(
        world.api.get(&path("/integrations")).await.json(200),
        json!([])
    );
}
