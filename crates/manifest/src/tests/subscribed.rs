//! The subscribe rules. The action itself is refused everywhere, so each of these
//! has that problem too.

use super::places;

/// A subscribe object with these lines, from line 13 on, beside a read object.
fn with_events(lines: &str) -> Vec<String> {
    let lines = lines
        .lines()
        .map(|line| format!("          {line}\n"))
        .collect::<String>();
    let text = format!(
        "specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: library\n    read:\n      objects:\n        - objectName: books\n          destination: d\n          optionalFieldsAuto: all\n    subscribe:\n      objects:\n        - objectName: books\n{lines}"
    );
    let (refused, others): (Vec<_>, Vec<_>) = places(&text)
        .into_iter()
        .partition(|place| place.starts_with("unsupported-action"));
    assert_eq!(
        refused,
        ["unsupported-action 10:5 integrations[0].subscribe"]
    );
    others
        .iter()
        .map(|place| place.replace("integrations[0].subscribe.objects[0]", ""))
        .collect()
}

const SOUND: &str = "destination: d\ninheritFieldsAndMapping: true\n";

#[test]
fn events() {
    for (lines, expected) in [
        ("createEvent: {enabled: always}", ""),
        ("deleteEvent: {}", ""),
        (
            "createEvent: {enabled: yes}",
            "enabled 15:34 .createEvent.enabled",
        ),
        ("updateEvent: {watchFieldsAuto: all}", ""),
        ("updateEvent: {watchFieldsAuto: selected}", ""),
        ("updateEvent: {requiredWatchFields: [title]}", ""),
        (
            "updateEvent: {enabled: always}",
            "watch-fields 15:24 .updateEvent",
        ),
        (
            "updateEvent: {requiredWatchFields: []}",
            "watch-fields 15:24 .updateEvent",
        ),
        (
            "updateEvent: {watchFieldsAuto: all, requiredWatchFields: [title]}",
            "watch-fields 15:68 .updateEvent.requiredWatchFields",
        ),
        (
            "updateEvent: {watchFieldsAuto: some}",
            "watch-fields-auto 15:42 .updateEvent.watchFieldsAuto",
        ),
        (
            "updateEvent:\n  requiredWatchFields:\n    - title\n    - $['author']['name']\n    - author.name",
            "nested-watch-field 18:17 .updateEvent.requiredWatchFields[1] nested-watch-field 19:17 .updateEvent.requiredWatchFields[2]",
        ),
        ("otherEvents: [book.merged]", ""),
        ("", "~no-event 12:11 "),
    ] {
        let found = with_events(&format!("{SOUND}{lines}")).join(" ");
        assert_eq!(found, expected, "{lines}");
    }
}

#[test]
fn surroundings() {
    let event = "createEvent: {enabled: always}";
    assert_eq!(
        with_events(&format!("inheritFieldsAndMapping: true\n{event}")),
        ["destination 12:11 "]
    );
    assert_eq!(
        with_events(&format!("destination: d\n{event}")),
        ["subscribe-inherit 12:11 "]
    );
    assert_eq!(
        with_events(&format!(
            "destination: d\ninheritFieldsAndMapping: false\n{event}"
        )),
        ["subscribe-inherit 14:36 .inheritFieldsAndMapping"]
    );
    let text = "specVersion: 1.0.0\nintegrations:\n  - name: a\n    provider: library\n    subscribe:\n      objects:\n        - {objectName: books, destination: d, createEvent: {}}\n        - {destination: d}\n        - {objectName: books, destination: d, otherEvents: [x]}\n";
    let at = "integrations[0].subscribe";
    assert_eq!(
        places(text),
        [
            format!("subscribe-read 5:5 {at}"),
            format!("unsupported-action 5:5 {at}"),
            format!("subscribe-inherit 7:11 {at}.objects[0]"),
            format!("object-name 8:11 {at}.objects[1]"),
            format!("~no-event 8:11 {at}.objects[1]"),
            format!("repeated-object 9:24 {at}.objects[2].objectName"),
        ]
    );
    let text = text.replace(
        "    subscribe:",
        "    read:\n      objects: [{objectName: shelves, destination: d, optionalFieldsAuto: all}]\n    subscribe:",
    );
    assert!(
        places(&text).contains(&format!("subscribe-twin 9:24 {at}.objects[0].objectName")),
        "{:#?}",
        places(&text)
    );
}
