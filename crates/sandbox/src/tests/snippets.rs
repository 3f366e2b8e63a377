//! Writing snippets in each of the three media types.

use super::{Answer, Server, bearer, send};
use http::Method;
use serde_json::json;

const ALL: &str = "/2.0/snippets/acme";

async fn put(server: &Server, method: Method, path: &str, media: &str, body: &[u8]) -> Answer {
    let request = server
        .request(method, path)
        .header("authorization", "Bearer sandbox-access-token")
        .header("content-type", media);
    send(request.body(body.to_vec())).await
}

fn names(answer: &Answer) -> Vec<String> {
    let whole = answer.json();
    let files = whole["files"].as_object().unwrap();
    files.keys().cloned().collect()
}

#[tokio::test]
async fn json_carries_the_metadata() {
    let server = Server::default().await;
    let body = json!({"title": "A title", "is_private": true});
    let made = server.write(Method::POST, ALL, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let at = made.header("location").to_owned();
    assert_eq!(server.get(&at).await.json(), made.json());
    assert_eq!(names(&made), [""; 0]);
    server.advance(1).await;
    let changed = server.write(Method::PUT, &at, json!({"title": null})).await;
    let changed = changed.json();
    assert_eq!(
        (changed["title"].as_str(), changed["is_private"].as_bool()),
        (Some(""), Some(true))
    );
    assert_ne!(changed["updated_on"], changed["created_on"]);
    let wrong = json!({"title": 1, "is_private": "x", "scm": "hg", "files": []});
    let wrong = server.write(Method::PUT, &at, wrong).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.json()["error"]["fields"].as_object().unwrap().len(),
        4
    );
    assert_eq!(server.delete(&at).await, 204);
    assert_eq!(server.get(&at).await.status, 404);
}

#[tokio::test]
async fn a_form_carries_files_of_any_bytes() {
    let server = Server::default().await;
    let media = "multipart/form-data; boundary=xx";
    let body = b"--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nfoo\n\r\n--xx\r\nContent-Disposition: form-data; \
        name=\"file\"; filename=\"b c.png\"\r\n\r\n\x89PNG\xff\x00\r\n--xx\r\n\
        Content-Disposition: form-data; name=\"title\"\r\n\r\nTwo files\r\n--xx--\r\n";
    let made = put(&server, Method::POST, ALL, media, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["title"], "Two files");
    assert_eq!(names(&made), ["a.txt", "b c.png"]);
    let at = made.header("location").to_owned();
    let link = made.json()["files"]["a.txt"]["links"]["self"]["href"].clone();
    assert_eq!(server.get(link.as_str().unwrap()).await.text, "foo\n");
    server.advance(1).await;
    let removal = b"--xx\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\na.txt\r\n--xx--";
    let changed = put(&server, Method::PUT, &at, media, removal).await;
    assert_eq!(names(&changed), ["b c.png"]);
    assert_eq!(changed.json()["title"], "Two files");
    assert_eq!(server.get(link.as_str().unwrap()).await.status, 404);
    let cut = body.split_last_chunk::<6>().unwrap().0;
    for bad in [cut, b"--xx".as_slice()] {
        let answer = put(&server, Method::POST, ALL, media, bad).await;
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn related_parts_go_with_a_json_document() {
    let server = Server::default().await;
    let media = "multipart/related; start=\"snippet\"; boundary=\"===x==\"";
    let body = "--===x==\r\nContent-Type: application/json; charset=\"utf-8\"\r\nContent-ID: \
        snippet\r\n\r\n{\"title\": \"R\", \"files\": {\"foo.txt\": {}, \"i.png\": {}}}\r\n\
        --===x==\r\nContent-ID: \"foo.txt\"\r\nContent-Transfer-Encoding: 7bit\r\n\
        Content-Disposition: attachment; filename=\"foo.txt\"\r\n\r\nfoo\r\n--===x==\r\n\
        Content-ID: \"i.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\nRw==\r\n\
        --===x==--\r\n";
    let made = put(&server, Method::POST, ALL, media, body.as_bytes()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(names(&made), ["foo.txt", "i.png"]);
    let link = made.json()["files"]["i.png"]["links"]["self"]["href"].clone();
    let raw = server.get(link.as_str().unwrap()).await;
    assert_eq!(raw.header("content-type"), "image/png");
    let at = made.header("location").to_owned();
    server.advance(1).await;
    let rename = "--===x==\r\nContent-ID: snippet\r\n\r\n{\"files\": {\"foo.txt\": {}, \
        \"bar.txt\": {}}}\r\n--===x==\r\nContent-ID: bar.txt\r\n\r\nfoo\r\n--===x==--";
    let changed = put(&server, Method::PUT, &at, media, rename.as_bytes()).await;
    assert_eq!(names(&changed), ["bar.txt", "i.png"]);
    assert_eq!(changed.json()["title"], "R");
    let partless = put(&server, Method::POST, ALL, media, rename.as_bytes()).await;
    assert_eq!(partless.status, 400, "a new snippet has no file to remove");
}

#[tokio::test]
async fn only_its_maker_and_the_owner_change_a_snippet() {
    let server = Server::default().await;
    let grace = bearer(&server.grant(json!({"user": "grace"})).await);
    let list = server.get(&format!("{ALL}?role=owner")).await.json();
    let of_ada = list["values"][0]["links"]["self"]["href"].as_str().unwrap();
    let change = |path: &str| {
        let request = server
            .request(Method::PUT, path)
            .header("authorization", grace.as_str())
            .header("content-type", "application/json");
        send(request.body(r#"{"title":"t"}"#))
    };
    assert_eq!(change(of_ada).await.status, 403);
    let own = server.get_with(&format!("{ALL}?role=owner"), &grace).await;
    let own = own.json()["values"][0]["links"]["self"]["href"].clone();
    assert_eq!(change(own.as_str().unwrap()).await.status, 200);
}
