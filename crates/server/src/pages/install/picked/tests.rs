//! Choices from forms and configs, and back.

use super::*;

fn manifest() -> Integration {
    let value = json!({
        "name": "sync", "provider": "provider",
        "read": { "objects": [
            {
                "objectName": "things", "mapToName": "stuff", "destination": "d",
                "requiredFields": [
                    { "fieldName": "id" },
                    { "mapToName": "label", "prompt": "Which is the label?" },
                    { "mapToName": "owner", "default": "creator" },
                ],
                "optionalFields": [
                    { "fieldName": "size" },
                    { "fieldName": "kind", "mapToName": "type" },
                    { "mapToName": "colour" },
                ],
            },
            { "objectName": "a/b", "destination": "d", "optionalFieldsAuto": "all" },
        ]},
        "write": { "objects": [{ "objectName": "things" }] },
        "proxy": { "enabled": true },
    });
    serde_json::from_value(value).unwrap()
}

fn form(pairs: &[(&str, &str)]) -> Fields {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Fields::of(pairs.iter().map(owned).collect())
}

#[test]
fn what_must_be_mapped_is_asked_for_unless_there_is_a_default() {
    let picked = Picked::of_form(&manifest(), &form(&[("object", "things")]));
    let wrong = picked.wrong(&manifest());
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].mapping.as_deref(), Some("label"));
    let nothing = Picked::of_form(&manifest(), &form(&[]));
    assert_eq!(nothing.wrong(&manifest())[0].object, None);
    let proxy = Picked::of_form(&manifest(), &form(&[("proxy", "on")]));
    assert_eq!(proxy.wrong(&manifest()), []);
}

#[test]
fn a_form_comes_to_a_config_and_back() {
    let sent = form(&[
        ("object", "things"),
        ("object", "a/b"),
        ("object", "unknown"),
        ("field:things", "size"),
        ("field:things", "not offered"),
        ("map:things:label", "name"),
        ("map:things:colour", ""),
        ("field:a/b", "anything"),
        ("write", "things"),
    ]);
    let picked = Picked::of_form(&manifest(), &sent);
    let stored = picked.stored(&manifest(), None);
    let expected = json!({
        "provider": "provider",
        "read": { "objects": {
            "things": {
                "objectName": "things",
                "selectedFields": { "size": true },
                "selectedFieldMappings": { "label": "name" },
            },
            "a/b": {
                "objectName": "a/b",
                "selectedFields": { "anything": true },
                "selectedFieldMappings": {},
            },
        }},
        "write": { "objects": { "things": { "objectName": "things" } } },
        "proxy": { "enabled": false },
    });
    assert_eq!(stored.content, expected);
    assert_eq!(Picked::of_config(&manifest(), &stored.content), picked);
}

#[test]
fn every_field_is_those_that_are_offered_or_all_that_will_be() {
    let sent = form(&[
        ("object", "things"),
        ("object", "a/b"),
        ("every:things", "on"),
        ("every:a/b", "on"),
        ("map:things:label", "name"),
    ]);
    let content = Picked::of_form(&manifest(), &sent)
        .stored(&manifest(), None)
        .content;
    let objects = &content["read"]["objects"];
    let offered = json!({ "size": true, "kind": true });
    assert_eq!(objects["things"]["selectedFields"], offered);
    assert!(objects["things"].get("selectedFieldsAuto").is_none());
    assert_eq!(objects["a/b"]["selectedFieldsAuto"], "all");
    assert_eq!(objects["a/b"]["selectedFields"], json!({}));
}

#[test]
fn what_is_always_read_is_chosen_without_a_checkbox() {
    let mut value = serde_json::to_value(manifest()).unwrap();
    value["read"]["objects"][0]["enabled"] = json!("always");
    let manifest: Integration = serde_json::from_value(value).unwrap();
    let nothing = Picked::of_form(&manifest, &form(&[]));
    let wrong = nothing.wrong(&manifest);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].mapping.as_deref(), Some("label"));
    let sent = form(&[("field:things", "size"), ("map:things:label", "name")]);
    let picked = Picked::of_form(&manifest, &sent);
    assert_eq!(picked.wrong(&manifest), []);
    let before = picked.stored(&manifest, None).content;
    let things = &before["read"]["objects"]["things"];
    assert_eq!(things["selectedFields"], json!({ "size": true }));
    assert_eq!(things["selectedFieldMappings"], json!({ "label": "name" }));
    // Nor does a change of other things switch it off.
    let after = picked.stored(&manifest, Some(&before)).content;
    assert_eq!(&after["read"]["objects"]["things"], things);
    assert!(Picked::fresh(&manifest, |_| true).object("things").chosen);
    assert!(
        Picked::of_config(&manifest, &json!({}))
            .object("things")
            .chosen
    );
}

#[test]
fn what_is_written_is_all_until_it_is_chosen() {
    let written = |config: Value| {
        let writes = Picked::of_config(&manifest(), &config).writes;
        writes.contains("things")
    };
    assert!(written(json!({})) && written(json!({ "write": null })));
    assert!(!written(json!({ "write": { "objects": {} } })));
    let sent = Picked::of_form(&manifest(), &form(&[("object", "a/b")]));
    assert!(!written(sent.stored(&manifest(), None).content));
}

#[test]
fn what_the_page_does_not_show_stays() {
    let before = json!({
        "read": { "objects": { "stuff": {
            "objectName": "stuff", "schedule": "0 0 * * *",
            "fieldFilters": [{ "fieldName": "size", "operator": "eq", "value": 1 }],
            "selectedFields": { "size": true },
            "selectedFieldMappings": { "label": "name", "type": "kind", "extra": "x" },
            "selectedValueMappings": { "size": { "big": "1" } },
        }}},
        "write": { "objects": { "things": { "objectName": "things", "selectedValueDefaults": {} } } },
    });
    let picked = Picked::of_config(&manifest(), &before);
    assert!(picked.object("things").chosen && !picked.object("a/b").chosen);
    let ticked: Vec<&String> = picked.object("things").fields.iter().collect();
    assert_eq!(ticked, ["kind", "size"]);
    let sent = form(&[
        ("object", "things"),
        ("field:things", "kind"),
        ("map:things:label", "title"),
        ("write", "things"),
    ]);
    let stored = Picked::of_form(&manifest(), &sent).stored(&manifest(), Some(&before));
    let things = &stored.content["read"]["objects"]["things"];
    assert_eq!(things["objectName"], "stuff");
    for kept in ["schedule", "fieldFilters", "selectedValueMappings"] {
        assert_eq!(things[kept], before["read"]["objects"]["stuff"][kept]);
    }
    assert_eq!(things["selectedFields"], json!({ "kind": true }));
    let mapped = json!({ "extra": "x", "label": "title" });
    assert_eq!(things["selectedFieldMappings"], mapped);
    assert_eq!(
        stored.content["write"], before["write"],
        "what is written by other means stays, too"
    );
    assert_eq!(
        stored.mask,
        [
            "config.content.read.objects.things",
            "config.content.write.objects",
            "config.content.proxy.enabled",
        ]
    );
    // Not ticked any more: it rests.
    let sent = form(&[("object", "a/b")]);
    let stored = Picked::of_form(&manifest(), &sent).stored(&manifest(), Some(&before));
    let things = &stored.content["read"]["objects"]["things"];
    assert_eq!(things["disabled"], true);
    assert_eq!(things["selectedFields"], json!({ "size": true }));
}
