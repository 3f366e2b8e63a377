//! One destination: how it does, its address and headers, its secret, a message to
//! try it, and its end.

use std::collections::HashMap;

use askama::Template;
use engine::actions::destination::DestinationPatch;
use engine::{Tested, actions};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use store::{DeliveriesOverview, Destination, MOST_RECENT, Recent};

use super::answer::{Answer, done, not_done, show_as};
use super::destinations::Draft;
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::shown;
use crate::problem::Problem;

/// What the last messages are those of.
const RECENTLY: SignedDuration = SignedDuration::from_hours(24);

#[derive(Template)]
#[template(path = "destination.html")]
struct Page {
    frame: Frame,
    destination: Destination,
    standing: Standing,
    draft: Draft,
    problem: Option<Problem>,
    /// Shown on request only.
    secret: Option<SecretString>,
    /// Whether the secret is a new one.
    rotated: bool,
    tested: Option<Tested>,
}

/// How a destination does.
pub(super) struct Standing {
    pub(super) counts: DeliveriesOverview,
    pub(super) recent: Recent,
}

impl Standing {
    /// Of that destination.
    pub(super) async fn of(here: &Here, destination: &Destination) -> Result<Self, Problem> {
        let tenant = here.tenant();
        let recent = tenant.recent_deliveries(&destination.id, recently(here));
        Ok(Self {
            recent: recent.await?,
            counts: counts(&tenant.unsettled_by_destination().await?, destination),
        })
    }

    /// Of each of the project's destinations.
    pub(super) async fn of_all(
        here: &Here,
        destinations: &[Destination],
    ) -> Result<Vec<(Destination, Self)>, Problem> {
        let tenant = here.tenant();
        let unsettled = tenant.unsettled_by_destination().await?;
        let mut recent = tenant.recent_by_destination(recently(here)).await?;
        let standings = destinations.iter().map(|destination| {
            let standing = Self {
                counts: counts(&unsettled, destination),
                recent: recent.remove(&destination.id).unwrap_or_default(),
            };
            (destination.clone(), standing)
        });
        Ok(standings.collect())
    }

    /// The share of messages that was taken.
    pub(super) fn success(&self) -> String {
        percent(&self.recent)
    }

    /// What the share is that of.
    pub(super) fn of_what(&self) -> String {
        match self.recent.delivered + self.recent.dead {
            0 => "Taken: nothing has ended within 24 h".to_owned(),
            1 => "Taken, of the one message of the last 24 h".to_owned(),
            MOST_RECENT.. => format!("Taken, of the last {} messages", shown::number(1_000)),
            n => format!("Taken, of {n} messages of the last 24 h"),
        }
    }

    pub(super) fn median(&self) -> String {
        took(self.recent.median)
    }

    pub(super) fn slowest(&self) -> String {
        took(self.recent.slowest)
    }

    pub(super) fn number(&self, n: &i64) -> String {
        shown::number(*n)
    }
}

/// From when on messages count that have ended.
fn recently(here: &Here) -> Timestamp {
    let now = here.engine.clock.now();
    now.saturating_sub(RECENTLY).unwrap_or(now)
}

/// What waits for a destination or was given up.
fn counts(
    unsettled: &HashMap<String, DeliveriesOverview>,
    destination: &Destination,
) -> DeliveriesOverview {
    unsettled.get(&destination.id).copied().unwrap_or_default()
}

/// What is to be done about an answer, or about none.
pub(super) fn advice(status: Option<u16>) -> &'static str {
    match status {
        None => "Check the destination's URL, and that this server may reach it.",
        Some(200..=299) => "There is nothing to do.",
        Some(300..=399) => "Redirects are not followed: set the URL that it leads to.",
        Some(401 | 403) => {
            "Check that the app verifies the signature with this destination's secret, and that nothing else guards the URL."
        }
        Some(404 | 405) => "Check the path of the URL, and that the app takes POST there.",
        Some(410) => {
            "410 says that the app wants no messages: enable the destination when it does."
        }
        Some(413) => "The app refuses bodies of that size: let it take 300,000 bytes.",
        Some(429) => "The app is asked too often: it may say in Retry-After how long to wait.",
        Some(_) => {
            "Look into the app's log. It should answer 2xx within 15 s, and do the work afterwards."
        }
    }
}

/// A share, never rounded up to all.
fn percent(recent: &Recent) -> String {
    match recent.percent_delivered() {
        None => "–".to_owned(),
        Some(_) if recent.dead == 0 => "100 %".to_owned(),
        Some(percent) => format!("{:.1} %", percent.min(99.9)),
    }
}

/// How long it took until a message was taken.
fn took(time: Option<SignedDuration>) -> String {
    time.map_or_else(
        || "–".to_owned(),
        |time| match time.as_millis() {
            ..1_000 => format!("{} ms", time.as_millis()),
            1_000..10_000 => format!("{:.1} s", time.as_secs_f64()),
            _ => shown::duration(time),
        },
    )
}

impl Page {
    fn secret_text(&self) -> &str {
        self.secret
            .as_ref()
            .map_or("", |secret| secret.expose_secret())
    }

    fn advice(&self, tested: &Tested) -> &'static str {
        advice(tested.answer.as_ref().ok().map(|answer| answer.status))
    }

    fn took_ms(&self, tested: &Tested) -> u128 {
        tested.took.as_millis()
    }
}

/// What there is to say besides how the destination is.
#[derive(Default)]
struct Said {
    draft: Option<Draft>,
    problem: Option<Problem>,
    secret: Option<SecretString>,
    rotated: bool,
    tested: Option<Tested>,
}

async fn page(here: &Here, destination: Destination, said: Said) -> Answer {
    let page = Page {
        frame: here
            .frame(Place::Destinations, &destination.name)
            .below("Destinations", here.path("/destinations")),
        standing: Standing::of(here, &destination).await?,
        draft: said.draft.unwrap_or_else(|| Draft::of(&destination)),
        problem: said.problem,
        secret: said.secret,
        rotated: said.rotated,
        tested: said.tested,
        destination,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn found(here: &Here) -> Result<Destination, Problem> {
    let named = here.parameter("destination");
    Ok(here.tenant().destination(named).await?)
}

fn place(here: &Here, destination: &Destination) -> String {
    here.path(&format!("/destinations/{}", destination.id))
}

pub(super) async fn one(here: Here) -> Answer {
    let destination = found(&here).await?;
    page(&here, destination, Said::default()).await
}

pub(super) async fn save(here: Here, form: Form) -> Answer {
    let destination = found(&here).await?;
    let draft = Draft::from(&form);
    let saved = async {
        let patch = DestinationPatch {
            update_mask: [
                "name",
                "metadata.url",
                "metadata.headers",
                "metadata.ordered",
            ]
            .map(str::to_owned)
            .to_vec(),
            name: Some(draft.name.clone()),
            kind: None,
            metadata: Some(draft.metadata(Some(&destination))?),
        };
        let (engine, project) = (&here.engine, &here.project.id);
        actions::destination::update(engine, here.actor(), project, &destination.id, patch).await
    };
    match saved.await {
        Ok(saved) => done(&place(&here, &saved), "Saved."),
        Err(error) => {
            let said = Said {
                draft: Some(draft),
                problem: Some(error.into()),
                ..Said::default()
            };
            page(&here, destination, said).await
        }
    }
}

pub(super) async fn test(here: Here, _: Form) -> Answer {
    let destination = found(&here).await?;
    let (engine, project) = (&here.engine, &here.project.id);
    let tested = actions::destination::test(engine, here.actor(), project, &destination.id).await?;
    let said = Said {
        tested: Some(tested),
        ..Said::default()
    };
    page(&here, destination, said).await
}

pub(super) async fn reveal(here: Here, _: Form) -> Answer {
    let (engine, project, id) = (
        &here.engine,
        &here.project.id,
        here.parameter("destination"),
    );
    let (destination, secret) =
        actions::destination::reveal_secret(engine, here.actor(), project, id).await?;
    let said = Said {
        secret: Some(secret),
        ..Said::default()
    };
    page(&here, destination, said).await
}

pub(super) async fn rotate(here: Here, _: Form) -> Answer {
    let (engine, project, id) = (
        &here.engine,
        &here.project.id,
        here.parameter("destination"),
    );
    let (destination, secret) =
        actions::destination::rotate_secret(engine, here.actor(), project, id).await?;
    let said = Said {
        secret: Some(secret),
        rotated: true,
        ..Said::default()
    };
    page(&here, destination, said).await
}

pub(super) async fn enable(here: Here, _: Form) -> Answer {
    let (engine, project, id) = (
        &here.engine,
        &here.project.id,
        here.parameter("destination"),
    );
    let enabled = actions::destination::enable(engine, here.actor(), project, id).await?;
    done(
        &place(&here, &enabled),
        "It takes messages again; those that waited go first.",
    )
}

pub(super) async fn delete(here: Here, _: Form) -> Answer {
    let destination = found(&here).await?;
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::destination::delete(engine, here.actor(), project, &destination.id).await {
        Ok(()) => done(
            &here.path("/destinations"),
            format!("{} is deleted.", destination.name),
        ),
        Err(error) => not_done(&place(&here, &destination), error),
    }
}
