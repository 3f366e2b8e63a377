//! Secrets at rest: what is sealed opens with the right key, in its place only.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use secrecy::ExposeSecret;
use serde_json::json;
use store::{
    Credential, MasterKeys, NewApiKey, NewOAuthState, OAuthStateTaken, Rotation, RotationStep,
    Settings, Store, StoreError,
};
use testing::TestStore;

use crate::fixture::{NOW, World, after, behind, new_destination, tokens, world};

testing::both!(
    another_key_is_refused,
    the_key_is_replaced,
    a_replacement_that_was_killed_goes_on,
    what_neither_key_opens_holds_nothing_up,
    a_value_opens_only_in_its_row,
    nothing_secret_lies_open,
    credentials_are_compared_and_set,
    one_refreshes_at_a_time,
    a_state_works_once,
);

async fn again(store: TestStore, keys: MasterKeys) -> Result<Store, StoreError> {
    let settings = Settings {
        keys,
        ..store.settings.clone()
    };
    Store::clone(&store).close().await;
    Store::open(settings, NOW).await
}

async fn another_key_is_refused(store: TestStore) {
    let error = again(store, MasterKeys::new([8; 32], None))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Sealed(_)), "{error}");
    assert!(error.to_string().contains("LIGATURE_SECRET_KEY"), "{error}");
}

async fn the_key_is_replaced(store: TestStore) {
    let world = world(&store, "mail").await;
    let state = NewOAuthState {
        state: "the state",
        body: json!({"verifier": 1}),
        expires_at: after(600),
    };
    store
        .within(&world.scope)
        .save_oauth_state(state, NOW)
        .await
        .unwrap();
    let settings = store.settings.clone();
    let kept = store.reopen().await;
    let replaced = again_in_place(&kept, MasterKeys::new([8; 32], Some([7; 32]))).await;
    // Nothing waits for it: both keys are good.
    assert_opens(&replaced, &world).await;
    assert!(replaced.is_rotating());
    // The canary, a client's secret, a connection's credential, a destination's
    // signing key and headers, a consent under way.
    assert_eq!(rotate(&replaced, 1).await, (6, 0));
    assert_eq!(rotate(&replaced, 1).await, (0, 0));
    replaced.close().await;
    // Once everything is wrapped anew, the old key is not needed any more.
    let settings = Settings {
        keys: MasterKeys::new([8; 32], None),
        ..settings
    };
    let store = Store::open(settings, NOW).await.unwrap();
    assert_opens(&store, &world).await;
    let taken = store.take_oauth_state("the state", NOW).await.unwrap();
    assert!(matches!(taken, OAuthStateTaken::Valid { .. }));
}

/// Wraps everything anew, so many at a time; how many that were, and how many
/// could not be opened.
async fn rotate(store: &Store, at_a_time: u32) -> (u64, u64) {
    let mut rotation = Rotation::default();
    loop {
        match store.rotate(&mut rotation, at_a_time).await.unwrap() {
            RotationStep::More { .. } => {}
            RotationStep::Done { wrapped, failed } => return (wrapped, failed),
        }
    }
}

async fn a_replacement_that_was_killed_goes_on(store: TestStore) {
    let world = world(&store, "mail").await;
    let settings = store.settings.clone();
    let with = |current, previous| Settings {
        keys: MasterKeys::new(current, previous),
        ..settings.clone()
    };
    let (old, new) = ([7; 32], [8; 32]);
    let store = again_in_place(&store, MasterKeys::new(new, Some(old))).await;
    // The canary and one more; then it is killed.
    let mut rotation = Rotation::default();
    while !matches!(
        store.rotate(&mut rotation, 1).await.unwrap(),
        RotationStep::More { wrapped: 2, .. }
    ) {}
    store.close().await;
    let error = Store::open(with(new, None), NOW).await.unwrap_err();
    assert!(
        error.to_string().contains("LIGATURE_SECRET_KEY_PREVIOUS"),
        "{error}"
    );
    // Back to the old key would do as well.
    let store = Store::open(with(old, Some(new)), NOW).await.unwrap();
    assert_opens(&store, &world).await;
    store.close().await;
    let store = Store::open(with(new, Some(old)), NOW).await.unwrap();
    assert_eq!(rotate(&store, 2).await, (3, 0));
    store.close().await;
    let store = Store::open(with(new, None), NOW).await.unwrap();
    assert!(!store.is_rotating());
    assert_opens(&store, &world).await;
}

async fn what_neither_key_opens_holds_nothing_up(store: TestStore) {
    let world = world(&store, "mail").await;
    let db = behind(&store).await;
    db.execute_unprepared("UPDATE destination SET signing_key = client_secret FROM provider_app")
        .await
        .unwrap();
    let store = again_in_place(&store, MasterKeys::new([8; 32], Some([7; 32]))).await;
    assert_eq!(rotate(&store, 9).await, (4, 1));
    assert_eq!(access_token(&store, &world.connection.id).await, "first");
}

#[tokio::test]
async fn two_nodes_replace_the_key_at_once() {
    let Some(store) = testing::postgres().await else {
        return;
    };
    let world = world(&store, "mail").await;
    let settings = |current, previous| Settings {
        keys: MasterKeys::new(current, Some(previous)),
        ..store.settings.clone()
    };
    let a = Store::open(settings([8; 32], [7; 32]), NOW).await.unwrap();
    let b = Store::open(settings([8; 32], [7; 32]), NOW).await.unwrap();
    // One that has not been given the new key as its own yet.
    let behind_them = Store::open(settings([7; 32], [8; 32]), NOW).await.unwrap();
    let (by_a, by_b) = tokio::join!(rotate(&a, 1), rotate(&b, 1));
    assert_eq!(by_a.0 + by_b.0, 5, "each value once: {by_a:?} {by_b:?}");
    for node in [&a, &b, &behind_them] {
        assert_opens(node, &world).await;
    }
}

async fn again_in_place(store: &TestStore, keys: MasterKeys) -> Store {
    let settings = Settings {
        keys,
        ..store.settings.clone()
    };
    Store::clone(store).close().await;
    Store::open(settings, NOW).await.unwrap()
}

async fn assert_opens(store: &Store, world: &World) {
    let (id, secret) = store.client_of(&world.provider_app.id).await.unwrap();
    assert_eq!(
        (id.as_str(), secret.expose_secret()),
        ("client", "client secret")
    );
    let tenant = store.within(&world.scope);
    let key = tenant
        .destination_signing_key(&world.destination.id)
        .await
        .unwrap();
    assert!(key.expose_secret().starts_with("whsec_"));
    assert_eq!(key.expose_secret().len(), "whsec_".len() + 32);
    assert_eq!(access_token(store, &world.connection.id).await, "first");
}

async fn access_token(store: &Store, connection_id: &str) -> String {
    match store.credential(connection_id).await.unwrap().credential {
        Credential::OAuth2 { access_token, .. } => access_token.expose_secret().to_owned(),
        Credential::Basic { .. } | Credential::ApiKey(_) => panic!("it was an OAuth 2 credential"),
    }
}

async fn a_value_opens_only_in_its_row(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let other = tenant
        .create_destination(new_destination("other"), NOW)
        .await
        .unwrap();
    let db = behind(&store).await;
    db.execute_unprepared(
        "UPDATE destination SET signing_key = \
         (SELECT signing_key FROM destination WHERE name = 'hook') WHERE name = 'other'",
    )
    .await
    .unwrap();
    let error = tenant.destination_signing_key(&other.id).await.unwrap_err();
    assert!(matches!(error, StoreError::Sealed(_)), "{error}");
    tenant
        .destination_signing_key(&world.destination.id)
        .await
        .unwrap();
}

async fn nothing_secret_lies_open(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    let (key, whole) = tenant
        .create_api_key(NewApiKey::default(), NOW)
        .await
        .unwrap();
    let whole = whole.expose_secret();
    assert!(whole.starts_with(&key.key) && whole.len() >= key.key.len() + 33);
    let given = NewApiKey {
        whole: Some("lig_short".to_owned().into()),
        ..NewApiKey::default()
    };
    let (given, _) = tenant.create_api_key(given, NOW).await.unwrap();
    assert!(!given.key.contains("short"));

    let db = behind(&store).await;
    let backend = db.get_database_backend();
    let (text, columns) = match backend {
        DbBackend::Sqlite => ("hex", ["credential", "client_secret"]),
        _ => ("encode", ["credential, 'hex'", "client_secret, 'hex'"]),
    };
    for (table, column) in ["connection", "provider_app"].into_iter().zip(columns) {
        let sql = format!("SELECT {text}({column}) AS sealed FROM {table}");
        let row = db
            .query_one_raw(Statement::from_string(backend, sql))
            .await
            .unwrap();
        let sealed: String = row.unwrap().try_get("", "sealed").unwrap();
        // "first", "client"
        for open in ["6669727374", "636c69656e74"] {
            assert!(!sealed.to_lowercase().contains(open), "{table}");
        }
    }
    let select = Statement::from_string(backend, "SELECT key, digest FROM api_key");
    for row in db.query_all_raw(select).await.unwrap() {
        for column in ["key", "digest"] {
            assert_ne!(row.try_get::<String>("", column).unwrap(), whole);
        }
    }
    let shown = format!(
        "{:?} {:?}",
        store.credential(&world.connection.id).await,
        store.settings
    );
    assert!(!shown.contains("first"), "{shown}");
}

async fn credentials_are_compared_and_set(store: TestStore) {
    let world = world(&store, "mail").await;
    let id = &world.connection.id;
    let version = store.credential(id).await.unwrap().version;
    assert!(
        store
            .mark_bad_credentials(id, version, "refused", after(1))
            .await
            .unwrap()
    );
    assert!(
        store
            .save_credential(id, version, tokens("second"), after(2))
            .await
            .unwrap()
    );
    assert!(
        !store
            .save_credential(id, version, tokens("late"), after(3))
            .await
            .unwrap()
    );
    assert!(
        !store
            .mark_bad_credentials(id, version, "refused", after(3))
            .await
            .unwrap()
    );
    let stored = store.credential(id).await.unwrap();
    assert_eq!(stored.status, store::ConnectionStatus::Working);
    assert_eq!(access_token(&store, id).await, "second");
    for credential in [
        Credential::ApiKey("token".to_owned().into()),
        Credential::Basic {
            username: "ada".to_owned(),
            secret: "token".to_owned().into(),
        },
    ] {
        let version = store.credential(id).await.unwrap().version;
        assert!(
            store
                .save_credential(id, version, credential, after(4))
                .await
                .unwrap()
        );
    }
    let stored = store.credential(id).await.unwrap().credential;
    assert!(matches!(stored, Credential::Basic { username, .. } if username == "ada"));
}

async fn one_refreshes_at_a_time(store: TestStore) {
    let world = world(&store, "mail").await;
    let id = &world.connection.id;
    let lease = jiff::SignedDuration::from_secs(30);
    assert!(store.lock_refresh(id, "a", after(0), lease).await.unwrap());
    assert!(!store.lock_refresh(id, "b", after(29), lease).await.unwrap());
    assert!(store.lock_refresh(id, "b", after(30), lease).await.unwrap());
    store.unlock_refresh(id, "a").await.unwrap();
    assert!(!store.lock_refresh(id, "a", after(31), lease).await.unwrap());
    store.unlock_refresh(id, "b").await.unwrap();
    assert!(store.lock_refresh(id, "a", after(32), lease).await.unwrap());
}

async fn a_state_works_once(store: TestStore) {
    let world = world(&store, "mail").await;
    let tenant = store.within(&world.scope);
    for state in ["good", "late"] {
        let new = NewOAuthState {
            state,
            body: json!({"groupRef": "acme"}),
            expires_at: after(600),
        };
        tenant.save_oauth_state(new, NOW).await.unwrap();
    }
    match store.take_oauth_state("good", after(599)).await.unwrap() {
        OAuthStateTaken::Valid { scope, body } => {
            assert_eq!(scope, world.scope);
            assert_eq!(body, json!({"groupRef": "acme"}));
        }
        other => panic!("{other:?}"),
    }
    let twice = store.take_oauth_state("good", after(599)).await.unwrap();
    assert!(matches!(twice, OAuthStateTaken::Unknown));
    let late = store.take_oauth_state("late", after(600)).await.unwrap();
    assert!(matches!(late, OAuthStateTaken::Expired { .. }));
}
