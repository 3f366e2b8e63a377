//! Objects in a directory, and in a bucket of something that speaks S3.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use secrecy::SecretString;

use super::{outbound, serve};
use crate::{ObjectError, ObjectLocation, Objects, Settings};

async fn behaves(objects: &Objects) {
    let missing = objects.get("results/none").await;
    assert!(
        matches!(missing, Err(ObjectError::Missing { .. })),
        "{missing:?}"
    );
    let body = Bytes::from(vec![7; 3_000_000]);
    objects
        .put("results/2026/11/24/msg_1.json.zst", body.clone())
        .await
        .unwrap();
    let found = objects
        .get("results/2026/11/24/msg_1.json.zst")
        .await
        .unwrap();
    assert!(found == body, "{} bytes", found.len());
    // That it is gone already is as good.
    for _ in 0..2 {
        objects
            .delete("results/2026/11/24/msg_1.json.zst")
            .await
            .unwrap();
    }
    let gone = objects.get("results/2026/11/24/msg_1.json.zst").await;
    assert!(matches!(gone, Err(ObjectError::Missing { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_directory_keeps_objects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made");
    let outbound = outbound(&Settings::new("1"));
    let objects = Objects::new(&outbound, ObjectLocation::Directory(path.clone())).unwrap();
    assert!(objects.is_directory());
    behaves(&objects).await;
    objects.put("a/b", Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(std::fs::read(path.join("a/b")).unwrap(), b"1");
}

/// What a bucket has, and what was wrong with requests.
#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Bytes>,
    wrong: Vec<String>,
    failures: u32,
}

async fn answer(
    State(bucket): State<Arc<Mutex<Bucket>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut bucket = bucket.lock().unwrap();
    let signature = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !signature.starts_with("AWS4-HMAC-SHA256 Credential=access/") {
        bucket.wrong.push(format!("{method} {uri}: {signature}"));
    }
    let path = uri.path().to_owned();
    if bucket.failures > 0 {
        bucket.failures -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match method {
        Method::PUT => {
            bucket.objects.insert(path, body);
            (StatusCode::OK, [("etag", "\"1\"")]).into_response()
        }
        Method::GET => match bucket.objects.get(&path) {
            Some(body) => {
                let headers = [
                    ("etag", "\"1\""),
                    ("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT"),
                ];
                (headers, body.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Method::DELETE => {
            bucket.objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        // Deletions in bulk: a POST that lists keys.
        Method::POST => {
            let text = String::from_utf8_lossy(&body).into_owned();
            let keys: Vec<&str> = text
                .split("<Key>")
                .skip(1)
                .filter_map(|rest| rest.split("</Key>").next())
                .collect();
            let mut deleted = String::new();
            for key in keys {
                bucket.objects.remove(&format!("/bucket/{key}"));
                deleted.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
            }
            format!("<?xml version=\"1.0\"?><DeleteResult>{deleted}</DeleteResult>").into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

#[tokio::test]
async fn a_bucket_keeps_objects() {
    let bucket = Arc::new(Mutex::new(Bucket::default()));
    let router = Router::new()
        .fallback(answer)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(Arc::clone(&bucket));
    let endpoint = serve(router).await;
    let variables = [
        ("AWS_ACCESS_KEY_ID", "access"),
        ("AWS_SECRET_ACCESS_KEY", "very secret"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_PROFILE", "none of our business"),
    ];
    let variables = variables
        .map(|(name, value)| (name.to_owned(), SecretString::from(value.to_owned())))
        .to_vec();
    // Nothing private is allowed: the operator names the endpoint.
    let outbound = outbound(&Settings::new("1"));
    let location = ObjectLocation::S3 {
        bucket: "bucket".to_owned(),
        prefix: "lig".to_owned(),
        variables,
    };
    assert!(!format!("{location:?}").contains("very secret"));
    let objects = Objects::new(&outbound, location).unwrap();
    assert!(!objects.is_directory());
    behaves(&objects).await;
    // What fails now and then is tried again.
    bucket.lock().unwrap().failures = 2;
    objects
        .put("results/2", Bytes::from_static(b"2"))
        .await
        .unwrap();
    let bucket = bucket.lock().unwrap();
    assert_eq!(bucket.wrong, Vec::<String>::new());
    let keys: Vec<&String> = bucket.objects.keys().collect();
    assert_eq!(keys, ["/bucket/lig/results/2"]);
}
