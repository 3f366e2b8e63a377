//! A database that takes no writes: work stops by itself, and goes on by itself.

use sea_orm::ConnectionTrait as _;
use store::{Kind, MessageBody, PageCommit, StoreError};

use crate::fixture::{after, behind, claim, message, page, world};

/// What PostgreSQL answers when its disk is full.
const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ \
    BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$; \
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON outbox FOR EACH ROW \
    EXECUTE FUNCTION full_disk(); \
    CREATE TRIGGER full_disk BEFORE UPDATE ON probe FOR EACH ROW EXECUTE FUNCTION full_disk()";

#[tokio::test]
async fn a_full_disk_stops_work_until_there_is_room() {
    let Some(store) = testing::postgres().await else {
        return;
    };
    let world = world(&store, "mail").await;
    store.readiness(after(0)).await.unwrap();
    let lease = claim(&store, "reader", after(0)).await;
    behind(&store).await.execute_unprepared(FULL).await.unwrap();
    let commit = PageCommit {
        messages: vec![message(
            &world,
            "operation",
            MessageBody::Inline(b"{}".to_vec()),
        )],
        ..page("{}")
    };
    let failed = store.commit_page(&lease, commit.clone(), after(1)).await;
    assert!(
        matches!(failed, Err(StoreError::Unwritable(_))),
        "{failed:?}"
    );
    // The good answer of a moment ago does not count any more.
    let not_ready = store.readiness(after(1)).await;
    assert!(
        matches!(not_ready, Err(StoreError::Unwritable(_))),
        "{not_ready:?}"
    );
    store.postpone(&lease, after(1), after(1)).await.unwrap();
    for seconds in [1, 2, 3, 60] {
        let claimed = store
            .claim(&[Kind::READ], "reader", 9, after(seconds))
            .await;
        assert!(claimed.unwrap().is_empty(), "work is taken on at {seconds}");
        let sent = store.claim_messages("sender", 9, after(seconds)).await;
        assert!(sent.unwrap().messages.is_empty());
    }
    let room = "DROP TRIGGER full_disk ON outbox; DROP TRIGGER full_disk ON probe";
    behind(&store).await.execute_unprepared(room).await.unwrap();
    // Not before it is time to try again; then at once.
    assert!(store.readiness(after(61)).await.is_err());
    store.readiness(after(200)).await.unwrap();
    let lease = claim(&store, "reader", after(200)).await;
    assert_eq!(lease.attempts, 1, "a full disk is no attempt");
    store.commit_page(&lease, commit, after(200)).await.unwrap();
    let sent = store.claim_messages("sender", 9, after(200)).await.unwrap();
    assert_eq!(sent.messages.len(), 1);
}
