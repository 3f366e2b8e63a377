//! The walk by key against a model of Bitbucket that changes under it.
//!
//! The model sorts, filters and pages as Bitbucket does: stable order by time,
//! further pages by counting over the collection as it is *then*. Between
//! requests records are created, changed and deleted. Whatever the seed, every
//! record that was there throughout must be seen at its final version, unless
//! the read says that it stopped early; then the next one must see it.

use std::collections::{BTreeMap, BTreeSet};

use connector::{
    Connector, Filter, FilterValue, Intent, Outcome, Page, ReadIntent, Response, State,
};
use jiff::{SignedDuration, Timestamp};

use super::bitbucket;

const MS: i64 = 1_000;

/// A small generator of the linear congruential kind, for repeatable chance.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(super) fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap()
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

struct Model {
    /// Times in microseconds, by record.
    records: BTreeMap<u64, i64>,
    now: i64,
    largest_page: usize,
    names_next: bool,
    tells_size: bool,
}

impl Model {
    fn answer(&self, url: &str) -> Response {
        let url = url::Url::parse(url).unwrap();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["sort"], "updated_on");
        let query_text = query.get("q").map_or("", String::as_str);
        let bound = |operator: &str| {
            let time = query_text
                .split(" AND ")
                .find_map(|part| part.strip_prefix(&format!("updated_on {operator} ")))?;
            Some(time.parse::<Timestamp>().unwrap().as_microsecond())
        };
        let (from, until) = (bound(">="), bound("<"));
        let even = query_text.contains("language = \"even\"");
        let pagelen: usize = query["pagelen"].parse().unwrap();
        if pagelen > self.largest_page {
            let body = r#"{"type":"error","error":{"message":"Invalid pagelen"}}"#;
            return self.response(400, body.to_owned());
        }
        let mut matching: Vec<_> = self
            .records
            .iter()
            .filter(|(_, at)| from.is_none_or(|from| **at >= from))
            .filter(|(_, at)| until.is_none_or(|until| **at < until))
            .filter(|(id, _)| !even || *id % 2 == 0)
            .map(|(id, at)| (*at, *id))
            .collect();
        matching.sort_unstable();
        let page: usize = query.get("page").map_or(1, |page| page.parse().unwrap());
        let values = matching.iter().skip((page - 1) * pagelen).take(pagelen);
        let values: Vec<_> = values
            .map(|(at, id)| format!(r#"{{"uuid":"{id}","updated_on":"{}"}}"#, stamp(*at)))
            .collect();
        let mut body = format!(
            r#"{{"page":{page},"pagelen":{pagelen},"values":[{}]"#,
            values.join(",")
        );
        if self.tells_size {
            body += &format!(r#","size":{}"#, matching.len());
        }
        if self.names_next && page * pagelen < matching.len() {
            let mut next = url.clone();
            let pairs = query.iter().filter(|(name, _)| *name != "page");
            next.query_pairs_mut()
                .clear()
                .extend_pairs(pairs)
                .append_pair("page", &(page + 1).to_string());
            body += &format!(r#","next":"{next}""#);
        }
        self.response(200, body + "}")
    }

    fn response(&self, status: u16, body: String) -> Response {
        let date = Timestamp::from_microsecond(self.now).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
        Response {
            status,
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("date".to_owned(), date.unwrap()),
            ],
            body: body.into_bytes(),
        }
    }

    /// Lets some time pass, and up to `most` things happen.
    fn live(&mut self, chance: &mut Chance, most: u64, changed: &mut dyn FnMut(u64)) {
        for _ in 0..chance.below(most + 1) {
            self.now += i64::try_from(chance.below(40)).unwrap() * MS / 4;
            let ids: Vec<_> = self.records.keys().copied().collect();
            let id = ids[usize::try_from(chance.below(ids.len() as u64)).unwrap()];
            match chance.below(10) {
                0 => {
                    self.records.remove(&id);
                    changed(id);
                }
                1 => {
                    self.records
                        .insert(1_000_000 + self.records.len() as u64, self.now);
                }
                _ => {
                    self.records.insert(id, self.now);
                }
            }
            if self.records.is_empty() {
                self.records.insert(0, self.now);
            }
        }
        self.now += 50 * MS;
    }
}

/// As Bitbucket writes times: without a fraction where there is none.
fn stamp(at: i64) -> String {
    let time = Timestamp::from_microsecond(at).unwrap();
    let text = if at % 1_000_000 == 0 {
        format!("{time:.0}")
    } else {
        format!("{time:.6}")
    };
    text.replace('Z', "+00:00")
}

/// Reads once, living between the requests; the last page's watermark and
/// whether it stopped early.
struct Reading {
    seen: BTreeSet<(u64, i64)>,
    watermark: Option<Timestamp>,
    early: bool,
    requests: usize,
}

fn walk(model: &mut Model, since: Option<Timestamp>, live: impl FnMut(&mut Model)) -> Reading {
    let intent = ReadIntent {
        since,
        ..ReadIntent::default()
    };
    walk_as(model, intent, live)
}

fn walk_as(model: &mut Model, intent: ReadIntent, mut live: impl FnMut(&mut Model)) -> Reading {
    let bitbucket = bitbucket();
    let intent = ReadIntent {
        object: "repositories".to_owned(),
        inputs: BTreeMap::from([("workspace".to_owned(), "acme".to_owned())]),
        ..intent
    };
    let mut state: State = bitbucket.start(&Intent::Read(intent)).unwrap();
    let mut seen = BTreeSet::new();
    let mut total = None;
    for requests in 1..5_000 {
        let request = bitbucket.step(&state).unwrap();
        let response = model.answer(&request.url);
        let page: Page = match bitbucket.advance(&state, &response) {
            Outcome::Page(page) => page,
            Outcome::Again(next) => {
                state = next;
                continue;
            }
            other => panic!("{other:?}"),
        };
        if model.tells_size {
            total = total.or(page.estimated_total);
            assert_eq!(page.estimated_total, total);
        }
        for record in &page.records {
            let version: Timestamp = record.version.as_deref().unwrap().parse().unwrap();
            seen.insert((record.key.parse().unwrap(), version.as_microsecond()));
        }
        match page.next {
            Some(next) => state = State::from_stored(next.as_str().to_owned()),
            None => {
                let early = page.notes.iter().any(|note| note.contains("faster"));
                assert_eq!(early, !page.notes.is_empty(), "{:?}", page.notes);
                return Reading {
                    seen,
                    watermark: page.watermark,
                    early,
                    requests,
                };
            }
        }
        live(model);
    }
    panic!("the walk does not end");
}

/// A collection of old records, most of them in crowds of one time.
fn model(chance: &mut Chance, names_next: bool) -> Model {
    let start = 1_790_000_000_000_000;
    let mut records = BTreeMap::new();
    let mut at = start - 500_000_000_000;
    let mut id = 0;
    while id < 40 + chance.below(100) {
        at += i64::try_from(1 + chance.below(3_000_000)).unwrap();
        let crowd = if chance.one_in(3) {
            1 + chance.below(45)
        } else {
            1
        };
        for _ in 0..crowd {
            // Some crowds share the millisecond only.
            let spread = if chance.one_in(2) { 0 } else { chance.below(3) };
            records.insert(id, at - at % MS + i64::try_from(spread).unwrap());
            id += 1;
        }
    }
    Model {
        records,
        now: start,
        largest_page: if chance.one_in(3) { 50 } else { 10 },
        names_next,
        tells_size: true,
    }
}

fn missing(model: &Model, seen: &BTreeSet<(u64, i64)>, before: &BTreeSet<u64>) -> Vec<(u64, i64)> {
    let records = model.records.iter().map(|(id, at)| (*id, *at));
    records
        .filter(|(id, _)| before.contains(id))
        .filter(|record| !seen.contains(record))
        .collect()
}

#[test]
fn nothing_that_stays_is_missed() {
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let mut model = model(&mut chance, seed % 4 != 0);
        let mut before: BTreeSet<u64> = model.records.keys().copied().collect();
        let most = chance.below(7);
        let mut last_page_at = model.now;
        let reading = walk(&mut model, None, |model| {
            model.live(&mut chance, most, &mut |id| {
                before.remove(&id);
            });
            last_page_at = model.now;
        });
        if !reading.early {
            let missing = missing(&model, &reading.seen, &before);
            assert!(missing.is_empty(), "seed {seed} missed {missing:?}");
            continue;
        }
        // It stopped early: what changed is met from the watermark on.
        let rest = walk(&mut model, reading.watermark, |_| {});
        let seen = reading.seen.union(&rest.seen).copied().collect();
        let missing = missing(&model, &seen, &before);
        assert!(
            missing.is_empty(),
            "seed {seed} missed {missing:?} after an early stop"
        );
    }
}

#[test]
fn reads_one_after_the_other_miss_nothing() {
    for seed in 0..100 {
        let mut chance = Chance(seed);
        let mut model = model(&mut chance, true);
        let mut seen = BTreeSet::new();
        let mut since = None;
        for _ in 0..5 {
            let reading = walk(&mut model, since, |model| {
                model.live(&mut chance, 3, &mut |_| {})
            });
            seen.extend(reading.seen);
            since = Some(reading.watermark.unwrap());
            model.now += 600_000_000;
        }
        let last = walk(&mut model, since, |_| {});
        seen.extend(last.seen);
        let all = model.records.keys().copied().collect();
        let missing = missing(&model, &seen, &all);
        assert!(missing.is_empty(), "seed {seed} missed {missing:?}");
    }
}

#[test]
fn a_range_is_read_whole_and_the_walk_ends() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut model = model(&mut chance, seed % 4 != 0);
        let times: BTreeSet<i64> = model.records.values().copied().collect();
        let times: Vec<i64> = times.into_iter().collect();
        let pick = |chance: &mut Chance| {
            let offset = i64::try_from(chance.below(3)).unwrap() - 1;
            times[chance.index(times.len())] + offset
        };
        let (one, other) = (pick(&mut chance), pick(&mut chance));
        let (from, until) = (one.min(other), one.max(other));
        let mut before: BTreeSet<u64> = model.records.keys().copied().collect();
        let intent = ReadIntent {
            since: (seed % 3 != 0).then(|| Timestamp::from_microsecond(from).unwrap()),
            until: Some(Timestamp::from_microsecond(until).unwrap()),
            ..ReadIntent::default()
        };
        let from = intent
            .since
            .map_or(i64::MIN, |since| since.as_microsecond());
        let most = chance.below(7);
        let reading = walk_as(&mut model, intent, |model| {
            model.live(&mut chance, most, &mut |id| {
                before.remove(&id);
            });
        });
        assert!(!reading.early && reading.watermark.is_none());
        // What changed has left the range; of the rest nothing is missing, and
        // nothing is there but what shares a millisecond with a bound.
        let mut missing = missing(&model, &reading.seen, &before);
        missing.retain(|(_, at)| (from..until).contains(at));
        assert!(missing.is_empty(), "seed {seed} missed {missing:?}");
        let loose = reading
            .seen
            .iter()
            .find(|(_, at)| *at < from.saturating_sub(MS) || *at >= until.saturating_add(MS));
        assert_eq!(loose, None, "seed {seed}");
    }
}

#[test]
fn reads_of_some_records_miss_none_of_them() {
    let even = Filter {
        path: vec!["language".to_owned()],
        value: FilterValue::Text("even".to_owned()),
    };
    for seed in 0..100 {
        let mut chance = Chance(seed);
        let mut model = model(&mut chance, true);
        let mut seen = BTreeSet::new();
        let mut since = None;
        for _ in 0..5 {
            let intent = ReadIntent {
                since,
                filters: vec![even.clone()],
                ..ReadIntent::default()
            };
            let reading = walk_as(&mut model, intent, |model| {
                model.live(&mut chance, 3, &mut |_| {})
            });
            seen.extend(reading.seen);
            since = Some(reading.watermark.unwrap());
            model.now += 600_000_000;
        }
        let intent = ReadIntent {
            since,
            filters: vec![even.clone()],
            ..ReadIntent::default()
        };
        seen.extend(walk_as(&mut model, intent, |_| {}).seen);
        assert!(seen.iter().all(|(id, _)| id % 2 == 0));
        let all = model
            .records
            .keys()
            .copied()
            .filter(|id| id % 2 == 0)
            .collect();
        let missing = missing(&model, &seen, &all);
        assert!(missing.is_empty(), "seed {seed} missed {missing:?}");
    }
}

#[test]
fn endless_change_is_outrun() {
    for tells_size in [true, false] {
        let mut chance = Chance(7);
        let mut model = model(&mut chance, true);
        model.tells_size = tells_size;
        let reading = walk(&mut model, None, |model| {
            // Every record changes between any two requests.
            for at in model.records.values_mut() {
                model.now += 10 * MS;
                *at = model.now;
            }
        });
        assert!(reading.early);
        let now = Timestamp::from_microsecond(model.now).unwrap();
        let watermark = reading.watermark.unwrap();
        assert!(watermark < now);
        assert!(now.duration_since(watermark) < SignedDuration::from_hours(1));
    }
}

#[test]
fn a_quiet_walk_costs_little() {
    let start = 1_790_000_000_000_000;
    let records = (0..1000).map(|id| (id, start - 60_000_000 + i64::try_from(id).unwrap() * MS));
    let mut model = Model {
        records: records.collect(),
        now: start,
        largest_page: 100,
        names_next: true,
        tells_size: true,
    };
    let reading = walk(&mut model, None, |_| {});
    assert_eq!(reading.seen.len(), 1000);
    assert_eq!(reading.requests, 11);
}
