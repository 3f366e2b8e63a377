//! Changing an installation's config: by a field mask, or one object's by JSON
//! Patch. Both plan the reads anew, from one look at what is there; what came in
//! between makes them look again.

use serde_json::{Value, json};
use store::{Actor, Change, Installation, InstallationFilter, NewConfig, StoreError, Sync, Tenant};

use super::json_patch::{self, Step};
use super::mask::{self, Field, Names};
use super::{MOST_TRIES, Wanted, config_of, manifest_of, named_connection, plan};
use crate::shape::completed;
use crate::{ActionError, Engine};

/// A change by a field mask.
#[derive(Debug, Clone)]
pub struct Update {
    /// What is replaced.
    pub mask: Vec<String>,
    /// By what: an installation as the API shapes it, of which only the parts
    /// that the mask names count.
    pub installation: Value,
    /// Whether nothing is read before anything is stored.
    pub skip_sampling: bool,
}

/// Whose config is patched.
#[derive(Debug, Clone)]
pub enum Whose {
    /// The installation of that group.
    Group(String),
    /// That installation.
    Installation(String),
}

/// A change of one object's config.
#[derive(Debug, Clone)]
pub struct ObjectPatch {
    /// Whose.
    pub whose: Whose,
    /// `read`, `write` or `subscribe`.
    pub action: String,
    /// The object, by the provider's or the app's name.
    pub object: String,
    /// What to change. Removing the whole document takes the object out.
    pub changes: Vec<Step>,
    /// Whether the fields that it asks for are taken on trust.
    pub skip_sampling: bool,
}

/// Replaces what a mask names. The new config counts from the answer on: for
/// reads that are under way as for those to come.
///
/// # Errors
/// [`ActionError::BadRequest`] for a mask that makes no sense,
/// [`ActionError::Invalid`] with every cause when the config does not fit.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    installation: &str,
    update: Update,
) -> Result<Installation, ActionError> {
    let fields: Vec<Field> = update
        .mask
        .iter()
        .map(|path| Field::parse(path))
        .collect::<Result<_, _>>()?;
    if fields.is_empty() {
        return Err(ActionError::bad_request(
            "`updateMask` names nothing",
            "Name what is to be replaced",
        ));
    }
    let text = |pointer: &str| {
        let value = update.installation.pointer(pointer).and_then(Value::as_str);
        let value = value.filter(|text| !text.is_empty()).map(str::to_owned);
        value.ok_or_else(|| {
            ActionError::bad_request(
                format!("`updateMask` names a value that `installation` lacks at `{pointer}`"),
                "Give every path of the mask its value",
            )
        })
    };
    let connection_id = match fields.contains(&Field::ConnectionId) {
        true => Some(text("/connectionId")?),
        false => None,
    };
    let created_by = match fields.contains(&Field::CreatedBy) {
        true => Some(text("/config/createdBy")?),
        false => None,
    };
    let given = update.installation.pointer("/config/content");
    let given = given.cloned().unwrap_or_default();
    let edit = |before: &Before| {
        let mut content = before.installation.config.clone();
        for field in &fields {
            mask::apply(&mut content, field, &given, &before.names)?;
        }
        Ok(Edited {
            content,
            created_by: created_by.clone(),
            connection_id: connection_id.clone(),
        })
    };
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let whose = (integration, installation);
    change(engine, &tenant, whose, update.skip_sampling, edit).await
}

/// Patches one object's config.
///
/// # Errors
/// As [`update`]; [`ActionError::NotFound`] when nobody has such an installation.
pub async fn patch_object(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    patch: ObjectPatch,
) -> Result<Installation, ActionError> {
    if patch.changes.is_empty() {
        return Err(ActionError::bad_request(
            "`changes` is empty",
            "Send at least one change",
        ));
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let installation = match &patch.whose {
        Whose::Installation(id) => id.clone(),
        Whose::Group(group) => installation_of(&tenant, integration, group).await?,
    };
    let (action, name) = (patch.action.as_str(), patch.object.as_str());
    let edit = |before: &Before| {
        if !before.has(action, name) {
            return Err(ActionError::bad_request(
                format!("`{name}` is no object of the manifest's `{action}`"),
                "Name an object that the integration's manifest has",
            ));
        }
        let mut content = before.installation.config.clone();
        let objects = mask::objects_of(&mut content, action)?;
        let key = before.names.key_in(objects, name);
        let known = key.and_then(|key| objects.get(key)).cloned();
        let mut config = known.unwrap_or_else(
            || json!({ "objectName": name, "selectedFields": {}, "selectedFieldMappings": {} }),
        );
        json_patch::apply(&mut config, &patch.changes)?;
        let config = match config {
            Value::Null => None,
            config @ Value::Object(_) => Some(config),
            _ => {
                return Err(ActionError::bad_request(
                    "an object's config is a JSON object",
                    "Change the values in it",
                ));
            }
        };
        mask::put_object(&mut content, action, name, config, &before.names)?;
        Ok(Edited {
            content,
            created_by: None,
            connection_id: None,
        })
    };
    let whose = (integration, installation.as_str());
    change(engine, &tenant, whose, patch.skip_sampling, edit).await
}

async fn installation_of(
    tenant: &Tenant<'_>,
    integration: &str,
    group: &str,
) -> Result<String, ActionError> {
    let filter = InstallationFilter {
        integration_id: Some(tenant.integration(integration).await?.id),
        group_ref: Some(group.to_owned()),
    };
    let found = tenant.installations(filter).await?.into_iter().next();
    let found = found.ok_or_else(|| ActionError::NotFound {
        what: "installation of group",
        id: group.to_owned(),
    })?;
    Ok(found.id)
}

/// What is there when an edit is made.
struct Before {
    installation: Installation,
    manifest: manifest::Integration,
    names: Names,
}

impl Before {
    /// Whether an action has an object of that name.
    fn has(&self, action: &str, name: &str) -> bool {
        let named = self.names.known(name);
        match action {
            "read" => named.is_some(),
            "write" => {
                let objects = self.manifest.write.iter().flat_map(|write| &write.objects);
                let mut objects = objects.flatten();
                objects.any(|object| object.object_name == named.unwrap_or(name))
            }
            _ => false,
        }
    }
}

/// The names of everything that is read or may be.
pub(super) fn names(manifest: &manifest::Integration, syncs: &[Sync]) -> Names {
    let declared = manifest
        .read_objects()
        .map(|object| (object.object_name.clone(), object.name().to_owned()));
    let kept = syncs.iter().map(|sync| {
        let mapped = sync
            .definition
            .as_ref()
            .and_then(|last| last.get("mapToName"));
        let mapped = mapped.and_then(Value::as_str).unwrap_or(&sync.object_name);
        (sync.object_name.clone(), mapped.to_owned())
    });
    Names(declared.chain(kept).collect())
}

/// What an edit comes to.
struct Edited {
    content: Value,
    /// As it was, if `None`.
    created_by: Option<String>,
    /// As it was, if `None`.
    connection_id: Option<String>,
}

async fn change(
    engine: &Engine,
    tenant: &Tenant<'_>,
    (integration, installation): (&str, &str),
    skip_sampling: bool,
    edit: impl Fn(&Before) -> Result<Edited, ActionError>,
) -> Result<Installation, ActionError> {
    let mut tries = 0;
    loop {
        let integration = tenant.integration(integration).await?;
        let manifest = manifest_of(&integration)?;
        let installation = tenant.installation(&integration.id, installation).await?;
        let syncs = tenant.syncs(&installation.id).await?;
        let before = Before {
            names: names(&manifest, &syncs),
            installation,
            manifest,
        };
        let edited = edit(&before)?;
        let installation = &before.installation;
        let connection_id = edited.connection_id.as_ref();
        let connection_id = connection_id.unwrap_or(&installation.connection_id);
        let (group, provider) = (&installation.group_ref, &integration.provider);
        let connection = named_connection(tenant, connection_id, group, provider).await?;
        let content = completed(edited.content, provider);
        let wanted = Wanted {
            integration: &integration,
            manifest: &before.manifest,
            connection: &connection,
            syncs: &syncs,
            skip_sampling,
        };
        let now_chosen = config_of(&installation.config)?;
        let plan = plan(engine, tenant, &wanted, &now_chosen, &content).await?;
        let by = edited.created_by;
        let change = Change {
            revision_id: integration.latest_revision.id.clone(),
            config_id: installation.config_id.clone(),
            config: Some(NewConfig {
                content,
                created_by: by.unwrap_or_else(|| installation.config_created_by.clone()),
                connection_id: connection.id,
            }),
            add: plan.add,
            remove: plan.remove,
        };
        let now = engine.clock.now();
        match tenant
            .change_installation(&installation.id, change, now)
            .await
        {
            Err(StoreError::Outdated) if tries < MOST_TRIES => tries += 1,
            done => {
                let changed = done?;
                tracing::info!(installation = %changed.id, config = %changed.config_id, "a config was changed");
                return Ok(changed);
            }
        }
    }
}
