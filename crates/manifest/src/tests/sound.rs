//! Sound manifests, and their JSON.

use bitbucket::{Bitbucket, Endpoints};
use connector::Connector;
use serde_json::json;

use super::{places, report};
use crate::{Integration, IntegrationField, Limits, check};

const EXAMPLE: &str = include_str!("../../../../examples/bitbucket/amp.yaml");

#[test]
fn the_example_has_nothing_to_complain_about() {
    let bitbucket = Bitbucket::new(&Endpoints::default()).unwrap();
    let report = check(EXAMPLE, &[bitbucket.describe()], Limits::default());
    assert_eq!(report.problems, []);
    let manifest = report.manifest.unwrap();
    let integration = manifest.integrations.first().unwrap();
    assert!(integration.is_proxy_enabled());
    let names: Vec<&str> = integration
        .read_objects()
        .map(crate::ReadObject::name)
        .collect();
    let objects = bitbucket.describe().objects.iter();
    let every: Vec<&str> = objects
        .map(|object| match object.name {
            "permissions/repositories" => "repositoryPermissions",
            name => name,
        })
        .collect();
    assert_eq!(names, every);
    let write = integration.write.as_ref().unwrap().objects.iter().flatten();
    let written: Vec<&str> = write.map(|object| object.object_name.as_str()).collect();
    assert_eq!(written, bitbucket.describe().writable);
    let repositories = integration.read_object("repositories").unwrap();
    assert_eq!(repositories.schedule, "0 * * * *");
    assert!(!repositories.is_always_enabled());
    assert!(
        repositories
            .required_fields
            .iter()
            .flatten()
            .any(|field| matches!(
                field,
                IntegrationField::Existent { field_name, map_to_name: Some(name), .. }
                    if field_name == "$['project']['key']" && name == "projectKey"
            ))
    );
}

#[test]
fn json_has_what_the_manifest_had_and_no_more() {
    let text = "
specVersion: 1.0.0
integrations:
  - name: My integration!
    displayName: Mine
    provider: library
    color: red
    read:
      objects:
        - objectName: books
          destination: d
          mapToName: volumes
          mapToDisplayName: Volumes
          optionalFields:
          requiredFields:
            - fieldName: id
            - fieldName: title
              mapToName: name
              prompt: Which?
            - mapToName: who
              mapToDisplayName: Who
              default: $['author']['name']
          optionalFieldsAuto: all
          backfill: {defaultPeriod: {days: 30}}
          delivery: {mode: onRequest, pageSize: 100}
        - {objectName: notes, destination: d, optionalFields: [], requiredFields: [{fieldName: any}]}
    proxy: {enabled: false, useModule: true}
";
    assert_eq!(places(text), ["~unknown-key 7:5 integrations[0].color"]);
    let manifest = report(text).manifest.unwrap();
    let integration = manifest.integrations.first().unwrap();
    let expected = json!({
        "name": "My integration!",
        "provider": "library",
        "displayName": "Mine",
        "read": {"objects": [
            {
                "objectName": "books",
                "destination": "d",
                "schedule": "",
                "mapToName": "volumes",
                "mapToDisplayName": "Volumes",
                "requiredFields": [
                    {"fieldName": "id"},
                    {"fieldName": "title", "mapToName": "name", "prompt": "Which?"},
                    {"mapToName": "who", "mapToDisplayName": "Who", "default": "$['author']['name']"},
                ],
                "optionalFieldsAuto": "all",
                "backfill": {"defaultPeriod": {"days": 30}},
                "delivery": {"mode": "onRequest", "pageSize": 100},
            },
            {
                "objectName": "notes",
                "destination": "d",
                "schedule": "",
                "requiredFields": [{"fieldName": "any"}],
                "optionalFields": [],
            },
        ]},
        "proxy": {"enabled": false, "useModule": true},
    });
    let content = serde_json::to_value(integration).unwrap();
    assert_eq!(content, expected);
    let again: Integration = serde_json::from_value(content).unwrap();
    assert_eq!(&again, integration);
    assert_eq!(
        integration.read_object("volumes").unwrap().object_name,
        "books"
    );
}

#[test]
fn anchors_and_merges_are_followed() {
    let text = "
specVersion: 1.0.0
integrations:
  - name: a
    provider: library
    read:
      objects:
        - &books
          objectName: books
          destination: d
          requiredFields: &fields
            - fieldName: id
        - <<: *books
          objectName: shelves
        - {objectName: notes, destination: d, requiredFields: *fields}
";
    assert_eq!(places(text), Vec::<String>::new());
    let manifest = report(text).manifest.unwrap();
    let integration = manifest.integrations.first().unwrap();
    let names: Vec<&str> = integration
        .read_objects()
        .map(crate::ReadObject::name)
        .collect();
    assert_eq!(names, ["books", "shelves", "notes"]);
    assert!(
        integration
            .read_objects()
            .all(|object| object.required_fields.as_ref().unwrap().len() == 1)
    );
}
