//! Full reads against a model of Bitbucket: lists with and without `next`, the
//! map of hook events with its lists, and workspaces one by one.
//!
//! The model refuses at times, and answers are lost at times, so that the same
//! position asks again. Whatever the seed, a read ends, and it has seen every
//! record of what is there, each once; of what is not there it has said so.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Connector, Outcome, Page, Response, State};
use url::Url;

use super::simulation::Chance;
use super::{answer, bitbucket, read};

const JSON: &str = "application/json";

/// What Bitbucket holds, by path below `/2.0`.
#[derive(Default)]
struct Model {
    lists: BTreeMap<String, List>,
    /// Answers by themselves.
    single: BTreeMap<String, Response>,
}

/// A list, and how it is paged.
struct List {
    values: Vec<String>,
    largest_page: usize,
    names_next: bool,
    tells_size: bool,
    /// What it answers beyond its end: an empty page, or 404.
    ends_empty: bool,
}

impl List {
    fn new(chance: &mut Chance, values: Vec<String>) -> Self {
        let names_next = chance.one_in(2);
        Self {
            values,
            largest_page: [100, 50, 10][chance.index(3)],
            names_next,
            // With neither, a list would have but one page.
            tells_size: !names_next || chance.one_in(2),
            ends_empty: chance.one_in(2),
        }
    }

    fn answer(&self, url: &Url) -> Response {
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().unwrap());
        let pagelen = number("pagelen").unwrap_or(10);
        if pagelen > self.largest_page {
            let body = r#"{"type":"error","error":{"message":"Invalid pagelen"}}"#;
            return answer(400, JSON, body);
        }
        let page = number("page").unwrap_or(1);
        let begin = (page - 1) * pagelen;
        if page > 1 && begin >= self.values.len() && !self.ends_empty {
            return missing();
        }
        let values: Vec<_> = self.values.iter().skip(begin).take(pagelen).collect();
        let values: Vec<_> = values.into_iter().map(String::as_str).collect();
        let mut body = format!(
            r#"{{"page":{page},"pagelen":{pagelen},"values":[{}]"#,
            values.join(",")
        );
        if self.tells_size {
            body += &format!(r#","size":{}"#, self.values.len());
        }
        if self.names_next && begin + pagelen < self.values.len() {
            let mut next = url.clone();
            next.set_query(Some(&format!("page={}&pagelen={pagelen}", page + 1)));
            body += &format!(r#","next":"{next}""#);
        }
        answer(200, JSON, &(body + "}"))
    }
}

impl Model {
    fn answer(&self, url: &str) -> Response {
        let url = Url::parse(url).unwrap();
        let path = url.path().strip_prefix("/2.0").unwrap();
        if let Some(list) = self.lists.get(path) {
            return list.answer(&url);
        }
        self.single.get(path).cloned().unwrap_or_else(missing)
    }
}

fn missing() -> Response {
    let body = r#"{"type":"error","error":{"message":"Not found"}}"#;
    answer(404, JSON, body)
}

/// What a read brought.
#[derive(Default)]
struct Reading {
    keys: Vec<String>,
    total: Option<u64>,
    notes: Vec<String>,
}

fn walk(model: &Model, object: &str, chance: &mut Chance) -> Reading {
    let bitbucket = bitbucket();
    let mut state = bitbucket.start(&read(object, "acme", None)).unwrap();
    let mut reading = Reading::default();
    for _ in 0..20_000 {
        let request = bitbucket.step(&state).unwrap();
        if chance.one_in(6) {
            let status = [401, 429, 503][chance.index(3)];
            let outcome = bitbucket.advance(&state, &answer(status, "text/plain", "no"));
            assert!(matches!(outcome, Outcome::Failed(_)));
            continue;
        }
        let outcome = bitbucket.advance(&state, &model.answer(&request.url));
        if chance.one_in(6) {
            // The process ended before the commit.
            continue;
        }
        let page: Page = match outcome {
            Outcome::Page(page) => page,
            Outcome::Again(next) => {
                state = next;
                continue;
            }
            other => panic!("{object}: {other:?}"),
        };
        let keys = page.records.into_iter().map(|record| record.key);
        reading.keys.extend(keys);
        reading.total = page.estimated_total.or(reading.total);
        reading.notes.extend(page.notes);
        match page.next {
            Some(next) => state = State::from_stored(next.as_str().to_owned()),
            None => return reading,
        }
    }
    panic!("{object} does not end");
}

/// Every record once, and nothing else.
fn check(reading: &Reading, expected: &BTreeSet<String>, seed: u64) {
    let distinct: BTreeSet<_> = reading.keys.iter().cloned().collect();
    assert_eq!(distinct, *expected, "seed {seed}");
    assert_eq!(reading.keys.len(), distinct.len(), "seed {seed}: repeats");
}

#[test]
fn lists_are_read_whole_with_and_without_next() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let ids = (0..chance.below(350)).map(|id| format!("{{{id}}}"));
        let ids: BTreeSet<String> = ids.collect();
        let values = ids.iter().map(|id| format!(r#"{{"uuid":"{id}"}}"#));
        let list = List::new(&mut chance, values.collect());
        let told = list.tells_size.then_some(ids.len() as u64);
        let path = "/workspaces/acme/pipelines-config/variables".to_owned();
        let model = Model {
            lists: BTreeMap::from([(path, list)]),
            ..Model::default()
        };
        let reading = walk(&model, "pipelines-config/variables", &mut chance);
        check(&reading, &ids, seed);
        assert_eq!(reading.total, told, "seed {seed}");
        assert!(reading.notes.is_empty(), "seed {seed}");
    }
}

#[test]
fn every_list_of_a_map_is_read_and_a_missing_one_is_told() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut model = Model::default();
        let (mut expected, mut gone, mut all_tell) = (BTreeSet::new(), 0, true);
        let mut map = Vec::new();
        for number in 0..chance.below(5) {
            let name = format!("kind{number}");
            map.push(format!(
                r#""{name}":{{"links":{{"events":{{"href":"https://api.bitbucket.org/x"}}}}}}"#
            ));
            if chance.one_in(4) {
                gone += 1;
                continue;
            }
            // The same names under every subject type.
            let events = 0..chance.below(130);
            let events: Vec<_> = events.map(|event| format!("repo:{event}")).collect();
            let values = events.iter().map(|e| format!(r#"{{"event":"{e}"}}"#));
            let list = List::new(&mut chance, values.collect());
            all_tell &= list.tells_size;
            model.lists.insert(format!("/hook_events/{name}"), list);
            expected.extend(events.iter().map(|event| format!("{name}/{event}")));
        }
        let map = answer(200, JSON, &format!("{{{}}}", map.join(",")));
        model.single.insert("/hook_events".to_owned(), map);
        let reading = walk(&model, "hook_events", &mut chance);
        check(&reading, &expected, seed);
        assert_eq!(reading.notes.len(), gone, "seed {seed}");
        let told = all_tell.then_some(expected.len() as u64);
        assert_eq!(reading.total, told, "seed {seed}");
    }
}

#[test]
fn every_workspace_is_read_and_a_missing_one_is_told() {
    for seed in 0..200 {
        let mut chance = Chance(seed);
        let mut model = Model::default();
        let (mut expected, mut gone) = (BTreeSet::new(), 0);
        let mut accesses = Vec::new();
        for number in 0..chance.below(240) {
            let slug = format!("ws-{number}");
            accesses.push(format!(
                r#"{{"administrator":true,"workspace":{{"slug":"{slug}"}}}}"#
            ));
            let path = format!("/workspaces/{slug}");
            match chance.below(12) {
                0 => gone += 1,
                1 => {
                    let body = r#"{"error":{"message":"Not from here"}}"#;
                    model.single.insert(path, answer(403, JSON, body));
                    gone += 1;
                }
                _ => {
                    let key = format!("{{{number}}}");
                    let body = format!(r#"{{"uuid":"{key}"}}"#);
                    model.single.insert(path, answer(200, JSON, &body));
                    expected.insert(key);
                }
            }
        }
        let list = List::new(&mut chance, accesses);
        let told = list.tells_size.then_some(expected.len() as u64);
        model.lists.insert("/user/workspaces".to_owned(), list);
        let reading = walk(&model, "workspaces", &mut chance);
        check(&reading, &expected, seed);
        assert_eq!(reading.notes.len(), gone, "seed {seed}");
        assert_eq!(reading.total, told, "seed {seed}");
    }
}

#[test]
fn a_list_that_shrinks_or_grows_meanwhile_still_ends() {
    let page = |url: &str, size: u64| {
        let url = Url::parse(url).unwrap();
        let values: Vec<_> = (0..100).map(|id| format!(r#"{{"uuid":"{id}"}}"#)).collect();
        let values = if url.query().unwrap().ends_with("&page=50") {
            String::new()
        } else {
            values.join(",")
        };
        answer(
            200,
            JSON,
            &format!(r#"{{"size":{size},"values":[{values}]}}"#),
        )
    };
    let bitbucket = bitbucket();
    // A size that runs ahead of the pages, one that falls behind, and one that
    // promises what never comes.
    for size in [
        |n: u64| n * 1000,
        |n: u64| 1000_u64.saturating_sub(n * 100),
        |_| 1_000_000,
    ] {
        let mut state = bitbucket
            .start(&read("pipelines-config/variables", "acme", None))
            .unwrap();
        let mut pages = 0;
        loop {
            pages += 1;
            assert!(pages <= 50, "no end");
            let url = bitbucket.step(&state).unwrap().url;
            match bitbucket.advance(&state, &page(&url, size(pages))) {
                Outcome::Page(Page {
                    next: Some(next), ..
                }) => state = next,
                Outcome::Page(Page { next: None, .. }) => break,
                other => panic!("{other:?}"),
            }
        }
    }
}
