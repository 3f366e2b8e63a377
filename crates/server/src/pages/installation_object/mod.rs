//! One object of one installation: whether it is read, how often and how far back,
//! which records and fields go out, from which field a mapped one comes, and which
//! words the app has for values. What the form does not know stays as it was.

mod backfill;
mod fields;
mod filters;
mod words;

use std::collections::BTreeMap;

use askama::Template;
use connector::Object;
use engine::actions::installation::Update;
use engine::{InstallationConfig, ReadObjectConfig, actions};
use manifest::ReadObject;
use serde_json::{Map, Value, json};
use store::{Installation, Integration};

use self::fields::{FieldChoice, Mapping};
use super::answer::{Answer, done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::permission;
use crate::problem::Problem;

/// What the names of the conditions on every read begin with.
const FILTERS: &str = "filter";

#[derive(Template)]
#[template(path = "installation_object.html")]
struct Page {
    frame: Frame,
    installation_id: String,
    object: String,
    /// The provider's name, for people.
    provider: &'static str,
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
    /// By what records may be kept.
    filterable: Vec<&'static str>,
    /// Those of them that the provider filters by on its side.
    pushed: Vec<&'static str>,
    filters: filters::Rows,
    backfill: backfill::Choice,
    manifest_backfill: String,
    /// Whether reading has begun, and the backfill with it.
    has_begun: bool,
    words: words::Rows,
    problem: Option<Problem>,
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
    /// Whether it is written, too.
    is_written: bool,
    /// The provider's name, for people.
    provider: &'static str,
    /// The row of the provider's table.
    known: Option<&'static Object>,
    choice: Option<ReadObjectConfig>,
    /// The same as it is stored.
    stored: Map<String, Value>,
    /// Whether reading has begun.
    has_begun: bool,
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
    let name = &object.object_name;
    let config: InstallationConfig =
        serde_json::from_value(installation.config.clone()).unwrap_or_default();
    let chosen = config.read.map(|read| read.objects).unwrap_or_default();
    let connector = here.engine.registry.get(&integration.provider);
    let described = connector.map(|connector| connector.describe());
    let syncs = tenant.syncs(&installation.id).await?;
    let mut written = manifest
        .iter()
        .flat_map(manifest::Integration::write_objects);
    Ok(Found {
        is_written: written.any(|written| written.object_name == *name),
        provider: described.map_or("the provider", |described| described.display_name),
        known: described.and_then(|described| described.object(name)),
        choice: choice(&chosen, &object).cloned(),
        stored: stored(&installation.config, &object),
        has_begun: syncs.iter().any(|sync| sync.object_name == *name),
        installation,
        integration,
        object,
    })
}

/// What is stored of an object, by either of its names.
fn stored(config: &Value, object: &ReadObject) -> Map<String, Value> {
    let objects = config.pointer("/read/objects").and_then(Value::as_object);
    let is_it = |(key, stored): &(&String, &Value)| {
        let own = stored.get("objectName").and_then(Value::as_str);
        let name = own.unwrap_or(key);
        name == object.object_name || name == object.name()
    };
    let found = objects.and_then(|objects| objects.iter().find(is_it));
    let found = found.and_then(|(_, stored)| stored.as_object());
    found.cloned().unwrap_or_default()
}

/// What the form shows: a config, or what was typed.
struct Draft {
    enabled: bool,
    choice: ReadObjectConfig,
    filters: filters::Rows,
    backfill: backfill::Choice,
    words: words::Rows,
}

impl Draft {
    fn of_config(found: &Found) -> Self {
        let choice = found.choice.clone().unwrap_or_default();
        let known = found.known;
        Self {
            enabled: is_read(found.choice.as_ref(), &found.object),
            filters: filters::Rows::of_config(FILTERS, choice.field_filters.as_deref(), known),
            backfill: backfill::Choice::of_config(choice.backfill.as_ref(), known),
            words: words::Rows::of_config(&choice, found.provider),
            choice,
        }
    }

    /// What the form says, laid over what was chosen before. Of what it does not have
    /// nothing is changed.
    fn of_form(found: &Found, form: &Form) -> Self {
        let before = Self::of_config(found);
        let was = before.choice.clone();
        let mut choice = fields::edited(before.choice, &found.object, form);
        let filters = filters::Rows::of_form(FILTERS, form).map(|mut rows| {
            let read = rows.read(was.field_filters.as_deref(), found.known);
            let is_said = was.field_filters.as_ref() == Some(&read) || !read.is_empty();
            choice.field_filters = is_said.then_some(read);
            rows
        });
        let backfill = backfill::Choice::of_form(form).map(|mut said| {
            choice.backfill = said.read(was.backfill.as_ref(), found.known);
            said
        });
        let words = words::Rows::of_form(form, found.provider).map(|mut rows| {
            let was = was.selected_value_mappings.as_ref();
            choice.selected_value_mappings =
                rows.read(was, (&found.object, &choice), found.is_written);
            rows
        });
        Self {
            enabled: form.has("enabled"),
            choice,
            filters: filters.unwrap_or(before.filters),
            backfill: backfill.unwrap_or(before.backfill),
            words: words.unwrap_or(before.words),
        }
    }

    /// How many things are wrong.
    fn wrong(&self) -> usize {
        self.filters.wrong() + self.backfill.wrong() + self.words.wrong()
    }

    /// Puts those causes beside what they are about that are about a condition, and
    /// leaves the others.
    fn place(&mut self, object: &str, causes: &mut Vec<String>) {
        let about = format!("read object `{object}`: `");
        causes.retain(|cause| {
            let place = cause.strip_prefix(&about);
            let Some((place, wrong)) = place.and_then(|rest| rest.split_once("]`: ")) else {
                return true;
            };
            let (list, index) = place.split_once('[').unwrap_or((place, ""));
            let rows = match list {
                "fieldFilters" => &mut self.filters,
                "backfill.fieldFilters" => &mut self.backfill.filters,
                _ => return true,
            };
            !index.parse().is_ok_and(|index| rows.place(index, wrong))
        });
    }
}

pub(super) async fn form(here: Here) -> Answer {
    let found = find(&here).await?;
    let draft = Draft::of_config(&found);
    page(&here, found, draft, None)
}

fn page(here: &Here, found: Found, draft: Draft, problem: Option<Problem>) -> Answer {
    let (object, known) = (&found.object, found.known);
    let filterable = known.map_or(&[][..], |known| known.filterable);
    let path = here.path(&format!("/installations/{}", found.installation.id));
    let page = Page {
        frame: here
            .frame(Place::Installations, &object.object_name)
            .below("Installations", here.path("/installations"))
            .below(&found.installation.group_ref, path),
        provider: found.provider,
        enabled: draft.enabled,
        schedule: draft.choice.schedule.clone().unwrap_or_default(),
        manifest_schedule: object.schedule.clone(),
        required: fields::required(object),
        fields: fields::choices(object, known, &draft.choice),
        offers_all: fields::offers_all(object),
        all: fields::is_all(&draft.choice),
        mappings: fields::mappings(object, &draft.choice),
        sources: fields::known(known).collect(),
        filterable: filters::offered(known),
        pushed: filterable.iter().map(|known| known.path).collect(),
        filters: draft.filters,
        backfill: draft.backfill,
        manifest_backfill: backfill::of_manifest(object.backfill.as_ref()),
        has_begun: found.has_begun,
        words: draft.words,
        installation_id: found.installation.id,
        object: object.object_name.clone(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

/// The choices as they are to be stored: what is as it was is stored as it was, with
/// whatever of it we do not know.
fn kept(found: &Found, choice: &ReadObjectConfig) -> Value {
    let before = found.choice.as_ref().map(serde_json::to_value);
    let before = before.and_then(Result::ok).unwrap_or_default();
    let mut value = serde_json::to_value(choice).unwrap_or_default();
    for (key, stored) in &found.stored {
        if before.get(key) == value.get(key)
            && let Some(value) = value.as_object_mut()
        {
            value.insert(key.clone(), stored.clone());
        }
    }
    value
}

pub(super) async fn save(here: Here, form: Form) -> Answer {
    let found = find(&here).await?;
    let name = found.object.object_name.clone();
    let mut draft = Draft::of_form(&found, &form);
    if draft.wrong() > 0 {
        let detail = match draft.wrong() {
            1 => "Nothing was saved: one thing below has to be mended.".to_owned(),
            wrong => format!("Nothing was saved: {wrong} things below have to be mended."),
        };
        return page(&here, found, draft, Some(Problem::new(422, detail)));
    }
    let mut objects = Map::new();
    objects.insert(name.clone(), kept(&found, &draft.choice));
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
        Err(error) => {
            let mut problem = Problem::from(error);
            draft.place(&name, &mut problem.causes);
            page(&here, found, draft, Some(problem))
        }
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
