//! Entries into messages: none above the limit, all in order.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use store::{
    Connection, ConnectionStatus, Consumer, Group, Installation, Integration, LinkedResult,
    MessageBody, NewProject, Project, ReadSubject, ReadType, Revision, Sync,
};

use super::super::message::{Envelope, Shaped, messages};
use super::super::record::ShapedRecord;
use super::object;
use crate::shape::Selection;

const MOST_BYTES: usize = 300_000;
const THEN: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// What a run of a read knows. Only a store makes a scope.
#[allow(clippy::too_many_lines, reason = "one value, field by field")]
async fn subject() -> ReadSubject {
    let store = testing::sqlite().await;
    let operator = store.operator();
    let new = NewProject {
        name: "app".to_owned(),
        app_name: "App".to_owned(),
        org_id: None,
    };
    let project: Project = store.create_project(&operator, new, THEN).await.unwrap();
    let scope = store.scope(&operator, "app").await.unwrap();
    let text = str::to_owned;
    let revision = Revision {
        id: text("revision"),
        integration_id: text("integration"),
        spec_version: text("1.0.0"),
        content: json!({}),
        create_time: THEN,
    };
    ReadSubject {
        begun_at: Some(THEN),
        sync: Sync {
            id: text("sync"),
            installation_id: text("installation"),
            object_name: text("things"),
            operation_id: Some(text("operation")),
            read_type: Some(ReadType::Scheduled),
            position: None,
            since: None,
            range: None,
            watermark: None,
            due_at: None,
            records_processed: 0,
            records_estimated_total: None,
            paused: false,
            backfill_due: false,
            definition: None,
        },
        installation: Installation {
            id: text("installation"),
            project_id: project.id.clone(),
            integration_id: text("integration"),
            connection_id: text("connection"),
            group_ref: text("group-1"),
            created_by: text("ada"),
            config_id: text("config"),
            config: json!({}),
            config_create_time: THEN,
            config_created_by: text("ada"),
            revision_id: text("revision"),
            last_operation_status: None,
            create_time: THEN,
            update_time: None,
            reads_paused: false,
        },
        integration: Integration {
            id: text("integration"),
            project_id: project.id.clone(),
            name: text("sync"),
            provider: text("provider"),
            create_time: THEN,
            update_time: None,
            latest_revision: revision.clone(),
        },
        revision,
        connection: Connection {
            id: text("connection"),
            project_id: project.id.clone(),
            provider: text("provider"),
            provider_app_id: None,
            group_ref: text("group-1"),
            consumer_ref: text(""),
            auth_scheme: text("apiKey"),
            status: ConnectionStatus::Working,
            provider_metadata: json!({}),
            provider_workspace_ref: None,
            scopes: Vec::new(),
            access_issued_at: None,
            access_expires_at: None,
            create_time: THEN,
            update_time: None,
        },
        group: Group {
            project_id: project.id.clone(),
            group_ref: text("group-1"),
            name: text("group-1"),
            create_time: THEN,
            update_time: None,
        },
        consumer: Consumer {
            project_id: project.id.clone(),
            consumer_ref: text(""),
            name: text(""),
            create_time: THEN,
            update_time: None,
        },
        scope,
        project,
    }
}

async fn envelope() -> Envelope {
    let selection = Selection::new(&object(json!({})), None).unwrap();
    Envelope::new(&subject().await, &selection, THEN)
}

/// An entry of that many bytes, at least 2.
fn entry(bytes: usize) -> ShapedRecord {
    let mut text = vec![b'"'];
    text.resize(bytes - 1, b'x');
    text.push(b'"');
    ShapedRecord(text)
}

fn split(envelope: &Envelope, bytes: &[usize]) -> Vec<Shaped> {
    split_at(envelope, bytes, None)
}

fn split_at(envelope: &Envelope, bytes: &[usize], most_records: Option<usize>) -> Vec<Shaped> {
    let entries = bytes.iter().map(|bytes| entry(*bytes)).collect();
    messages(envelope, entries, most_records).unwrap()
}

fn inline(shaped: &Shaped) -> &[u8] {
    match &shaped.body {
        MessageBody::Inline(body) => body,
        MessageBody::Url { .. } => panic!("{shaped:?}"),
    }
}

/// The bytes of a message of `count` entries that are not entries: envelope,
/// brackets and commas.
fn around(envelope: &Envelope, count: usize) -> usize {
    let few = vec![2; count];
    inline(&split(envelope, &few)[0]).len() - 2 * count
}

#[tokio::test]
async fn a_message_is_as_the_contract_says() {
    let envelope = envelope().await;
    let shaped = split(&envelope, &[3, 4]);
    assert_eq!(shaped.len(), 1);
    assert_eq!(shaped[0].num_records, 2);
    let message: Value = serde_json::from_slice(inline(&shaped[0])).unwrap();
    let project = message["projectId"].clone();
    assert_eq!(
        message,
        json!({
            "action": "read",
            "projectId": project,
            "provider": "provider",
            "groupRef": "group-1",
            "groupName": "group-1",
            "consumerRef": "",
            "consumerName": "",
            "installationId": "installation",
            "installationUpdateTime": "2027-01-15T08:00:00Z",
            "objectName": "things",
            "operationId": "operation",
            "operationTime": "2027-01-15T08:00:00Z",
            "readType": "scheduled",
            "resultInfo": { "type": "inline", "numRecords": 2 },
            "result": ["x", "xx"],
        })
    );
}

#[tokio::test]
async fn what_is_known_is_said() {
    let mut subject = subject().await;
    subject.connection.provider_workspace_ref = Some("acme".to_owned());
    subject.installation.update_time = Some("2027-02-01T00:00:00.5Z".parse().unwrap());
    subject.sync.read_type = Some(ReadType::Triggered);
    subject.consumer.name = "Ada \"the\" Countess".to_owned();
    let selection = Selection::new(&object(json!({ "mapToName": "items" })), None).unwrap();
    let envelope = Envelope::new(&subject, &selection, THEN);
    let shaped = split(&envelope, &[2]);
    let message: Value = serde_json::from_slice(inline(&shaped[0])).unwrap();
    assert_eq!(message["workspace"], "acme");
    assert_eq!(message["installationUpdateTime"], "2027-02-01T00:00:00.5Z");
    assert_eq!(message["readType"], "triggered");
    assert_eq!(message["consumerName"], "Ada \"the\" Countess");
    assert_eq!(
        (&message["objectName"], &message["rawObjectName"]),
        (&json!("items"), &json!("things"))
    );
}

#[tokio::test]
async fn nothing_is_no_message() {
    assert!(split(&envelope().await, &[]).is_empty());
}

#[tokio::test]
async fn a_full_message_stays_one_and_a_byte_more_makes_two() {
    let envelope = envelope().await;
    for count in [2, 3, 9, 10, 11, 99, 100] {
        let room = MOST_BYTES - around(&envelope, count);
        let mut bytes = vec![room / count; count];
        bytes[0] += room % count;
        let full = split(&envelope, &bytes);
        assert_eq!(full.len(), 1, "{count} entries");
        assert_eq!(inline(&full[0]).len(), MOST_BYTES, "{count} entries");
        bytes[count - 1] += 1;
        let more = split(&envelope, &bytes);
        assert_eq!(more.len(), 2, "{count} entries");
        let counts: Vec<u32> = more.iter().map(|shaped| shaped.num_records).collect();
        assert_eq!(counts, [u32::try_from(count - 1).unwrap(), 1]);
        assert!(more.iter().all(|shaped| inline(shaped).len() <= MOST_BYTES));
    }
}

#[tokio::test]
async fn one_record_fills_a_message_and_a_byte_more_is_fetched() {
    let envelope = envelope().await;
    let most = MOST_BYTES - around(&envelope, 1);
    let full = split(&envelope, &[most]);
    assert_eq!(inline(&full[0]).len(), MOST_BYTES);
    let big = split(&envelope, &[most + 1]);
    assert_eq!((big.len(), big[0].num_records), (1, 1));
    let MessageBody::Url {
        envelope: open,
        result,
    } = &big[0].body
    else {
        panic!("{:?}", big[0])
    };
    let open: Value = serde_json::from_slice(open).unwrap();
    assert_eq!(
        open["resultInfo"],
        json!({ "type": "url", "numRecords": 1 })
    );
    assert!(open.get("result").is_none() && open["operationId"] == "operation");
    let ShapedRecord(entry) = entry(most + 1);
    let array = [b"[", entry.as_slice(), b"]"].concat();
    assert_eq!(*result, LinkedResult::InRow(array));
}

#[tokio::test]
async fn a_big_record_keeps_its_place() {
    let envelope = envelope().await;
    let shaped = split(&envelope, &[10, 400_000, 20, 30, 500_000]);
    let kinds: Vec<_> = shaped
        .iter()
        .map(|shaped| {
            (
                matches!(shaped.body, MessageBody::Url { .. }),
                shaped.num_records,
            )
        })
        .collect();
    assert_eq!(kinds, [(false, 1), (true, 1), (false, 2), (true, 1)]);
}

#[tokio::test]
async fn a_page_is_an_upper_bound_and_the_bytes_win() {
    let envelope = envelope().await;
    for (what, bytes, most, expected) in [
        ("no bound", vec![2; 120], None, vec![120]),
        ("pages and a rest", vec![2; 120], Some(50), vec![50, 50, 20]),
        ("one page to the record", vec![2; 50], Some(50), vec![50]),
        ("one more than a page", vec![2; 51], Some(50), vec![50, 1]),
        (
            "bytes before records",
            vec![20_000; 20],
            Some(50),
            vec![14, 6],
        ),
        (
            "a big one between",
            vec![2, 400_000, 2],
            Some(50),
            vec![1, 1, 1],
        ),
        (
            "a page of none is one of one",
            vec![2; 2],
            Some(0),
            vec![1, 1],
        ),
    ] {
        let shaped = split_at(&envelope, &bytes, most);
        let counts: Vec<u32> = shaped.iter().map(|shaped| shaped.num_records).collect();
        assert_eq!(counts, expected, "{what}");
    }
}

#[tokio::test]
async fn every_message_has_an_id_of_its_own() {
    let (envelope, subject) = (envelope().await, subject().await);
    let shaped = split(&envelope, &[200_000, 200_000, 400_000]);
    let addressed: Vec<_> = shaped
        .into_iter()
        .map(|shaped| shaped.addressed("there", &subject))
        .collect();
    let ids: std::collections::BTreeSet<_> = addressed.iter().map(|message| &message.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(addressed.iter().all(|m| m.destination_id == "there"
        && m.operation_id == "operation"
        && m.installation_id == "installation"));
}

/// Sizes around everything that matters, and few enough to be quick.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let one = prop_oneof![
        2_usize..2_000,
        20_000_usize..150_000,
        149_000_usize..151_000,
        299_000_usize..301_000
    ];
    prop::collection::vec(one, 0..40)
}

#[tokio::test]
async fn all_entries_come_in_order_and_no_message_is_too_big() {
    let envelope = envelope().await;
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 48,
        ..ProptestConfig::default()
    });
    runner
        .run(&sizes(), |bytes| {
            let mut got = Vec::new();
            let shaped = split(&envelope, &bytes);
            let mut sizes_of_inline = Vec::new();
            for one in &shaped {
                let result: Vec<String> = match &one.body {
                    MessageBody::Inline(body) => {
                        prop_assert!(body.len() <= MOST_BYTES);
                        sizes_of_inline.push(body.len());
                        let message: Value = serde_json::from_slice(body).unwrap();
                        prop_assert_eq!(&message["resultInfo"]["numRecords"], one.num_records);
                        serde_json::from_value(message["result"].clone()).unwrap()
                    }
                    MessageBody::Url { result, .. } => {
                        let LinkedResult::InRow(result) = result else {
                            panic!("{one:?}")
                        };
                        // Only what does not fit alone is fetched.
                        prop_assert!(result.len() + 500 > MOST_BYTES);
                        serde_json::from_slice(result).unwrap()
                    }
                };
                prop_assert_eq!(result.len(), usize::try_from(one.num_records).unwrap());
                got.extend(result.iter().map(|text| text.len() + 2));
            }
            prop_assert_eq!(got, bytes);
            Ok(())
        })
        .unwrap();
}
