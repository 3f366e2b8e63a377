//! Builders, invitations and sessions, and that a change and its entry in the
//! audit log are one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;
use store::{
    Actor, Faults, Invite, InviteStatus, Joining, Moment, NewBuilder, NewInvite, NewSession, Role,
    Store, StoreError,
};
use testing::TestStore;

use crate::fixture::{NOW, after, new_destination, project};

testing::both!(
    an_invitation_is_accepted_once,
    an_invitation_ends,
    an_address_has_one_account,
    a_session_is_over_when_it_ends,
    a_change_and_its_entry_are_one,
);

fn hash() -> SecretString {
    SecretString::from("$argon2id$…")
}

async fn builder(store: &Store, email: &str) -> Actor {
    let new = NewBuilder {
        email: email.to_owned(),
        password_hash: hash(),
        role: Role::Owner,
    };
    let made = store.create_builder(&store.operator(), new, NOW).await;
    let made = made.unwrap();
    let token = SecretString::from(format!("session of {email}"));
    let session = NewSession {
        builder_id: &made.id,
        token: &token,
        expires_at: after(60),
    };
    store.begin_session(session, NOW).await.unwrap();
    let token = format!("session of {email}");
    let actor = store.authenticate_session(&token, NOW).await.unwrap();
    assert_eq!(actor.as_ref().unwrap().builder_id(), Some(made.id.as_str()));
    actor.unwrap()
}

async fn invite(store: &Store, email: &str, token: &str) -> Invite {
    let org = store.default_organization().await.unwrap();
    let scope = store.org_scope(&store.operator(), &org.id).await.unwrap();
    let new = NewInvite {
        email: email.to_owned(),
        role: Role::Member,
        token: &SecretString::from(token),
        expires_at: after(60),
    };
    let made = store.within_org(&scope).create_invite(new, NOW).await;
    made.unwrap()
}

async fn an_invitation_is_accepted_once(store: TestStore) {
    let made = invite(&store, "eve@example.com", "token").await;
    let found = store.invite_by_token("token", NOW).await.unwrap();
    assert_eq!(found.as_ref(), Some(&made));
    assert!(
        store
            .invite_by_token(&made.id, NOW)
            .await
            .unwrap()
            .is_none()
    );
    let accept = || {
        let joining = Joining::New {
            password_hash: hash(),
        };
        store.accept_invite(&made, joining, NOW)
    };
    let (one, two) = tokio::join!(accept(), accept());
    let (accepted, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    let eve = accepted.unwrap();
    assert!(!eve.vouched);
    assert!(matches!(refused, Err(StoreError::Outdated)), "{refused:?}");
    let org = store.default_organization().await.unwrap();
    let scope = store.org_scope(&store.operator(), &org.id).await.unwrap();
    let tenant = store.within_org(&scope);
    assert_eq!(tenant.builders().await.unwrap(), [eve]);
    let now = tenant.invite(&made.id, NOW).await.unwrap();
    assert_eq!(now.status, InviteStatus::Accepted);
    let revoked = tenant.revoke_invite(&made.id, NOW).await;
    assert!(matches!(revoked, Err(StoreError::Outdated)), "{revoked:?}");
}

async fn an_invitation_ends(store: TestStore) {
    let made = invite(&store, "eve@example.com", "token").await;
    let late = store.invite_by_token("token", after(60)).await.unwrap();
    assert_eq!(late.unwrap().status, InviteStatus::Expired);
    let pending = store.pending_invite_to("eve@example.com", after(60)).await;
    assert_eq!(pending.unwrap(), None);
    let joining = Joining::New {
        password_hash: hash(),
    };
    let refused = store.accept_invite(&made, joining, after(60)).await;
    assert!(matches!(refused, Err(StoreError::Outdated)), "{refused:?}");
    let account = store.builder_by_email("eve@example.com").await.unwrap();
    assert!(account.is_none());
}

async fn an_address_has_one_account(store: TestStore) {
    builder(&store, "ada@example.com").await;
    let new = NewBuilder {
        email: "ada@example.com".to_owned(),
        password_hash: hash(),
        role: Role::Owner,
    };
    let again = store.create_builder(&store.operator(), new, NOW).await;
    assert!(
        matches!(again, Err(StoreError::Conflict { .. })),
        "{again:?}"
    );
    assert!(
        !format!("{again:?}").contains('@'),
        "no addresses in errors"
    );
}

async fn a_session_is_over_when_it_ends(store: TestStore) {
    builder(&store, "ada@example.com").await;
    let token = "session of ada@example.com";
    let known = async |at| {
        store
            .authenticate_session(token, at)
            .await
            .unwrap()
            .is_some()
    };
    assert!(known(after(59)).await);
    assert!(!known(after(60)).await);
    store.end_session(token).await.unwrap();
    assert!(!known(NOW).await);
}

/// Fails every transaction at one moment.
#[derive(Debug)]
struct FailAt(Moment);

impl Faults for FailAt {
    fn at(&self, moment: Moment) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        let goes_well = moment != self.0;
        Box::pin(async move { goes_well })
    }
}

async fn a_change_and_its_entry_are_one(store: TestStore) {
    let (_, scope) = project(&store, "mail").await;
    let written = async || {
        let tenant = store.within(&scope);
        let (entries, _) = tenant.audit_entries(10, None).await.unwrap();
        let destinations = tenant.destinations().await.unwrap();
        let created = entries
            .iter()
            .filter(|entry| entry.action == "destination.create");
        (created.count(), destinations.len())
    };
    let create = async |moment| {
        let failing = Store::clone(&store).with_faults(Arc::new(FailAt(moment)));
        let tenant = failing.within(&scope);
        let created = tenant
            .create_destination(new_destination("hook"), NOW)
            .await;
        assert!(created.is_err(), "its caller is told of a failure");
    };
    create(Moment::BeforeCommit).await;
    assert_eq!(written().await, (0, 0));
    create(Moment::AfterCommit).await;
    assert_eq!(written().await, (1, 1));
}
