//! Places to upload manifests to.

use store::{NewManifestUpload, Store, StoreError};
use testing::TestStore;

use crate::fixture::{NOW, after, project};

testing::both!(
    a_body_is_put_once_and_read_by_its_project,
    an_upload_expires_and_is_forgotten
);

fn new(id: &str, md5: Option<&str>) -> NewManifestUpload {
    NewManifestUpload {
        id: id.to_owned(),
        md5: md5.map(str::to_owned),
        expires_at: after(900),
    }
}

#[track_caller]
fn hidden<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

async fn a_body_is_put_once_and_read_by_its_project(store: TestStore) {
    let (_, mine) = project(&store, "mine").await;
    let (_, other) = project(&store, "other").await;
    let tenant = store.within(&mine);
    tenant
        .create_manifest_upload(new("a", Some("md5")), NOW)
        .await
        .unwrap();
    tenant
        .create_manifest_upload(new("b", None), NOW)
        .await
        .unwrap();
    let md5 = store.manifest_upload_md5("a", NOW).await.unwrap();
    assert_eq!(md5.as_deref(), Some("md5"));
    assert_eq!(store.manifest_upload_md5("b", NOW).await.unwrap(), None);
    assert_eq!(tenant.manifest_upload("a", NOW).await.unwrap(), None);

    store
        .fill_manifest_upload("a", b"zip", after(1))
        .await
        .unwrap();
    // Its answer was lost.
    store
        .fill_manifest_upload("a", b"zip", after(2))
        .await
        .unwrap();
    let error = store
        .fill_manifest_upload("a", b"pit", after(3))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    let body = tenant.manifest_upload("a", after(4)).await.unwrap();
    assert_eq!(body.as_deref(), Some(b"zip".as_slice()));
    assert_eq!(tenant.manifest_upload("b", after(4)).await.unwrap(), None);

    hidden(store.within(&other).manifest_upload("a", after(4)).await);
    hidden(tenant.manifest_upload("c", after(4)).await);
    hidden(store.fill_manifest_upload("c", b"zip", after(4)).await);
}

async fn an_upload_expires_and_is_forgotten(store: TestStore) {
    let (_, scope) = project(&store, "mine").await;
    let tenant = store.within(&scope);
    tenant
        .create_manifest_upload(new("a", None), NOW)
        .await
        .unwrap();
    store
        .fill_manifest_upload("a", b"zip", after(899))
        .await
        .unwrap();
    assert!(
        tenant
            .manifest_upload("a", after(899))
            .await
            .unwrap()
            .is_some()
    );
    hidden(tenant.manifest_upload("a", after(900)).await);
    hidden(store.manifest_upload_md5("a", after(900)).await);
    hidden(store.fill_manifest_upload("a", b"zip", after(900)).await);

    // Gone for good, even for a clock that goes back.
    tenant
        .create_manifest_upload(new("b", None), after(900))
        .await
        .unwrap();
    hidden(tenant.manifest_upload("a", after(1)).await);
    // A name is used once.
    assert!(create(&store, &scope).await.is_err());
}

async fn create(store: &Store, scope: &store::Scope) -> Result<(), StoreError> {
    store
        .within(scope)
        .create_manifest_upload(new("b", None), NOW)
        .await
}
