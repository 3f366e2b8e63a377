//! The rules, one by one and all at once.

use super::{places, report};
use crate::{Limits, Rule, Severity, check};

/// An integration with one read object that has these lines, indented by ten,
/// from line 8 on.
fn with_object(lines: &str) -> String {
    let lines = lines
        .lines()
        .map(|line| format!("          {line}\n"))
        .collect::<String>();
    format!(
        "specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: library\n    read:\n      objects:\n        - objectName: books\n{lines}"
    )
}

/// The same, but sound up to these lines, from line 10 on.
fn with_rest(lines: &str) -> String {
    with_object(&format!("destination: d\noptionalFieldsAuto: all\n{lines}"))
}

fn with_integration(lines: &str) -> String {
    let lines = lines
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect::<String>();
    format!("specVersion: 1.0.0\nintegrations:\n  - name: a\n{lines}")
}

#[track_caller]
fn holds(text: &str, expected: &[&str]) {
    assert_eq!(places(text), expected, "\n{text}");
}

#[test]
fn documents() {
    let sound = "integrations:\n  - {name: a, provider: library, proxy: {enabled: true}}\n";
    holds(&format!("specVersion: 1.0.0\n{sound}"), &[]);
    holds(sound, &["spec-version 1:1 "]);
    holds(
        &format!("specVersion: 2.0.0\n{sound}"),
        &["spec-version 1:14 specVersion"],
    );
    holds(
        &format!("specVersion: 1.0\n{sound}"),
        &["spec-version 1:14 specVersion"],
    );
    holds("specVersion: 1.0.0\n", &["no-integrations 1:1 "]);
    holds(
        "specVersion: 1.0.0\nintegrations: []\n",
        &["no-integrations 2:15 integrations"],
    );
    holds(
        "specVersion: 1.0.0\nintegrations: {}\n",
        &["type 2:15 integrations"],
    );
    holds(
        "",
        &["type 1:1 ", "spec-version 1:1 ", "no-integrations 1:1 "],
    );
    holds("- a\n", &["type 1:1 "]);
    holds("hello", &["type 1:1 "]);
}

#[test]
fn all_is_told_about_a_misspelt_provider() {
    let read = "provider: libary\nraed: {}\nread:\n  objects:\n    - {objectName: bookz, destination: d, optionalFieldsAuto: all}";
    let found = report(&with_integration(read)).problems;
    let found: Vec<String> = found
        .iter()
        .map(|p| format!("{} {}", p.rule, p.remedy))
        .collect();
    assert_eq!(
        found,
        [
            "unknown-provider Did you mean `library`?",
            "unknown-key Did you mean `read`?",
            "unsupported-object Did you mean `books`?",
        ]
    );
}

#[test]
fn what_begins_below_its_key_is_seen_at_the_key() {
    holds(
        &with_integration(
            "provider: library\nread:\n  objects:\n    objectName: books\nproxy:\n  - a\ndisplayName:\n  7",
        ),
        &[
            "type 6:7 integrations[0].read.objects",
            "type 8:5 integrations[0].proxy",
            "type 11:7 integrations[0].displayName",
        ],
    );
}

#[test]
fn remedies_say_what_to_write() {
    for (line, expected) in [
        (
            "requiredFields: [{fieldName: $.author.name}]",
            "`$.author.name` is no path to a field: it is not made of names in brackets alone. Write $['author']['name']",
        ),
        (
            "delivery: {mode: onrequest}",
            "`mode` is `onrequest`, but can only be `auto` or `onRequest`. Did you mean `onRequest`?",
        ),
        (
            "enabled: true-ish",
            "`enabled` is `true-ish`, but can only be `always`. Write `always`, or remove it",
        ),
        (
            "destination: *inbox",
            "there is no anchor of this name above. Put text that begins with `*` or `&` in quotes",
        ),
        (
            "mapToName: \"books",
            "this quote is never closed. Add the closing quote",
        ),
    ] {
        let problems = report(&with_rest(line)).problems;
        let shown = problems.iter().map(ToString::to_string);
        assert!(
            shown.clone().any(|problem| problem.ends_with(expected)),
            "{line}: {:#?}",
            shown.collect::<Vec<_>>()
        );
    }
}

#[test]
fn integrations() {
    holds(
        &with_integration("provider: library"),
        &["no-action 3:5 integrations[0]"],
    );
    holds(
        &with_integration("provider: libary\nproxy: {}"),
        &["unknown-provider 4:15 integrations[0].provider"],
    );
    holds(
        &with_integration("proxy: {}"),
        &["unknown-provider 3:5 integrations[0]"],
    );
    holds(
        &with_integration("provider: library\nmodule: crm\nproxy: {}"),
        &["unknown-module 5:13 integrations[0].module"],
    );
    holds(
        "specVersion: 1.0.0\nintegrations:\n  - provider: library\n    proxy: {}\n  - name: ''\n    provider: library\n    proxy: {}\n  - 7\n",
        &[
            "integration-name 3:5 integrations[0]",
            "integration-name 5:5 integrations[1]",
            "type 8:5 integrations[2]",
        ],
    );
    holds(
        "specVersion: 1.0.0\nintegrations:\n  - {name: a, provider: library, proxy: {}}\n  - {name: a, provider: library, proxy: {}}\n",
        &["repeated-integration 4:12 integrations[1].name"],
    );
}

#[test]
fn actions() {
    let read = "integrations[0].read";
    holds(
        &with_integration("provider: library\nread: {}"),
        &[&format!("empty-objects 5:11 {read}")],
    );
    holds(
        &with_integration("provider: library\nread:\n  objects: []"),
        &[&format!("empty-objects 6:16 {read}.objects")],
    );
    holds(
        &with_integration(
            "provider: library\nwrite:\n  objects:\n    - objectName: books\n    - inheritMapping: true\n    - {objectName: shelves, inheritMapping: true}",
        ),
        &[
            "unsupported-object 7:23 integrations[0].write.objects[0].objectName",
            "object-name 8:11 integrations[0].write.objects[1]",
        ],
    );
    holds(
        &with_integration(
            "provider: library\nsubscribe:\n  objects: []\nwatchSchema:\n  destination: d",
        ),
        &[
            "subscribe-read 5:5 integrations[0].subscribe",
            "unsupported-action 5:5 integrations[0].subscribe",
            "empty-objects 6:16 integrations[0].subscribe.objects",
            "unsupported-action 7:5 integrations[0].watchSchema",
        ],
    );
}

#[test]
fn objects() {
    let at = "integrations[0].read.objects";
    holds(&with_rest(""), &[]);
    holds(
        &with_object("optionalFieldsAuto: all"),
        &[&format!("destination 7:11 {at}[0]")],
    );
    let other = |name: &str, more: &str| {
        let object =
            format!("{{objectName: {name}, destination: d, optionalFieldsAuto: all{more}}}");
        format!("{}        - {object}\n", with_rest(""))
    };
    holds(
        &other("books", ""),
        &[&format!("repeated-object 10:24 {at}[1].objectName")],
    );
    holds(
        &other("tapes", ""),
        &[&format!("unsupported-object 10:24 {at}[1].objectName")],
    );
    holds(
        &other("tablets", ""),
        &[&format!("~removed-object 10:24 {at}[1].objectName")],
    );
    holds(
        &other("''", ""),
        &[&format!("object-name 10:11 {at}[1]")].map(String::as_str),
    );
    holds(
        &other("shelves", ", mapToName: books"),
        &[&format!("repeated-name 10:85 {at}[1].mapToName")],
    );
    holds(
        &with_object("destination: d"),
        &[&format!("~no-field 7:11 {at}[0]")],
    );
}

#[test]
fn fields() {
    let at = "integrations[0].read.objects[0]";
    holds(
        &with_object(
            "destination: d\nrequiredFields:\n  - fieldName: id\n  - prompt: which?\n  - fieldName: titel\n  - fieldName: $['author'\n  - fieldName: $.author.name\n  - fieldName: $['author'][0]\noptionalFields:\n  - mapToName: who\n    default: autor\n  - fieldName: $['author']['name']\n    mapToName: who",
        ),
        &[
            &format!("field-name 11:15 {at}.requiredFields[1]"),
            &format!("~unknown-field 12:26 {at}.requiredFields[2].fieldName"),
            &format!("json-path 13:26 {at}.requiredFields[3].fieldName"),
            &format!("json-path 14:26 {at}.requiredFields[4].fieldName"),
            &format!("json-path 15:26 {at}.requiredFields[5].fieldName"),
            &format!("~unknown-field 18:24 {at}.optionalFields[0].default"),
            &format!("repeated-name 20:26 {at}.optionalFields[1].mapToName"),
        ],
    );
    holds(
        &with_object("destination: d\noptionalFieldsAuto: some"),
        &[&format!(
            "optional-fields-auto 9:31 {at}.optionalFieldsAuto"
        )],
    );
}

#[test]
fn schedules() {
    for (cron, expected) in [
        ("0 * * * *", ""),
        ("*/10 * * * *", ""),
        ("*/9 * * * *", "schedule-too-often"),
        ("* * * * *", "schedule-too-often"),
        ("0,5 0 1 1 *", "schedule-too-often"),
        ("0,10,20 8-18 * * MON-FRI", ""),
        ("0 0 29 2 *", ""),
        ("0 0 30 2 *", "cron"),
        ("0 0 L * *", ""),
        ("55 23 * * 1,3,5", ""),
        // A minute apart, but over midnight, which only some days are followed by.
        ("0,59 0,23 * * 1,3,5", ""),
        ("0,59 0,23 * * 1,3,4", "schedule-too-often"),
        ("0,59 0,23 28,1 2,3 *", "schedule-too-often"),
        ("0 * * *", "cron"),
        ("0 0 * * * *", "cron"),
        ("@hourly", "cron"),
        ("60 * * * *", "cron"),
        ("every hour on the hour", "cron"),
    ] {
        let found = places(&with_rest(&format!("schedule: '{cron}'")));
        let expected = match expected {
            "" => String::new(),
            rule => format!("{rule} 10:21 integrations[0].read.objects[0].schedule"),
        };
        assert_eq!(found.join(" "), expected, "{cron}");
    }
    let day = Limits {
        min_schedule_seconds: 2 * 86_400,
    };
    let text = with_rest("schedule: '0 0 * * 1,4'");
    assert!(check(&text, &[&super::library()], day).problems.is_empty());
    let text = with_rest("schedule: '0 0 * * 1,2'");
    assert!(check(&text, &[&super::library()], day).has_errors());
}

#[test]
fn backfills_and_deliveries() {
    let at = "integrations[0].read.objects[0]";
    for (line, expected) in [
        ("backfill: {defaultPeriod: {days: 0}}", ""),
        ("backfill: {defaultPeriod: {fullHistory: false}}", ""),
        ("backfill: {}", "backfill-period 10:21 .backfill"),
        (
            "backfill: {defaultPeriod: {}}",
            "backfill-period 10:37 .backfill.defaultPeriod",
        ),
        (
            "backfill: {defaultPeriod: {days: 1, fullHistory: true}}",
            "backfill-period 10:37 .backfill.defaultPeriod",
        ),
        (
            "backfill: {defaultPeriod: {days: -1}}",
            "backfill-days 10:44 .backfill.defaultPeriod.days",
        ),
        (
            "backfill: {defaultPeriod: {days: 1.5}}",
            "type 10:44 .backfill.defaultPeriod.days",
        ),
        (
            "backfill: {defaultPeriod: {days: 99999999999}}",
            "backfill-days 10:44 .backfill.defaultPeriod.days",
        ),
        ("delivery: {}", ""),
        ("delivery: {mode: auto}", ""),
        ("delivery: {mode: onRequest, pageSize: 50}", ""),
        (
            "delivery: {mode: later}",
            "delivery-mode 10:28 .delivery.mode",
        ),
        ("delivery: {mode: onRequest}", "page-size 10:21 .delivery"),
        (
            "delivery: {mode: onRequest, pageSize: 49}",
            "page-size 10:49 .delivery.pageSize",
        ),
        (
            "delivery: {mode: onRequest, pageSize: 501}",
            "page-size 10:49 .delivery.pageSize",
        ),
        (
            "delivery: {pageSize: 100}",
            "page-size 10:32 .delivery.pageSize",
        ),
        ("enabled: sometimes", "enabled 10:20 .enabled"),
        ("enabled: always", "always-schedule 10:20 .enabled"),
        ("enabled: always\nschedule: 0 0 * * *", ""),
        (
            "enabled: always\nschedule: 0 0 * * *\nmapToName: b",
            "always-mapping 12:22 .mapToName",
        ),
    ] {
        let found = places(&with_rest(line)).join(" ").replace(at, "");
        assert_eq!(found, expected, "{line}");
    }
    holds(
        &with_object("destination: d\nenabled: always\nschedule: 0 0 * * *"),
        &[
            &format!("~no-field 7:11 {at}"),
            &format!("always-fields 9:20 {at}.enabled"),
        ],
    );
}

#[test]
fn keys_and_types() {
    let at = "integrations[0].read.objects[0]";
    holds(
        &with_rest(
            "shedule: 0 * * * *\nmapToName: 7\nenabled: [always]\noptionalFieldsAuto: all\nbackfill: now",
        ),
        &[
            &format!("~unknown-key 10:11 {at}.shedule"),
            &format!("type 11:22 {at}.mapToName"),
            &format!("type 12:20 {at}.enabled"),
            &format!("repeated-key 13:11 {at}.optionalFieldsAuto"),
            &format!("type 14:21 {at}.backfill"),
        ],
    );
    let report = report(&with_rest("shedule: 0 * * * *\nmapToName: 7"));
    let shown: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "10:11 integrations[0].read.objects[0].shedule: `shedule` is not a known key here. Did you mean `schedule`?",
            "11:22 integrations[0].read.objects[0].mapToName: `mapToName` is a number, but must be text. Write text, in quotes if it looks like something else",
        ]
    );
    holds(
        &with_integration("provider: library\nproxy: {enabled: yes}"),
        &["type 5:22 integrations[0].proxy.enabled"],
    );
}

#[test]
fn yaml_that_cannot_be_read() {
    for (text, place) in [
        ("a: [1\nb: 2", "yaml 2:2 "),
        ("a: \"unclosed\n", "yaml 1:4 "),
        ("a:\n\t- b\n", "yaml 2:2 "),
        ("a: b\n---\nc: d\n", "yaml 3:1 "),
        ("a: *nobody\n", "yaml 1:4 "),
    ] {
        holds(text, &[place]);
    }
    let problem = report("a: [1\nb: 2").problems.remove(0);
    assert_eq!(
        problem.message,
        "the YAML cannot be read: illegal placement of ':' indicator"
    );
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let mut laughs = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (last, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let aliases = vec![format!("*{last}"); 9].join(",");
        laughs += &format!("{next}: &{next} [{aliases}]\n");
    }
    let cases = [
        laughs,
        format!("a: {}{}", "[".repeat(1_000), "]".repeat(1_000)),
        "- ".repeat(1_000) + "a",
        (0..1_000)
            .map(|i| format!("{}k:\n", " ".repeat(i)))
            .collect(),
        "x".repeat(1024 * 1024 + 1),
        "a: &a [*a]\n".to_owned(),
        format!("a: &a b\nc: [{}]", "*a,".repeat(2_000)),
    ];
    for text in cases {
        let report = report(&text);
        let start: String = text.chars().take(40).collect();
        assert!(report.manifest.is_none(), "{start}");
        let problem = report.problems.first().unwrap();
        assert_eq!(problem.severity(), Severity::Error);
        assert!(
            [Rule::Size, Rule::Yaml].contains(&problem.rule),
            "{start}: {problem}"
        );
        assert!(problem.message.len() < 200, "{start}: {problem}");
    }
}

#[test]
fn too_many_schedules_are_refused_once() {
    let object = |i: usize| {
        let cron = format!("{} {} 28 2 *", i % 60, i / 60);
        format!("        - {{objectName: notes, schedule: '{cron}'}}\n")
    };
    let objects: String = (0..1_000).map(object).collect();
    let found = places(&format!("{}{objects}", with_rest("")));
    let count = |rule: &str| found.iter().filter(|place| place.starts_with(rule)).count();
    assert_eq!((count("cron"), count("size")), (0, 1));
}
