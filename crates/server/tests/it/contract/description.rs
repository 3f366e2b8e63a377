//! `/openapi.json` against the published contract: every route, parameter, answer,
//! required property and enum. What differs is in `differences.json`, each with its
//! reason; an entry that nothing needs any more fails, as does a difference that
//! is not there.
//!
//! A status that is not described by itself is described by `default`, as OpenAPI
//! has it; so a refusal that only one of the two spells out is no difference if
//! its content type is the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testing::TestStore;

use super::pending;
use super::schema::Document;
use crate::world::World;

testing::both!(the_description_is_the_contract_s);

/// The documents of the contract that are served, and where.
pub(crate) const SERVED: [(&str, &str); 4] = [
    ("api.json", "/v1"),
    ("read.json", "/read/v1"),
    ("write.json", "/write/v1"),
    ("search.json", "/search/v1"),
];
/// How deep schemas are followed; the contract's manifest is the deepest.
const DEEPEST: usize = 16;

async fn the_description_is_the_contract_s(store: TestStore) {
    let world = World::idle(store).await;
    let answer = world.api.without_key().get("/openapi.json").await.json(200);
    let ours = Document::of(answer);
    references_lead_somewhere(&ours);
    let mut found = Found::default();
    for (file, prefix) in SERVED {
        let Some(contract) = Document::open(file) else {
            return;
        };
        found.compare(&ours, &contract, prefix);
    }
    let pending: BTreeSet<String> = pending::WITHOUT_ROUTE
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found.missing, pending, "routes that are not there");
    let listed = listed();
    let needed = |difference: &str| listed.iter().any(|pattern| fits(pattern, difference));
    let new: Vec<&String> = found
        .differences
        .iter()
        .filter(|one| !needed(one))
        .collect();
    let used = |pattern: &&String| found.differences.iter().any(|one| fits(pattern, one));
    let stale: Vec<&String> = listed.iter().filter(|one| !used(one)).collect();
    assert!(
        new.is_empty() && stale.is_empty(),
        "not in differences.json:\n{}\n\nin differences.json, and needed no more:\n{}",
        lines(&new),
        lines(&stale)
    );
}

fn lines(of: &[&String]) -> String {
    of.iter().map(|one| format!("  {one}\n")).collect()
}

/// The reviewed differences, without their reasons.
pub(super) fn listed() -> Vec<String> {
    let file: Value = serde_json::from_str(include_str!("differences.json")).unwrap();
    let mut listed = Vec::new();
    for entry in file.as_array().unwrap() {
        let reason = entry["reason"].as_str().unwrap();
        assert!(reason.len() > 20, "a reason says why: {entry}");
        for difference in entry["differences"].as_array().unwrap() {
            listed.push(difference.as_str().unwrap().to_owned());
        }
    }
    listed
}

/// Whether a text is what a pattern says, in which `*` is anything.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return pattern == text;
    };
    let rest = text
        .strip_prefix(first)
        .and_then(|rest| rest.strip_suffix(last));
    let Some(mut rest) = rest else {
        return false;
    };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    true
}

/// Every reference of our document leads to something.
fn references_lead_somewhere(ours: &Document) {
    fn walk(document: &Document, value: &Value) {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(
                document.at(reference).is_some(),
                "{reference} leads nowhere"
            );
        }
        let items = value.as_array().into_iter().flatten();
        let fields = value
            .as_object()
            .into_iter()
            .flat_map(|object| object.values());
        items.chain(fields).for_each(|inner| walk(document, inner));
    }
    walk(ours, ours.whole());
}

/// Which way a schema goes: who must not be surprised by what the other leaves out.
#[derive(Clone, Copy)]
enum Way {
    Request,
    Answer,
}

#[derive(Default)]
struct Found {
    missing: BTreeSet<String>,
    differences: BTreeSet<String>,
}

impl Found {
    fn compare(&mut self, ours: &Document, contract: &Document, prefix: &str) {
        for (method, template) in contract.operations() {
            let path = format!("{prefix}{template}");
            let name = format!("{} {path}", method.to_uppercase());
            let theirs = contract.operation(&method, &template).unwrap();
            let Some(own) = ours.operation(&method, &path) else {
                self.missing.insert(name);
                continue;
            };
            let mut pair = Pair {
                ours,
                contract,
                name,
                differences: &mut self.differences,
            };
            pair.parameters(&own, &theirs);
            pair.body(&own, &theirs);
            pair.answers(&own, &theirs);
        }
    }
}

/// One operation in both documents.
struct Pair<'a> {
    ours: &'a Document,
    contract: &'a Document,
    name: String,
    differences: &'a mut BTreeSet<String>,
}

impl Pair<'_> {
    fn differs(&mut self, what: &str) {
        self.differences.insert(format!("{}: {what}", self.name));
    }

    fn parameters(&mut self, own: &Value, theirs: &Value) {
        let own = parameters(self.ours, own);
        let theirs = parameters(self.contract, theirs);
        for (name, required) in &theirs {
            match own.get(name) {
                None => self.differs(&format!("no parameter {name}")),
                Some(own) if own != required => {
                    self.differs(&format!("parameter {name} is required in one only"));
                }
                Some(_) => {}
            }
        }
        for name in own.keys().filter(|name| !theirs.contains_key(*name)) {
            self.differs(&format!("parameter {name} is ours"));
        }
    }

    fn body(&mut self, own: &Value, theirs: &Value) {
        let (own, theirs) = (&own["requestBody"], &theirs["requestBody"]);
        if own.is_object() != theirs.is_object() {
            return self.differs("a body in one only");
        }
        if own["required"] == true && theirs["required"] == false {
            self.differs("the body is required");
        }
        let kinds = content_types(theirs);
        if content_types(own) != kinds {
            self.differs("another type of body");
        }
        for kind in kinds {
            let (own, theirs) = (
                &own["content"][&kind]["schema"],
                &theirs["content"][&kind]["schema"],
            );
            self.schema(Way::Request, own, theirs, "body", 0);
        }
    }

    fn answers(&mut self, own: &Value, theirs: &Value) {
        let (own, theirs) = (&own["responses"], &theirs["responses"]);
        for (status, their) in theirs.as_object().unwrap() {
            let their = self.contract.followed(their);
            let Some(our) = described(own, status) else {
                self.differs(&format!("{status} is not described"));
                continue;
            };
            self.content(status, &content_types(our), &content_types(their));
            for kind in content_types(our).intersection(&content_types(their)) {
                let schema = &their["content"][kind]["schema"];
                self.schema(
                    Way::Answer,
                    &our["content"][kind]["schema"],
                    schema,
                    status,
                    0,
                );
            }
        }
        for (status, our) in own.as_object().unwrap() {
            match described(theirs, status) {
                None => self.differs(&format!("{status} is ours")),
                Some(their) => {
                    let their = content_types(self.contract.followed(their));
                    self.content(status, &content_types(our), &their);
                }
            }
        }
    }

    fn content(&mut self, status: &str, own: &BTreeSet<String>, theirs: &BTreeSet<String>) {
        if own != theirs {
            self.differs(&format!("{status} is {own:?}, there {theirs:?}"));
        }
    }

    fn schema(&mut self, way: Way, own: &Value, theirs: &Value, at: &str, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let own = self.ours.flat(own);
        let theirs = self.contract.flat(theirs);
        if !says_anything(&theirs) {
            return;
        }
        if !says_anything(&own) {
            return self.differs(&format!("{at} is not described"));
        }
        if let (Some(our), Some(their)) = (own["type"].as_str(), theirs["type"].as_str())
            && our != their
        {
            return self.differs(&format!("{at} is of type {our}, there {their}"));
        }
        self.words(way, &own, &theirs, at);
        self.required(way, &own, &theirs, at);
        let properties = theirs["properties"].as_object().into_iter().flatten();
        for (name, their) in properties {
            let our = &own["properties"][name];
            if our.is_object() {
                self.schema(way, our, their, &format!("{at}.{name}"), depth + 1);
            }
        }
        for inner in ["items", "additionalProperties"] {
            if own[inner].is_object() && theirs[inner].is_object() {
                self.schema(
                    way,
                    &own[inner],
                    &theirs[inner],
                    &format!("{at}[]"),
                    depth + 1,
                );
            }
        }
    }

    /// The enum of an answer is at most the contract's, that of a request at least.
    fn words(&mut self, way: Way, own: &Value, theirs: &Value, at: &str) {
        let Some(their) = theirs["enum"].as_array() else {
            return;
        };
        let Some(our) = own["enum"].as_array() else {
            return self.differs(&format!("{at} has no enum"));
        };
        let (some, all) = match way {
            Way::Answer => (our, their),
            Way::Request => (their, our),
        };
        for word in some.iter().filter(|word| !all.contains(word)) {
            self.differs(&format!("{at}: {word} is in one enum only"));
        }
    }

    /// An answer has always what the contract requires; a request needs no more
    /// than it requires, and is read as far as it has properties.
    fn required(&mut self, way: Way, own: &Value, theirs: &Value, at: &str) {
        let names = |schema: &Value| -> BTreeSet<String> {
            let required = schema["required"].as_array().into_iter().flatten();
            required
                .map(|name| name.as_str().unwrap().to_owned())
                .collect()
        };
        let (our, their) = (names(own), names(theirs));
        let open = own["properties"].as_object().is_none();
        if open && theirs["properties"].is_object() {
            return self.differs(&format!("{at} is not described"));
        }
        match way {
            Way::Answer => {
                for name in their.difference(&our) {
                    self.differs(&format!("{at}.{name} is not always there"));
                }
            }
            Way::Request => {
                for name in our.difference(&their) {
                    self.differs(&format!("{at}.{name} is required"));
                }
                for (name, _) in theirs["properties"].as_object().into_iter().flatten() {
                    if own["properties"].get(name).is_none() {
                        self.differs(&format!("{at}.{name} is not taken"));
                    }
                }
            }
        }
    }
}

fn says_anything(schema: &Value) -> bool {
    ["type", "properties", "items", "enum"]
        .iter()
        .any(|word| !schema[*word].is_null())
}

/// What stands for a status: its own entry, or `default`, if it is a refusal.
pub(super) fn described<'a>(responses: &'a Value, status: &str) -> Option<&'a Value> {
    let own = responses.get(status);
    own.or_else(|| {
        let refusal = !status.starts_with('2');
        responses.get("default").filter(|_| refusal)
    })
}

pub(super) fn content_types(of: &Value) -> BTreeSet<String> {
    let content = of["content"].as_object().into_iter().flatten();
    content.map(|(kind, _)| kind.clone()).collect()
}

/// Whether each parameter is required, by where it is and its name.
fn parameters(document: &Document, operation: &Value) -> BTreeMap<String, bool> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|parameter| {
            let parameter = document.followed(parameter);
            let text = |name: &str| parameter[name].as_str().unwrap();
            let name = format!("{} {}", text("in"), text("name"));
            (name, parameter["required"] == json!(true))
        })
        .collect()
}

#[test]
fn a_pattern_fits_what_it_says() {
    for (pattern, text, expected) in [
        ("a: b", "a: b", true),
        ("a: b", "a: bc", false),
        ("* b", "a: b", true),
        ("a*: b", "ax: c: b", true),
        ("a*", "abc", true),
        ("a*c", "abd", false),
        ("*b*d", "abcd", true),
        ("*b*d", "abcdx", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}
