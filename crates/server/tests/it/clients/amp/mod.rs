//! The `amp` command line, replayed from its source: which calls a command makes, in
//! which order and with which headers, and what it makes of the answers. It is not
//! the program itself that runs here.
//!
//! What is an error to it fails the test: a body that is no JSON, a time that is not
//! RFC 3339, a text where it has a number. Where it would follow a null pointer and
//! crash, the types here have no null.

mod answers;
mod delete;
mod deploy;
mod destinations;
mod list;
mod refusals;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Request};
use md5::{Digest as _, Md5};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::api::exchange;
use crate::world::{Answer, Api, PROJECT, World};
use answers::{Destination, Installation, Integration, Problem, SignedUrl};

/// What it says of itself in every call to the API.
const ITSELF: [(&str, &str); 6] = [
    ("x-amp-client", "amp-cli"),
    ("x-amp-client-version", "1.9.0"),
    ("x-amp-client-commit", "0000000"),
    ("x-amp-client-branch", "main"),
    ("x-amp-client-build-date", "2026-08-19T00:00:00Z"),
    ("user-agent", "Go-http-client/1.1"),
];

/// Why a call failed, as far as it can tell its user.
#[derive(Debug)]
enum Refusal {
    /// A problem that it prints whole.
    Problem(Box<Problem>),
    /// Nothing but the status.
    Status(u16),
}

impl Refusal {
    /// The problem of a call that must have been refused so.
    #[track_caller]
    fn problem(self, status: i32) -> Problem {
        let Self::Problem(problem) = self else {
            panic!("no problem is shown, only {self:?}");
        };
        assert_eq!(problem.status, Some(status), "{problem:?}");
        *problem
    }
}

/// What its user chooses when reads are about to lose objects.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Choice {
    Keep,
    Stop,
}

/// One run of the command line: `AMP_API_URL`, `AMP_API_KEY` and `--project`.
#[derive(Debug)]
struct Amp {
    api: Api,
    project: String,
}

impl Amp {
    fn new(world: &World) -> Self {
        Self {
            api: world.api.clone(),
            project: PROJECT.to_owned(),
        }
    }

    /// A path of its project, which it puts there as it was given, name or id.
    fn path(&self, rest: &str) -> String {
        format!("/projects/{}{rest}", self.project)
    }

    async fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let mut headers = ITSELF.to_vec();
        if method != Method::DELETE {
            headers.push(("accept", "application/json"));
        }
        let path = format!("/v1{path}");
        self.api.send(method, &path, body, &headers).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        read(&self.call(Method::GET, path, Vec::new()).await)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Refusal> {
        read(&self.call(method, path, body.to_string().into_bytes()).await)
    }

    /// The body of the answer is not looked at, whatever it is.
    async fn delete(&self, path: &str) -> Result<(), Refusal> {
        let answer = self.call(Method::DELETE, path, Vec::new()).await;
        match answer.status.as_u16() {
            200..300 => Ok(()),
            status => Err(Refusal::Status(status)),
        }
    }

    /// `amp deploy`: the names that it prints.
    async fn deploy(&self, yaml: &str, choice: Choice) -> Result<Vec<String>, Refusal> {
        let zip = zip(yaml);
        let md5 = md5(&zip);
        let asked = self.loses_reads(yaml).await;
        let place = self.place(&md5).await?;
        let stored = self.upload(&place, &zip, &md5).await;
        assert!(stored.status.is_success(), "{}", stored.text());
        self.batch(&handle(&place), asked && choice == Choice::Stop)
            .await
    }

    /// Whether it would ask its user: an integration loses objects that
    /// installations read.
    async fn loses_reads(&self, yaml: &str) -> bool {
        let there: Vec<Integration> = self.get(&self.path("/integrations")).await.unwrap();
        let manifest = manifest::check(yaml, &[], manifest::Limits::default());
        for new in manifest.manifest.unwrap().integrations {
            let Some(old) = there.iter().find(|one| one.name == new.name) else {
                continue;
            };
            let kept: Vec<&str> = new
                .read_objects()
                .map(|object| object.object_name.as_str())
                .collect();
            let read = old.latest_revision.content.objects();
            if read.iter().all(|name| kept.contains(&name.as_str())) {
                continue;
            }
            let path = self.path(&format!("/integrations/{}/installations", old.id));
            let installations: Vec<Installation> = self.get(&path).await.unwrap();
            if !installations.is_empty() {
                return true;
            }
        }
        false
    }

    async fn place(&self, md5: &str) -> Result<SignedUrl, Refusal> {
        let query: String = url::form_urlencoded::byte_serialize(md5.as_bytes()).collect();
        self.get(&format!("/generate-upload-url?md5={query}")).await
    }

    /// Neither a key goes along nor a content type: the URL is all the authority.
    async fn upload(&self, place: &SignedUrl, zip: &[u8], md5: &str) -> Answer {
        let request = Request::put(&place.url)
            .header("content-md5", md5)
            .header("user-agent", "Go-http-client/1.1")
            .body(zip.to_vec())
            .unwrap();
        exchange(&self.api.outbound, request).await
    }

    async fn batch(&self, handle: &str, destructive: bool) -> Result<Vec<String>, Refusal> {
        let query = if destructive { "?destructive=true" } else { "" };
        let path = self.path(&format!("/integrations:batch{query}"));
        let body = json!({ "sourceZipUrl": handle });
        let deployed: Vec<answers::Named> = self.send(Method::PUT, &path, &body).await?;
        Ok(deployed.into_iter().map(|one| one.name).collect())
    }

    async fn destinations(&self) -> Vec<Destination> {
        self.get(&self.path("/destinations")).await.unwrap()
    }
}

/// An answer as it is taken: any 2xx is a success, and its body must be JSON of the
/// right shape, an empty one too.
#[track_caller]
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Refusal> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{status}: {error}: {}", answer.text())));
    }
    let media_type = answer.header("content-type").split(';').next();
    if media_type.map(str::trim) == Some("application/problem+json") {
        let problem = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{status}: {error}: {}", answer.text()));
        return Err(Refusal::Problem(Box::new(problem)));
    }
    Err(Refusal::Status(status))
}

/// What it calls the place when it deploys.
fn handle(place: &SignedUrl) -> String {
    let slash = if place.path.starts_with('/') { "" } else { "/" };
    format!("gs://{}{slash}{}", place.bucket, place.path)
}

/// The one entry, `amp.yaml`, deflated.
fn zip(yaml: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .unix_permissions(0o644);
    writer.start_file("amp.yaml", options).unwrap();
    writer.write_all(yaml.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn md5(body: &[u8]) -> String {
    BASE64_STANDARD.encode(Md5::digest(body))
}
