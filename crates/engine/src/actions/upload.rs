//! Manifests uploaded as a zip, the way the stock command line deploys: it asks
//! for a URL, puts the zip there without a key, and names the place when it
//! deploys.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};
use store::{Actor, NewManifestUpload, StoreError, ids};

use super::require_full;
use crate::deliver::{LINK_LIFETIME, LinkKind};
use crate::{ActionError, Engine, archive};

/// What stands for this server's uploads in `gs://…`. There is no such bucket:
/// the name only says that a place is ours.
const BUCKET: &str = "ligature";

/// A place to upload to.
#[derive(Debug, Clone)]
pub struct UploadPlace {
    /// Signed, absolute, good for a quarter of an hour.
    pub url: String,
    /// The first part of its handle.
    pub bucket: &'static str,
    /// The rest of its handle.
    pub path: String,
}

/// Makes a place for the project of the actor's key.
///
/// # Errors
/// [`ActionError::Invalid`] when `md5` is none, [`ActionError::BadRequest`] for
/// an actor who has no project of its own.
pub async fn issue(
    engine: &Engine,
    actor: &Actor,
    md5: Option<String>,
) -> Result<UploadPlace, ActionError> {
    require_full(actor)?;
    let md5 = md5.filter(|md5| !md5.is_empty());
    let is_md5 = |text: &String| {
        BASE64_STANDARD
            .decode(text)
            .is_ok_and(|md5| md5.len() == 16)
    };
    if md5.as_ref().is_some_and(|md5| !is_md5(md5)) {
        return Err(ActionError::invalid(
            "`md5` is not an MD5 in base64",
            "Send the 16 bytes in base64, escaped for a query",
        ));
    }
    let project = actor.project_id().ok_or_else(|| {
        ActionError::bad_request(
            "uploads belong to a project",
            "Use an API key of the project",
        )
    })?;
    let scope = engine.store.scope(actor, project).await?;
    let now = engine.clock.now();
    let new = NewManifestUpload {
        id: ids::new(),
        md5,
        expires_at: now.saturating_add(LINK_LIFETIME).unwrap_or(now),
    };
    let place = UploadPlace {
        url: engine.links.sign(LinkKind::Upload, &new.id, now),
        bucket: BUCKET,
        path: format!("{}{}", LinkKind::Upload.path(), new.id),
    };
    engine
        .store
        .within(&scope)
        .create_manifest_upload(new, now)
        .await?;
    Ok(place)
}

/// Takes what is put to a place whose link has been checked. Both the MD5 that
/// was asked for and the one that comes along must be the body's.
///
/// # Errors
/// [`ActionError::BadRequest`] when an MD5 does not match, and what the store says.
pub async fn receive(
    engine: &Engine,
    id: &str,
    content_md5: Option<&str>,
    body: &[u8],
) -> Result<(), ActionError> {
    let now = engine.clock.now();
    let asked = engine.store.manifest_upload_md5(id, now).await?;
    let found = BASE64_STANDARD.encode(Md5::digest(body));
    for expected in [asked.as_deref(), content_md5].into_iter().flatten() {
        if expected != found {
            return Err(ActionError::bad_request(
                format!("the MD5 of the body is {found}, not {expected}"),
                "Ask for a new upload URL and send the body whole and unchanged",
            ));
        }
    }
    match engine.store.fill_manifest_upload(id, body, now).await {
        Err(StoreError::Conflict { .. }) => Err(ActionError::Conflict {
            detail: "something else was uploaded here; ask for a new upload URL".to_owned(),
        }),
        other => Ok(other?),
    }
}

/// The manifest in the zip that `source_zip_url` names: a place that this
/// project was given, and nothing else. Nothing is ever fetched.
///
/// # Errors
/// [`ActionError::Invalid`]
pub async fn manifest(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    source_zip_url: &str,
) -> Result<Vec<u8>, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let remedy = "Ask GET /v1/generate-upload-url for a place, PUT the zip to its `url`, and name it as gs://{bucket}{path} within a quarter of an hour";
    let ours = format!("gs://{BUCKET}{}", LinkKind::Upload.path());
    let Some(id) = source_zip_url.strip_prefix(&ours) else {
        let detail = "`sourceZipUrl` does not name an upload to this server";
        return Err(ActionError::invalid(detail, remedy));
    };
    let tenant = engine.store.within(&scope);
    let zip = match tenant.manifest_upload(id, engine.clock.now()).await {
        Ok(Some(zip)) => zip,
        Ok(None) => {
            let detail = "nothing has been uploaded to `sourceZipUrl`";
            return Err(ActionError::invalid(detail, remedy));
        }
        Err(StoreError::NotFound { .. }) => {
            let detail = "`sourceZipUrl` has expired or is not this project's";
            return Err(ActionError::invalid(detail, remedy));
        }
        Err(error) => return Err(error.into()),
    };
    archive::manifest(&zip).map_err(|error| {
        ActionError::invalid(
            error.to_string(),
            "Zip the manifest alone, as amp.yaml, or send its text as `sourceYaml`",
        )
    })
}
