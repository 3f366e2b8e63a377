//! The way through all operations of the contract: fills paths with what is known
//! of what was made, calls, and holds each answer to the contract and to what the
//! server says of itself. The differences of `differences.json` from the contract are
//! let through, no others.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use super::description::{SERVED, content_types, described, fits, listed};
use super::pending;
use super::schema::Document;
use crate::world::{Answer, Api, PROJECT, World};

/// The documents, by the prefix below which they are served.
pub(super) struct Contract(Vec<(&'static str, Document)>);

impl Contract {
    pub(super) fn open() -> Option<Self> {
        let open = |(file, prefix)| Some((prefix, Document::open(file)?));
        SERVED
            .into_iter()
            .map(open)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Where an operation such as `GET /v1/projects` is described.
    fn find(&self, operation: &str) -> (&Document, Value) {
        let (method, path) = operation.split_once(' ').unwrap();
        for (prefix, document) in &self.0 {
            let found = path
                .strip_prefix(prefix)
                .and_then(|path| document.operation(&method.to_lowercase(), path));
            if let Some(found) = found {
                return (document, found);
            }
        }
        panic!("the contract has no {operation}")
    }

    fn operations(&self) -> BTreeSet<String> {
        let all = self.0.iter().flat_map(|(prefix, document)| {
            let named = move |(method, path): (String, String)| {
                format!("{} {prefix}{path}", method.to_uppercase())
            };
            document.operations().into_iter().map(named)
        });
        all.collect()
    }
}

/// The way through all operations: what is known of what was made, and what was
/// called.
pub(super) struct Walk<'a> {
    pub(super) world: &'a World,
    /// Who calls.
    pub(super) api: Api,
    contract: Contract,
    /// What the server says of itself.
    own: Document,
    /// The differences that are allowed.
    listed: Vec<String>,
    /// By the parameter of a path that it fills.
    pub(super) known: BTreeMap<String, String>,
    succeeded: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    pub(super) async fn new(world: &'a World, contract: Contract) -> Self {
        let own = world.api.get("/openapi.json").await.json(200);
        let known = [
            ("projectIdOrName", PROJECT),
            ("provider", "bitbucket"),
            ("objectName", "repositories"),
        ];
        Self {
            api: world.api.clone(),
            world,
            contract,
            own: Document::of(own),
            listed: listed(),
            known: known
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            succeeded: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    #[track_caller]
    pub(super) fn know(&mut self, parameter: &str, value: &Value) {
        let value = value.as_str().expect("an id is a string");
        self.known.insert(parameter.to_owned(), value.to_owned());
    }

    /// Succeeds; the JSON of the answer, if it has any.
    pub(super) async fn does(
        &mut self,
        operation: &str,
        query: &str,
        body: Value,
        status: u16,
    ) -> Value {
        let answer = self.answer(operation, query, body, status).await;
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// Succeeds.
    pub(super) async fn answer(
        &mut self,
        operation: &str,
        query: &str,
        body: Value,
        status: u16,
    ) -> Answer {
        assert!((200..300).contains(&status), "{operation}");
        self.succeeded.insert(operation.to_owned());
        let path = self.filled(operation, None);
        self.call(
            &self.api,
            operation,
            &format!("{path}{query}"),
            body,
            status,
        )
        .await
    }

    /// Answers with another status and JSON that is no problem.
    pub(super) async fn answers(&mut self, operation: &str, body: Value, status: u16) {
        let path = self.filled(operation, None);
        let answer = self.call(&self.api, operation, &path, body, status).await;
        answer.json(status);
    }

    pub(super) async fn refuses(&mut self, operation: &str, query: &str, body: Value, status: u16) {
        let path = format!("{}{query}", self.filled(operation, None));
        self.refused(&self.api.clone(), operation, &path, body, status)
            .await;
    }

    /// The last parameter of the path names nothing.
    pub(super) async fn is_unknown(&mut self, operation: &str, body: Value) {
        let path = self.filled(operation, Some("nothing-of-that-name"));
        self.refused(&self.api.clone(), operation, &path, body, 404)
            .await;
    }

    pub(super) async fn without_key(&mut self, operation: &str, status: u16) {
        let path = self.filled(operation, None);
        let api = self.world.api.without_key();
        self.refused(&api, operation, &path, Value::Null, status)
            .await;
    }

    pub(super) async fn with_frontend_key(&mut self, operation: &str, status: u16) {
        let key = self.world.add_key(PROJECT, &["frontend"]).await;
        let path = self.filled(operation, None);
        let api = self.world.api.with_key(&key);
        self.refused(&api, operation, &path, Value::Null, status)
            .await;
    }

    async fn refused(&mut self, api: &Api, operation: &str, path: &str, body: Value, status: u16) {
        assert!(status >= 400, "{operation}");
        self.refused.insert(operation.to_owned());
        let answer = self.call(api, operation, path, body, status).await;
        answer.problem(status);
    }

    /// The path of an operation with what is known; the last parameter as given.
    fn filled(&self, operation: &str, last: Option<&str>) -> String {
        let (_, template) = operation.split_once(' ').unwrap();
        let mut path = String::new();
        let parameters = template.matches('{').count();
        for (index, part) in template.split('{').enumerate() {
            let Some((name, rest)) = part.split_once('}') else {
                path.push_str(part);
                continue;
            };
            let value = match last {
                Some(last) if index == parameters => last,
                _ => self
                    .known
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} is not known")),
            };
            path.push_str(value);
            path.push_str(rest);
        }
        path
    }

    async fn call(
        &self,
        api: &Api,
        operation: &str,
        path: &str,
        body: Value,
        status: u16,
    ) -> Answer {
        let (method, _) = operation.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let answer = api.send(method, path, body, &[]).await;
        let name = format!("{operation} ({path})");
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text());
        self.check(operation, &name, &answer);
        self.check_own(operation, &name, &answer);
        answer
    }

    /// Holds an answer against what the contract says of it.
    fn check(&self, operation: &str, name: &str, answer: &Answer) {
        let (document, described_operation) = self.contract.find(operation);
        let status = answer.status.as_str();
        let allowed = |difference: String| {
            let allowed = self.listed.iter().any(|pattern| fits(pattern, &difference));
            assert!(allowed, "{name}: {difference}\n{}", answer.text());
        };
        let Some(response) = described(&described_operation["responses"], status) else {
            return allowed(format!("{operation}: {status} is ours"));
        };
        let response = document.followed(response);
        let expected = content_types(response);
        if expected.is_empty() {
            assert!(answer.body.is_empty(), "{name}: {}", answer.text());
            return;
        }
        let kind = answer.header("content-type");
        let kind = kind.split(';').next().unwrap().to_owned();
        if !expected.contains(&kind) {
            let ours = BTreeSet::from([kind]);
            return allowed(format!(
                "{operation}: {status} is {ours:?}, there {expected:?}"
            ));
        }
        if kind.ends_with("json") {
            let value = serde_json::from_slice(&answer.body).unwrap();
            let wrong = document.problems(&response["content"][&kind]["schema"], &value);
            assert!(wrong.is_empty(), "{name}:\n{}\n{value:#}", wrong.join("\n"));
        }
    }

    /// Holds an answer against what the server says of it.
    fn check_own(&self, operation: &str, name: &str, answer: &Answer) {
        let (method, path) = operation.split_once(' ').unwrap();
        let own = self.own.operation(&method.to_lowercase(), path).unwrap();
        let response = described(&own["responses"], answer.status.as_str())
            .unwrap_or_else(|| panic!("{name}: /openapi.json has no {}", answer.status));
        let kinds = content_types(response);
        if kinds.is_empty() {
            assert!(answer.body.is_empty(), "{name}: {}", answer.text());
            return;
        }
        let kind = answer.header("content-type").split(';').next().unwrap();
        assert!(kinds.contains(kind), "{name}: {kind} is none of {kinds:?}");
        if kind.ends_with("json") {
            let value = serde_json::from_slice(&answer.body).unwrap();
            let wrong = self
                .own
                .problems(&response["content"][kind]["schema"], &value);
            assert!(
                wrong.is_empty(),
                "{name}, /openapi.json:\n{}\n{value:#}",
                wrong.join("\n")
            );
        }
    }

    /// Every operation of the contract succeeded and was refused, but for what is
    /// pending; and what is pending is.
    pub(super) fn everything_was_called(&self) {
        let without = |lists: &[&[&str]]| -> BTreeSet<String> {
            let mut all = self.contract.operations();
            for operation in lists.iter().copied().flatten() {
                assert!(all.remove(*operation), "the contract has no {operation}");
            }
            all
        };
        let expected = without(&[pending::WITHOUT_ROUTE, pending::WITHOUT_SUCCESS]);
        assert_eq!(self.succeeded, expected, "operations that succeeded");
        let expected = without(&[pending::WITHOUT_ROUTE, pending::WITHOUT_REFUSAL]);
        assert_eq!(self.refused, expected, "operations that were refused");
    }
}
