//! Tests of the whole connector through its contract.

mod cases;
mod endpoints;
mod failures;
mod lists;
mod recordings;
mod reference;
mod search;
mod simulation;
mod writes;

use std::collections::BTreeMap;

use connector::{
    Connector, Failure, Field, Intent, Outcome, ReadIntent, Response, State, ValueType,
};

use crate::{Bitbucket, Endpoints};

fn bitbucket() -> Bitbucket {
    Bitbucket::new(&Endpoints::default()).unwrap()
}

fn read(object: &str, workspace: &str, since: Option<&str>) -> Intent {
    Intent::Read(ReadIntent {
        object: object.to_owned(),
        inputs: BTreeMap::from([("workspace".to_owned(), workspace.to_owned())]),
        since: since.map(|time| time.parse().unwrap()),
        ..ReadIntent::default()
    })
}

fn answer(status: u16, content_type: &str, body: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

/// What the answer to the first request of a read of `object` means.
fn first(object: &str, response: &Response) -> Outcome {
    let bitbucket = bitbucket();
    let state = bitbucket.start(&read(object, "acme", None)).unwrap();
    bitbucket.advance(&state, response)
}

fn failed(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn description_is_whole() {
    let bitbucket = bitbucket();
    let description = bitbucket.describe();
    assert_eq!(description.provider, "bitbucket");
    assert_eq!(description.origin, "https://api.bitbucket.org");
    assert_eq!(
        description.oauth.authorize_url,
        "https://bitbucket.org/site/oauth2/authorize"
    );
    assert_eq!(
        description.oauth.token_url,
        "https://bitbucket.org/site/oauth2/access_token"
    );
    for object in description.objects {
        let names: Vec<_> = object.fields.iter().map(|field| field.name).collect();
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(
            names.len(),
            distinct.len(),
            "{} repeats a field",
            object.name
        );
        for field in object.fields {
            check_names(object.name, field);
        }
        for path in object.key.iter().copied().chain(object.timestamp) {
            let top = path.split('.').next().unwrap();
            assert!(names.contains(&top), "{} lacks {top}", object.name);
        }
        for known in object.filterable {
            let top = known.path.split('.').next().unwrap();
            let field = object.fields.iter().find(|field| field.name == top);
            let field = field.unwrap_or_else(|| panic!("{} lacks {top}", object.name));
            let same = match known.value_type {
                ValueType::Boolean | ValueType::Int => field.value_type == known.value_type,
                _ => !matches!(field.value_type, ValueType::Boolean | ValueType::Int),
            };
            assert!(same, "{}.{}", object.name, known.path);
        }
    }
    for row in crate::objects::ROWS {
        assert!(
            row.group
                .is_none_or(|name| description.group(name).is_some())
        );
        assert!(description.object(row.object.name).is_some());
    }
}

/// Display names are in title case, and only selects have options.
fn check_names(object: &str, field: &Field) {
    let words = field.display_name.split(' ');
    let titled = words.map(|word| word.chars().next().is_some_and(char::is_uppercase));
    assert!(titled.into_iter().all(|is| is), "{object}.{}", field.name);
    let selects = matches!(
        field.value_type,
        ValueType::SingleSelect | ValueType::MultiSelect
    );
    assert_eq!(
        selects,
        !field.options.is_empty(),
        "{object}.{}",
        field.name
    );
}

#[test]
fn what_cannot_be_read_is_refused_at_the_start() {
    let bitbucket = bitbucket();
    for (object, workspace, message) in [
        (
            "nothings",
            "acme",
            "Bitbucket has no object \"nothings\" to read",
        ),
        ("projects", "", "the input \"workspace\" is required"),
        ("repositories", "  ", "the input \"workspace\" is required"),
        (
            "repositories",
            "..",
            "the input \"workspace\" is not a workspace",
        ),
    ] {
        let failure = bitbucket.start(&read(object, workspace, None)).unwrap_err();
        assert_eq!(failure.class(), "invalid");
        assert_eq!(failure.to_string(), message);
    }
    let nothing = ReadIntent {
        object: "projects".to_owned(),
        ..ReadIntent::default()
    };
    let Err(Failure::Invalid { fields, .. }) = bitbucket.start(&Intent::Read(nothing)) else {
        panic!("started without a workspace");
    };
    assert_eq!(fields["workspace"], ["is required"]);
}

#[test]
fn foreign_states_are_refused() {
    let bitbucket = bitbucket();
    for text in [
        "",
        "{}",
        "nonsense",
        r#"{"object":"gone","at":{"list":{}}}"#,
    ] {
        let state = State::from_stored(text.to_owned());
        assert_eq!(bitbucket.step(&state).unwrap_err().class(), "protocol");
        let outcome = bitbucket.advance(&state, &answer(200, "application/json", "{}"));
        assert_eq!(failed(outcome).class(), "protocol");
    }
}
