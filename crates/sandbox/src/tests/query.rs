//! `q`, `sort` and `role` on repositories.

use super::{Server, options};
use crate::Options;
use serde_json::Value;

async fn selected(server: &Server, q: &str) -> Vec<Value> {
    let answer = server.repositories(&[("q", q), ("pagelen", "100")]).await;
    assert_eq!(answer.status, 200, "{q}: {answer:?}");
    answer.json()["values"].as_array().unwrap().clone()
}

async fn small() -> Server {
    Server::start(Options {
        repositories: 60,
        ..options()
    })
    .await
}

/// A query, and the same condition on a record of the list.
type Case = (&'static str, fn(&Value) -> bool);

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).unwrap().as_str().unwrap_or("null")
}

const TEXTS_AND_FLAGS: &[Case] = &[
    ("language = \"rust\"", |r| text(r, "/language") == "rust"),
    ("language != \"rust\"", |r| text(r, "/language") != "rust"),
    ("name ~ \"PORTAL\"", |r| text(r, "/name").contains("Portal")),
    ("name !~ \"café\"", |r| !text(r, "/name").contains("Café")),
    ("description ~ \"\\\"mail\\\"\"", |r| {
        text(r, "/description").contains("\"mail\"")
    }),
    ("is_private = false", |r| r["is_private"] == false),
    ("mainbranch.name = null", |r| r["mainbranch"].is_null()),
    ("project.key in (\"PLAT1\", \"PAY2\")", |r| {
        ["PLAT1", "PAY2"].contains(&text(r, "/project/key"))
    }),
    ("project.key NOT IN (\"PLAT1\")", |r| {
        text(r, "/project/key") != "PLAT1"
    }),
    (
        "(language = \"go\" or language = \"java\") and is_private = true",
        |r| ["go", "java"].contains(&text(r, "/language")) && r["is_private"] == true,
    ),
    (
        "language = \"go\" OR language = \"java\" AND is_private = true",
        |r| {
            let java = text(r, "/language") == "java" && r["is_private"] == true;
            text(r, "/language") == "go" || java
        },
    ),
];

const NUMBERS_AND_TIMES: &[Case] = &[
    ("size > 1000 AND size <= 20000000", |r| {
        (1001..=20_000_000).contains(&r["size"].as_i64().unwrap())
    }),
    ("created_on < 2020-06-01", |r| {
        text(r, "/created_on") < "2020-06-01"
    }),
    ("updated_on >= 2024-01-01T00:00:00+02:00", |r| {
        text(r, "/updated_on") >= "2023-12-31T22:00:00"
    }),
    (
        "updated_on>=2022-01-01T00:00:00 AND updated_on<2024-01-01T00:00:00Z AND size > 5",
        |r| {
            let within = ("2022".."2024").contains(&text(r, "/updated_on"));
            within && r["size"].as_i64().unwrap() > 5
        },
    ),
];

#[tokio::test]
async fn every_operator_selects_what_it_says() {
    let server = small().await;
    let all = selected(&server, "scm = \"git\"").await;
    assert_eq!(all.len(), 60);
    for (q, check) in TEXTS_AND_FLAGS.iter().chain(NUMBERS_AND_TIMES) {
        let expected: Vec<Value> = all.iter().filter(|one| check(one)).cloned().collect();
        assert!((1..60).contains(&expected.len()), "{q} proves nothing");
        assert_eq!(selected(&server, q).await, expected, "{q}");
    }
}

#[tokio::test]
async fn what_is_not_documented_is_refused() {
    let server = small().await;
    for q in [
        "",
        "name",
        "name =",
        "name = 'x'",
        "name = \"x",
        "name = x",
        "name == \"x\"",
        "name = \"x\" name = \"y\"",
        "(name = \"x\"",
        "name = \"x\")",
        "name IN \"x\"",
        "name IN ()",
        "not name = \"x\"",
        "size = \"1\"",
        "size ~ 1",
        "size = 1x",
        "is_private = \"true\"",
        "is_private > true",
        "updated_on >= \"2026-01-01T00:00:00Z\"",
        "updated_on >= 2026-01-01T00:00:00 00:00",
        "updated_on >= 2026-13-01",
        "updated_on > null",
        "updated_on >= 2026-01-01T00:00:00Z&",
    ] {
        let answer = server.repositories(&[("q", q)]).await;
        assert_eq!((q, answer.status.as_u16()), (q, 400), "{}", answer.text);
        assert_eq!(answer.json()["type"], "error");
    }
    let deep = format!("{}size = 1{}", "(".repeat(500), ")".repeat(500));
    assert_eq!(server.repositories(&[("q", &deep)]).await.status, 400);
}

#[tokio::test]
async fn a_plus_that_is_not_escaped_is_a_space() {
    let server = small().await;
    let path = "/2.0/repositories/acme?q=updated_on>=2026-01-01T00:00:00";
    assert_eq!(server.get(&format!("{path}+00:00")).await.status, 400);
    assert_eq!(server.get(&format!("{path}%2B00:00")).await.status, 200);
}

#[tokio::test]
async fn unsupported_fields_say_so() {
    let server = small().await;
    for field in ["updated_at", "values.name", "owner.nickname", "website"] {
        let q = format!("{field} = \"x\"");
        let answer = server.repositories(&[("q", &q)]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.message(),
            format!("{field} does not support filtering")
        );
    }
    for sort in ["updated_at", "name,size", "", "--name"] {
        assert_eq!(
            server.repositories(&[("sort", sort)]).await.status,
            400,
            "{sort}"
        );
    }
    assert_eq!(
        server
            .repositories(&[("role", "collaborator")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn sorting_goes_both_ways_by_one_field() {
    let server = small().await;
    for field in ["updated_on", "created_on", "name", "full_name"] {
        let sorted = server
            .repositories(&[("sort", field), ("pagelen", "100")])
            .await;
        let names = sorted.column(field);
        // Text compares like the times do: the fraction is absent only at full seconds.
        let keys = |names: &[String]| -> Vec<String> {
            names
                .iter()
                .map(|name| name.replace("+00:00", ""))
                .collect()
        };
        assert!(keys(&names).is_sorted(), "{field}");
        let back = format!("-{field}");
        let reversed = server
            .repositories(&[("sort", &back), ("pagelen", "100")])
            .await;
        let mut reversed = keys(&reversed.column(field));
        reversed.reverse();
        assert!(reversed.is_sorted(), "-{field}");
    }
}

#[tokio::test]
async fn a_bound_compares_at_full_microseconds() {
    let server = small().await;
    let sorted = server
        .repositories(&[("sort", "-updated_on"), ("pagelen", "1")])
        .await;
    let last = sorted.column("updated_on").remove(0);
    let size = async |q: String| {
        let answer = server.repositories(&[("q", &q)]).await;
        answer.json()["size"].as_i64().unwrap()
    };
    assert!(size(format!("updated_on >= {last}")).await >= 1);
    assert_eq!(size(format!("updated_on > {last}")).await, 0);
    let finer = last.replace("+00:00", "1+00:00");
    assert_eq!(size(format!("updated_on >= {finer}")).await, 0);
    assert_eq!(size(format!("updated_on < {finer}")).await, 60);
}

#[tokio::test]
async fn roles_nest_and_owners_have_them_all() {
    let server = small().await;
    let size = async |workspace: &str, role: &str| {
        let path = format!("/2.0/repositories/{workspace}?role={role}");
        server.get(&path).await.json()["size"].as_i64().unwrap()
    };
    assert_eq!(size("acme", "admin").await, 60);
    let (member, writer, admin) = (
        size("acme-labs", "member").await,
        size("acme-labs", "contributor").await,
        size("acme-labs", "admin").await,
    );
    assert!(60 > member && member > writer && writer > admin && admin > 0);
}

#[tokio::test]
async fn projects_ignore_both() {
    let server = small().await;
    let path = "/2.0/workspaces/acme/projects";
    let plain = server.get(path).await.column("uuid");
    let filtered = server.get(&format!("{path}?q=nonsense&sort=-name")).await;
    assert_eq!(filtered.column("uuid"), plain);
}

#[tokio::test]
async fn fields_filter_the_envelope_too() {
    let server = small().await;
    let page = server
        .repositories(&[("fields", "values.slug")])
        .await
        .json();
    assert_eq!(
        page.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["values"]
    );
    let first = page["values"][0].as_object().unwrap();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["slug"]);
    let fields = [("fields", "next,values.uuid"), ("pagelen", "20")];
    let page = server.repositories(&fields).await.json();
    assert!(page["next"].as_str().unwrap().contains("fields=next"));
}
