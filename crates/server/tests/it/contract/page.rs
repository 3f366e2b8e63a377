//! `docs/api.md` has every route of `/openapi.json`, who may call it, and the test
//! that does. `UPDATE_DOCS=1` writes the table anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use testing::TestStore;

use super::description::SERVED;
use super::schema::Document;
use crate::world::World;

testing::both!(the_page_has_every_route);

const BEGIN: &str = "<!-- routes: written by the test contract::page -->\n";
const END: &str = "<!-- end of routes -->";

/// The tests of what the contract has not, by the end of the path.
const BEYOND: &[(&str, &str)] = &[
    ("/deliveries", "delivery/replay.rs"),
    ("/deliveries/{deliveryId}", "delivery/replay.rs"),
    ("/deliveries/{deliveryId}:replay", "delivery/replay.rs"),
    ("/destinations/{destination}:enable", "delivery/replay.rs"),
    ("/destinations/{destination}:replay", "delivery/replay.rs"),
    (
        "/destinations/{destination}:rotate-secret",
        "delivery/rotation.rs",
    ),
    ("/groups/{groupRef}", "routes/groups.rs"),
    ("/groups/{groupRef}:export", "routes/groups.rs"),
    ("/orgs/{orgId}/audit-log", "routes/orgs.rs"),
    ("/audit-log", "routes/connections.rs"),
    ("/sessions", "routes/sessions.rs"),
    ("/sessions/current", "routes/sessions.rs"),
    ("/request-budgets", "routes/request_budgets.rs"),
    ("/install-links", "routes/install_links.rs"),
    ("/install-links/{linkId}", "routes/install_links.rs"),
];

async fn the_page_has_every_route(store: TestStore) {
    let world = World::idle(store).await;
    let ours = Document::of(world.api.get("/openapi.json").await.json(200));
    let Some(contract) = contract() else {
        return;
    };
    let mut table = String::from("| route | key | contract | tested by |\n|---|---|---|---|\n");
    for (method, path) in ours.operations() {
        let operation = ours.operation(&method, &path).unwrap();
        let method = method.to_uppercase();
        let within = contract
            .get(&path)
            .is_some_and(|methods| methods.contains(&method));
        let (yes, test) = match within {
            true => ("yes", "contract/operations.rs"),
            false => ("beyond", beyond(&path)),
        };
        let key = key(&operation);
        table += &format!("| `{method} {path}` | {key} | {yes} | {test} |\n");
    }
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var("UPDATE_DOCS").as_deref() == Ok("1") {
        std::fs::write(page, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written == table,
        "docs/api.md is not what the server says; UPDATE_DOCS=1 writes it anew:\n{table}"
    );
}

/// Which credentials open it.
fn key(operation: &Value) -> &'static str {
    let schemes = operation["security"].as_array().into_iter().flatten();
    let mut schemes: Vec<&String> = schemes
        .flat_map(|one| one.as_object().unwrap().keys())
        .collect();
    schemes.sort();
    let schemes: Vec<&str> = schemes.into_iter().map(String::as_str).collect();
    match schemes.as_slice() {
        [] => "none",
        ["Session"] => "builder",
        ["APIKeyHeader", "Session"] => "`full`, builder",
        ["APIKeyHeader", "Bearer", "Session"] => "`full`, `frontend`, JWT, builder",
        other => panic!("no word for {other:?}"),
    }
}

/// The methods of each path of the contract.
fn contract() -> Option<BTreeMap<String, Vec<String>>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, prefix) in SERVED {
        for (method, path) in Document::open(file)?.operations() {
            let path = format!("{prefix}{path}");
            all.entry(path).or_default().push(method.to_uppercase());
        }
    }
    Some(all)
}

/// The file of tests that calls a route, which it must.
fn beyond(path: &str) -> &'static str {
    let found = BEYOND.iter().find(|(end, _)| path.ends_with(end));
    let (end, file) = found.unwrap_or_else(|| panic!("no test is named for {path}"));
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(file);
    let text = std::fs::read_to_string(&tests).unwrap();
    let fixed: Vec<&str> = end.split(['{', '}']).step_by(2).collect();
    let called = fixed.iter().all(|part| text.contains(part));
    assert!(called, "{file} does not call {path}");
    file
}
