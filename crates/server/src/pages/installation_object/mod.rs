//! One object of one installation: whether it is read, how often, which fields go
//! out, and from which field a mapped one comes.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use engine::actions::installation::Update;
use engine::{InstallationConfig, ReadObjectConfig, actions};
use manifest::{IntegrationField, ReadObject};
use serde_json::{Value, json};
use store::{Installation, Integration};

use super::answer::{Answer, done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::permission;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "installation_object.html")]
struct Page {
    frame: Frame,
    installation_id: String,
    object: String,
    enabled: bool,
    schedule: String,
    manifest_schedule: String,
    /// Those that always go out.
    required: Vec<String>,
    fields: Vec<FieldChoice>,
    /// Whether every field may be asked for at once.
    offers_all: bool,
    all: bool,
    mappings: Vec<Mapping>,
    /// Where a mapped field may come from.
    sources: Vec<String>,
    problem: Option<Problem>,
}

struct FieldChoice {
    name: String,
    chosen: bool,
}

struct Mapping {
    /// The app's name.
    name: String,
    prompt: String,
    required: bool,
    source: String,
}

/// What a customer chose of an object, by either of its names.
pub(super) fn choice<'a>(
    chosen: &'a BTreeMap<String, ReadObjectConfig>,
    object: &ReadObject,
) -> Option<&'a ReadObjectConfig> {
    let is_it = |name: &str| name == object.object_name || name == object.name();
    chosen
        .iter()
        .find(|(key, choice)| is_it(choice.object_name.as_deref().unwrap_or(key)))
        .map(|(_, choice)| choice)
}

/// Whether it is read: chosen or read always, and not switched off.
pub(super) fn is_read(choice: Option<&ReadObjectConfig>, object: &ReadObject) -> bool {
    match choice {
        Some(choice) => choice.disabled != Some(true),
        None => object.is_always_enabled(),
    }
}

/// The installation and the object of the manifest that is named by `?object=`.
struct Found {
    installation: Installation,
    integration: Integration,
    object: ReadObject,
    choice: Option<ReadObjectConfig>,
}

async fn find(here: &Here) -> Result<Found, Problem> {
    let tenant = here.tenant();
    let installation = tenant
        .any_installation(here.parameter("installation"))
        .await?;
    let integration = tenant.integration(&installation.integration_id).await?;
    let manifest = permission::manifest_of(&integration);
    let object = manifest
        .as_ref()
        .and_then(|manifest| manifest.read_object(here.query().text("object")));
    let object = object.cloned().ok_or_else(|| {
        Problem::new(404, "the manifest has no such object any more").remedy(
            "It goes on by its last definition; to change it, deploy a manifest that has it",
        )
    })?;
    let config: InstallationConfig =
        serde_json::from_value(installation.config.clone()).unwrap_or_default();
    let chosen = config.read.map(|read| read.objects).unwrap_or_default();
    Ok(Found {
        choice: choice(&chosen, &object).cloned(),
        installation,
        integration,
        object,
    })
}

pub(super) async fn form(here: Here) -> Answer {
    let found = find(&here).await?;
    let choice = found.choice.clone().unwrap_or_default();
    let enabled = is_read(found.choice.as_ref(), &found.object);
    page(&here, found, &choice, enabled, None)
}

fn page(
    here: &Here,
    found: Found,
    choice: &ReadObjectConfig,
    enabled: bool,
    problem: Option<Problem>,
) -> Answer {
    let object = &found.object;
    let selected = choice.selected_fields.clone().unwrap_or_default();
    let known = here.engine.registry.get(&found.integration.provider);
    let known = known.and_then(|connector| connector.describe().object(&object.object_name));
    let known: Vec<&str> = known
        .iter()
        .flat_map(|object| object.fields)
        .map(|field| field.name)
        .collect();
    let all = choice.selected_fields_auto.as_deref() == Some("all");
    let offers_all = object.optional_fields_auto.as_deref() == Some("all");
    let mut names: BTreeSet<String> = optional(object).into_iter().collect();
    if offers_all {
        let required: BTreeSet<String> = required(object).into_iter().collect();
        names.extend(
            known
                .iter()
                .map(|name| (*name).to_owned())
                .filter(|name| !required.contains(name)),
        );
        names.extend(selected.keys().cloned());
    }
    let path = here.path(&format!("/installations/{}", found.installation.id));
    let page = Page {
        frame: here
            .frame(Place::Installations, &object.object_name)
            .below("Installations", here.path("/installations"))
            .below(&found.installation.group_ref, path),
        enabled,
        schedule: choice.schedule.clone().unwrap_or_default(),
        manifest_schedule: object.schedule.clone(),
        required: required(object),
        fields: names
            .into_iter()
            .map(|name| FieldChoice {
                chosen: selected.get(&name).copied().unwrap_or(all),
                name,
            })
            .collect(),
        offers_all,
        all,
        mappings: mappings(object, choice),
        sources: known.into_iter().map(str::to_owned).collect(),
        installation_id: found.installation.id,
        object: object.object_name.clone(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

fn required(object: &ReadObject) -> Vec<String> {
    existent(object.required_fields.iter().flatten())
}

fn optional(object: &ReadObject) -> Vec<String> {
    existent(object.optional_fields.iter().flatten())
}

fn existent<'a>(fields: impl Iterator<Item = &'a IntegrationField>) -> Vec<String> {
    let names = fields.filter_map(|field| match field {
        IntegrationField::Existent { field_name, .. } => Some(field_name.clone()),
        IntegrationField::Mapping { .. } => None,
    });
    names.collect()
}

/// The fields of the app for which the customer chooses one of the provider.
fn mappings(object: &ReadObject, choice: &ReadObjectConfig) -> Vec<Mapping> {
    let chosen = choice.selected_field_mappings.clone().unwrap_or_default();
    let required = object
        .required_fields
        .iter()
        .flatten()
        .map(|field| (true, field));
    let optional = object
        .optional_fields
        .iter()
        .flatten()
        .map(|field| (false, field));
    let all = required
        .chain(optional)
        .filter_map(|(required, field)| match field {
            IntegrationField::Mapping {
                map_to_name,
                default,
                prompt,
                ..
            } => {
                let source = chosen.get(map_to_name).or(default.as_ref());
                Some(Mapping {
                    name: map_to_name.clone(),
                    prompt: prompt.clone().unwrap_or_default(),
                    required,
                    source: source.cloned().unwrap_or_default(),
                })
            }
            IntegrationField::Existent { .. } => None,
        });
    all.collect()
}

/// What the form says, laid over what was chosen before.
fn edited(before: ReadObjectConfig, object: &ReadObject, form: &Form) -> ReadObjectConfig {
    let mut choice = before;
    choice
        .object_name
        .get_or_insert_with(|| object.object_name.clone());
    choice.disabled = (!form.has("enabled")).then_some(true);
    choice.schedule = form.given("schedule").map(str::to_owned);
    let was_all = choice.selected_fields_auto.as_deref() == Some("all");
    let all = form.has("all");
    choice.selected_fields_auto = all.then(|| "all".to_owned());
    let mut selected = choice.selected_fields.take().unwrap_or_default();
    if all && !was_all {
        // Whoever has just asked for all of them has not refused any.
        selected.retain(|_, chosen| *chosen);
    }
    for offered in form.every("offered").filter(|_| all == was_all) {
        let chosen = form.every("field").any(|name| name == offered);
        // Only what differs from what would be without a word is written down.
        if chosen != all || selected.contains_key(offered) {
            selected.insert(offered.to_owned(), chosen);
        }
    }
    choice.selected_fields = Some(selected);
    let mut mapped = choice.selected_field_mappings.take().unwrap_or_default();
    for (name, value) in form.iter() {
        let Some(name) = name.strip_prefix("map-") else {
            continue;
        };
        if value.trim().is_empty() {
            mapped.remove(name);
        } else {
            mapped.insert(name.to_owned(), value.trim().to_owned());
        }
    }
    choice.selected_field_mappings = Some(mapped);
    choice
}

pub(super) async fn save(here: Here, form: Form) -> Answer {
    let found = find(&here).await?;
    let name = found.object.object_name.clone();
    let choice = edited(
        found.choice.clone().unwrap_or_default(),
        &found.object,
        &form,
    );
    let mut objects = serde_json::Map::new();
    let value: Value = serde_json::to_value(&choice).unwrap_or_default();
    objects.insert(name.clone(), value);
    let escaped = name.replace('\\', "\\\\").replace('.', "\\.");
    let update = Update {
        mask: vec![format!("config.content.read.objects.{escaped}")],
        installation: json!({ "config": { "content": { "read": { "objects": objects } } } }),
        skip_sampling: form.has("trusted"),
    };
    let (engine, project) = (&here.engine, &here.project.id);
    let (integration, id) = (&found.integration.id, &found.installation.id);
    let saved =
        actions::installation::update(engine, here.actor(), project, integration, id, update);
    match saved.await {
        Ok(_) => done(
            &here.path(&format!("/installations/{id}")),
            format!("{name}: saved. It counts from now on, for reads under way too."),
        ),
        Err(error) => page(
            &here,
            found,
            &choice,
            form.has("enabled"),
            Some(error.into()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_always_needs_no_choice_and_can_be_switched_off() {
        let object = |enabled: Value| -> ReadObject {
            let object = json!({ "objectName": "projects", "enabled": enabled });
            serde_json::from_value(object).unwrap()
        };
        let (always, other) = (object(json!("always")), object(Value::Null));
        let chosen = ReadObjectConfig::default();
        let off = ReadObjectConfig {
            disabled: Some(true),
            ..ReadObjectConfig::default()
        };
        assert!(is_read(None, &always) && !is_read(None, &other));
        assert!(is_read(Some(&chosen), &other));
        assert!(!is_read(Some(&off), &always) && !is_read(Some(&off), &other));
    }
}
