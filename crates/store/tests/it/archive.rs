//! Backups: taken while others write, checked before they are trusted, and good
//! for either kind of database.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use sea_orm::{ConnectionTrait as _, Statement};
use store::archive::{Archive, ArchivedObject, ObjectPlace, Snapshot, Writer};
use store::{
    Kind, LinkedResult, MasterKeys, MessageBody, PageCommit, Settings, Store, StoreError,
    compressed,
};
use tempfile::TempDir;
use testing::TestStore;

use crate::fixture::{NOW, World, after, behind, claim, message, page, project, world};

testing::both!(
    everything_comes_back_on_either_database,
    a_snapshot_is_of_one_moment,
    what_is_not_whole_is_refused,
    only_an_empty_store_takes_a_backup,
    an_older_backup_is_migrated,
);

async fn backup(store: &TestStore, path: &Path, objects: &[(&str, Vec<u8>)]) {
    let snapshot = Snapshot::take(&store.settings, !objects.is_empty(), "1.2.3", NOW)
        .await
        .unwrap();
    let mut writer = Writer::begin(fs::File::create(path).unwrap(), &snapshot).unwrap();
    writer.rows(&snapshot, |_| ()).await.unwrap();
    for key in snapshot.object_keys().await.unwrap() {
        let object = objects.iter().find(|(name, _)| *name == key);
        if let Some((key, bytes)) = object {
            writer.object(key, bytes).unwrap();
        }
    }
    writer.finish().unwrap();
}

async fn restore(path: &Path, settings: &Settings) -> Result<Vec<ArchivedObject>, StoreError> {
    let archive = Archive::check(path, &settings.keys)?;
    let mut objects = Vec::new();
    let place = async |object: ArchivedObject| {
        objects.push(object);
        Ok(ObjectPlace::Stored)
    };
    archive
        .restore(settings.clone(), after(5), place, |_| ())
        .await?;
    Ok(objects)
}

/// Empty stores of both kinds, closed.
async fn targets() -> Vec<TestStore> {
    let mut targets = vec![testing::sqlite().await];
    targets.extend(testing::postgres().await);
    for target in &targets {
        Store::clone(target).close().await;
    }
    targets
}

/// Every row of every table, as text, without what a restore clears.
async fn dump(store: &TestStore) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("dump");
    backup(store, &path, &[]).await;
    let mut text = String::new();
    zstd::stream::read::Decoder::new(fs::File::open(&path).unwrap())
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    // The header and the end name the database.
    let lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    let mut rows = lines[..lines.len() - 1].to_vec();
    rows.sort();
    rows
}

async fn a_store_with_everything(store: &TestStore) -> World {
    let world = world(store, "mail").await;
    let lease = claim(store, "reader", after(0)).await;
    store
        .announce_objects(&["results/1".to_owned()], after(0))
        .await
        .unwrap();
    let big = MessageBody::Url {
        envelope: b"{}".to_vec(),
        result: LinkedResult::InObject {
            key: "results/1".to_owned(),
            bytes: 3,
        },
    };
    let commit = PageCommit {
        messages: vec![
            message(
                &world,
                "operation",
                MessageBody::Inline("{\"é\":\"\\n\"}".as_bytes().to_vec()),
            ),
            message(&world, "operation", big),
        ],
        ..page("{\"next\":\"2\"}")
    };
    store.commit_page(&lease, commit, after(0)).await.unwrap();
    store
        .finish(&lease, Some(after(0)), after(0))
        .await
        .unwrap();
    world
}

async fn everything_comes_back_on_either_database(store: TestStore) {
    let world = a_store_with_everything(&store).await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("backup");
    let object = compressed(b"[1]").unwrap();
    backup(&store, &path, &[("results/1", object.clone())]).await;
    let before = dump(&store).await;
    for target in targets().await {
        let objects = restore(&path, &target.settings).await.unwrap();
        assert_eq!(
            (objects[0].key.as_str(), &objects[0].bytes),
            ("results/1", &object)
        );
        let target = target.reopen().await;
        assert_eq!(dump(&target).await, before);
        // It goes on where it was.
        let lease = claim(&target, "reader", after(5)).await;
        let subject = target.read_subject(&lease).await.unwrap();
        assert_eq!(subject.sync.position.as_deref(), Some("{\"next\":\"2\"}"));
        assert_eq!(
            target
                .claim_messages("sender", 9, after(5))
                .await
                .unwrap()
                .messages
                .len(),
            2
        );
        target.client_of(&world.provider_app.id).await.unwrap();
    }
}

async fn a_snapshot_is_of_one_moment(store: TestStore) {
    let world = a_store_with_everything(&store).await;
    // Somebody holds everything there is to hold.
    let held = claim(&store, "reader", after(1)).await;
    store.claim_messages("sender", 9, after(1)).await.unwrap();
    let id = &world.connection.id;
    let lease = jiff::SignedDuration::from_secs(30);
    assert!(store.lock_refresh(id, "a", after(1), lease).await.unwrap());
    let snapshot = Snapshot::take(&store.settings, false, "1.2.3", NOW)
        .await
        .unwrap();
    // Written to after the moment, by the process that serves.
    project(&store, "later").await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("backup");
    let mut writer = Writer::begin(fs::File::create(&path).unwrap(), &snapshot).unwrap();
    let mut told = 0;
    writer.rows(&snapshot, |rows| told = rows).await.unwrap();
    assert_eq!(told, snapshot.header.rows());
    writer.finish().unwrap();
    store.finish(&held, None, after(2)).await.unwrap();
    let target = targets().await.remove(0);
    let archive = Archive::check(&path, &target.settings.keys).unwrap();
    let in_rows = async |object: ArchivedObject| Ok(ObjectPlace::Row(object.bytes));
    archive
        .restore(target.settings.clone(), after(1), in_rows, |_| ())
        .await
        .unwrap();
    let target = target.reopen().await;
    assert_eq!(
        target.projects(&target.operator()).await.unwrap(),
        [world.project]
    );
    // Nobody holds anything there.
    claim(&target, "another", after(1)).await;
    assert_eq!(
        target
            .claim_messages("another", 9, after(1))
            .await
            .unwrap()
            .messages
            .len(),
        2
    );
    assert!(target.lock_refresh(id, "b", after(1), lease).await.unwrap());
}

async fn what_is_not_whole_is_refused(store: TestStore) {
    a_store_with_everything(&store).await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("backup");
    backup(&store, &path, &[]).await;
    let whole = fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        let path = dir.path().join("changed");
        fs::write(&path, bytes).unwrap();
        Archive::check(&path, &store.settings.keys).map(drop)
    };
    check(&whole).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut longer = whole.clone();
    longer.extend_from_slice(&whole);
    for damaged in [
        &flipped,
        &whole[..whole.len() - 9].to_vec(),
        &Vec::new(),
        &longer,
    ] {
        let refused = check(damaged);
        assert!(
            matches!(refused, Err(StoreError::Archive(_))),
            "{refused:?}"
        );
    }
    // Lines that are each good, and not all there.
    let mut text = String::new();
    zstd::stream::read::Decoder::new(&whole[..])
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let packed = |text: &str| zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
    check(&packed(&text)).unwrap();
    let row = text.lines().find(|line| line.contains("\"row\"")).unwrap();
    let without = text.replacen(&format!("{row}\n"), "", 1);
    assert!(matches!(
        check(&packed(&without)),
        Err(StoreError::Archive(_))
    ));
    let other = check(&packed("{\"format\":\"something\"}\n"));
    assert!(other.unwrap_err().to_string().contains("not a backup"));
    let newer = text.replacen("0001_initial", "0999_later", 1);
    let newer = check(&packed(&newer));
    assert!(matches!(newer, Err(StoreError::Newer { .. })), "{newer:?}");
    let lost = Archive::check(&path, &MasterKeys::new([9; 32], None)).unwrap_err();
    assert!(matches!(lost, StoreError::Sealed(_)));
    assert!(lost.to_string().contains("connect again"), "{lost}");
    // The key before is as good.
    Archive::check(&path, &MasterKeys::new([9; 32], Some([7; 32]))).unwrap();
}

async fn only_an_empty_store_takes_a_backup(store: TestStore) {
    a_store_with_everything(&store).await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("backup");
    backup(&store, &path, &[]).await;
    for target in targets().await {
        let target = target.reopen().await;
        project(&target, "mine").await;
        let before = dump(&target).await;
        Store::clone(&target).close().await;
        let refused = restore(&path, &target.settings).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotEmpty { .. }), "{refused}");
        let target = target.reopen().await;
        assert_eq!(dump(&target).await, before);
    }
}

async fn an_older_backup_is_migrated(store: TestStore) {
    let organization = dump(&store).await;
    let organization = organization
        .iter()
        .find(|row| row.contains("\"default\""))
        .unwrap();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("backup");
    backup(&store, &path, &[]).await;
    let mut text = String::new();
    zstd::stream::read::Decoder::new(fs::File::open(&path).unwrap())
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let older = older(&text);
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(&zstd::stream::encode_all(older.as_bytes(), 1).unwrap())
        .unwrap();
    for target in targets().await {
        restore(&path, &target.settings).await.unwrap();
        let target = target.reopen().await;
        assert!(dump(&target).await.contains(organization));
        // What later migrations made is there.
        assert_eq!(
            target
                .claim(&[Kind::PRUNE], "a", 1, after(9))
                .await
                .unwrap()
                .len(),
            1
        );
        target.readiness(after(9)).await.unwrap();
        let db = behind(&target).await;
        let select = "SELECT COUNT(*) AS n FROM loose_object";
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), select));
        assert_eq!(
            row.await.unwrap().unwrap().try_get::<i64>("", "n").unwrap(),
            0
        );
    }
}

/// What a version with the first two migrations would have written: only tables
/// that have a row, all of which it had.
fn older(text: &str) -> String {
    use sha2::Digest as _;
    const KEPT: [&str; 2] = ["meta", "organization"];
    const GROWN: &str = "organization";
    let mut lines = text.lines();
    let mut header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    header["migrations"] = serde_json::json!(["0001_initial", "0002_manifest_upload"]);
    let tables = header["tables"].as_array().unwrap();
    let kept = |name: &str| KEPT.contains(&name);
    let mut tables: Vec<_> = tables
        .iter()
        .filter(|table| kept(table["name"].as_str().unwrap()))
        .cloned()
        .collect();
    // A column that a later migration adds, the last of its table.
    for table in tables.iter_mut().filter(|table| table["name"] == GROWN) {
        let added = table["columns"].as_array_mut().unwrap().pop().unwrap();
        assert_eq!(added[0], "update_time");
    }
    header["tables"] = tables.into();
    let (mut out, mut rows, mut take, mut grown) = (format!("{header}\n"), 0, false, false);
    for line in lines {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(name) = value["table"].as_str() {
            (take, grown) = (kept(name), name == GROWN);
        }
        if let Some(row) = value.get_mut("row").filter(|_| grown) {
            row.as_array_mut().unwrap().pop();
        }
        if value.get("end").is_some() {
            break;
        }
        if take {
            rows += u64::from(value.get("row").is_some());
            out.push_str(&format!("{value}\n"));
        }
    }
    let sha256 = hex::encode(sha2::Sha256::digest(out.as_bytes()));
    let end = serde_json::json!({ "end": { "rows": rows, "objects": 0, "sha256": sha256 } });
    format!("{out}{end}\n")
}
