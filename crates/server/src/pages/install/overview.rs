//! What is installed: what is read and since when, how the connection does; and the
//! end of it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use engine::actions::install_link::{self, Installed, Standing};
use engine::actions::metadata;
use engine::metadata::HydratedReadObject;
use engine::{ActionError, InstallationConfig};
use jiff::{SignedDuration, Timestamp};
use manifest::{Backfill, ReadObject};
use store::{ConnectionStatus, Installation, Sync};

use super::choices::{Choices, ObjectChoice};
use super::choosing::place;
use super::frame::Frame;
use super::picked::Picked;
use super::trouble::{self, Refusal};
use super::visit::Visit;
use super::{Notice, Sent};
use crate::pages::installation_object;

#[derive(Template)]
#[template(path = "install/installed.html")]
struct Page<'a> {
    frame: &'a Frame,
    notice: Option<Notice>,
    customer: &'a str,
    provider: &'a str,
    place: String,
    /// Whether the provider takes the connection.
    works: bool,
    /// Whether the latest read of something has failed.
    ails: bool,
    installed: Moment,
    objects: Vec<Row>,
    writes: Vec<String>,
    proxy: bool,
    token: String,
    connect: String,
    edit: String,
    disconnect: String,
}

/// An object that is read.
#[derive(Debug)]
struct Row {
    title: String,
    since: String,
    /// Where that has a time behind it.
    since_time: Option<Moment>,
    fields: Vec<String>,
    /// Whether those are all that there are.
    everything: bool,
    state: State,
}

/// What becomes of an object at present.
#[derive(Debug)]
enum State {
    /// So many records, of about so many.
    Reading(i64, Option<i64>),
    Paused,
    Next(Moment),
    /// Nothing is planned.
    Rests,
}

impl State {
    fn of(sync: &Sync) -> Self {
        if sync.operation_id.is_some() {
            return Self::Reading(sync.records_processed, sync.records_estimated_total);
        }
        match sync.due_at {
            _ if sync.paused => Self::Paused,
            Some(at) => Self::Next(at.into()),
            None => Self::Rests,
        }
    }
}

/// A time, for a browser to show in its own zone.
#[derive(Debug)]
struct Moment {
    iso: String,
    text: String,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self {
            iso: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }
}

/// The page.
pub(super) async fn page(
    visit: &Visit,
    installed: &Installed,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    let Installed {
        connection,
        installation,
        syncs,
    } = installed;
    let hydrated = metadata::by_table(&visit.engine, &visit.integration);
    let hydrated = hydrated.map_err(|error| visit.failed(error))?;
    let picked = Picked::of_config(&visit.manifest, &installation.config);
    let choices = Choices::new(&hydrated, &visit.manifest, &picked, &[]);
    let read = hydrated.read.iter().flat_map(|read| &read.objects);
    let objects = read.zip(&choices.objects).filter_map(|(object, choice)| {
        let sync = syncs.iter().find(|sync| sync.object_name == choice.name);
        choice
            .is_chosen()
            .then(|| row(object, choice, sync, installation.create_time))
    });
    let page = Page {
        frame: &visit.frame,
        notice,
        customer: visit.customer(),
        provider: visit.provider(),
        place: place(visit, connection),
        works: connection.status != ConnectionStatus::BadCredentials,
        ails: ails(visit, installation).await?,
        installed: installation.create_time.into(),
        objects: objects.chain(left(visit, installation, syncs)).collect(),
        writes: choices
            .writes
            .iter()
            .filter(|write| write.ticked)
            .map(|write| write.title.clone())
            .collect(),
        proxy: choices.proxy == Some(true),
        token: visit.token(),
        connect: visit.at("connect"),
        edit: visit.at("edit"),
        disconnect: visit.at("disconnect"),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

async fn ails(visit: &Visit, installation: &Installation) -> Result<bool, Refusal> {
    let (store, actor) = (&visit.engine.store, &visit.opened.actor);
    let looked = async {
        let scope = store.scope(actor, &visit.opened.link.project_id).await?;
        store.within(&scope).unhealthy(&[&installation.id]).await
    };
    let unhealthy = looked.await.map_err(|error| visit.failed(error.into()))?;
    Ok(!unhealthy.is_empty())
}

fn row(
    object: &HydratedReadObject,
    choice: &ObjectChoice,
    sync: Option<&Sync>,
    installed: Timestamp,
) -> Row {
    let mapped = choice.mappings.iter().filter_map(|mapping| {
        let chosen = mapping.options.iter().find(|option| option.chosen)?;
        Some(format!("{} ({})", mapping.title, chosen.title))
    });
    let ticked = choice.fields.iter().filter(|field| field.ticked);
    let ticked = ticked.map(|field| field.title.clone());
    let begun = sync.and_then(Sync::create_time).unwrap_or(installed);
    let (since, since_time) = since(object.backfill.as_ref(), begun);
    Row {
        title: choice.title.clone(),
        since,
        since_time,
        fields: choice
            .required
            .iter()
            .cloned()
            .chain(mapped)
            .chain(ticked)
            .collect(),
        everything: choice.everything && choice.is_open,
        state: sync.map_or(State::Rests, State::of),
    }
}

/// What the app does not offer any more, and is read on as it was.
fn left(visit: &Visit, installation: &Installation, syncs: &[Sync]) -> Vec<Row> {
    let config: InstallationConfig =
        serde_json::from_value(installation.config.clone()).unwrap_or_default();
    let chosen = config.read.map(|read| read.objects).unwrap_or_default();
    let gone = |sync: &&Sync| visit.manifest.read_object(&sync.object_name).is_none();
    let rows = syncs.iter().filter(gone).filter_map(|sync| {
        let object: ReadObject = serde_json::from_value(sync.definition.clone()?).ok()?;
        let choice = installation_object::choice(&chosen, &object);
        if choice.is_some_and(|choice| choice.disabled == Some(true)) {
            return None;
        }
        let known = visit
            .description()
            .and_then(|d| d.object(&sync.object_name));
        let title = known.map_or(sync.object_name.as_str(), |known| known.display_name);
        let begun = sync.create_time().unwrap_or(installation.create_time);
        let (since, since_time) = since(object.backfill.as_ref(), begun);
        Some(Row {
            title: object
                .map_to_display_name
                .unwrap_or_else(|| title.to_owned()),
            since,
            since_time,
            fields: Vec::new(),
            everything: false,
            state: State::of(sync),
        })
    });
    rows.collect()
}

/// From when on, in words, and the time where there is one. An object that was chosen
/// after the others has `begun` when it was, and goes as far back from then.
fn since(backfill: Option<&Backfill>, begun: Timestamp) -> (String, Option<Moment>) {
    let period = backfill.map(|backfill| &backfill.default_period);
    if period.is_some_and(|period| period.full_history == Some(true)) {
        return ("From the very beginning".to_owned(), None);
    }
    let days = period.and_then(|period| period.days).unwrap_or(0);
    let back = SignedDuration::from_hours(24 * i64::from(days));
    let from = begun.checked_sub(back).unwrap_or(begun);
    ("What changed after".to_owned(), Some(from.into()))
}

#[derive(Template)]
#[template(path = "install/disconnect.html")]
struct Ask<'a> {
    frame: &'a Frame,
    customer: &'a str,
    provider: &'a str,
    place: String,
    is_installed: bool,
    token: String,
    action: String,
    back: String,
}

/// Asks whether it is meant.
pub(crate) async fn ask_to_disconnect(visit: Visit) -> Result<Response, Refusal> {
    let standing = visit.standing().await?;
    let Some(connection) = standing.connection() else {
        return Ok(visit.back(""));
    };
    let page = Ask {
        frame: &visit.frame,
        customer: visit.customer(),
        provider: visit.provider(),
        place: place(&visit, connection),
        is_installed: matches!(standing, Standing::Installed(_)),
        token: visit.token(),
        action: visit.at("disconnect"),
        back: visit.at(""),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// Ends it.
pub(crate) async fn disconnect(visit: Visit, sent: Sent) -> Result<Response, Refusal> {
    visit.posted(sent)?;
    let (engine, opened) = (&visit.engine, &visit.opened);
    match install_link::disconnect(engine, opened, &visit.integration).await {
        Ok(()) => Ok(visit.back("disconnected")),
        Err(ActionError::Conflict { .. }) => {
            let text = format!(
                "{} uses this account for something else, too. Disconnect that first.",
                visit.frame.app
            );
            let (status, back) = (StatusCode::CONFLICT, visit.at(""));
            let title = "The account is still in use";
            Ok(trouble::page(
                &visit.frame,
                status,
                title,
                &text,
                Some(&back),
            ))
        }
        Err(error) => Err(visit.failed(error)),
    }
}
