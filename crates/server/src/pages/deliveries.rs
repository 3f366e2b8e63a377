//! Deliveries: how each destination does, the messages one by one with what they
//! carry and how they were answered, and sending them again.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::actions;
use engine::actions::delivery::ReplayRange;
use store::{Delivery, DeliveryFilter, DeliveryStatus, Destination};

use super::answer::{Answer, done, not_done, show, show_as};
use super::destination::{self, Standing};
use super::form::{Fields, Form};
use super::frame::{Frame, Place};
use super::here::Here;
use super::{asked, shown};
use crate::api::deliveries::status_of;
use crate::problem::Problem;

/// Rows on a page.
const PAGE: u32 = 50;

pub(super) fn routes() -> Router<engine::Engine> {
    Router::new()
        .route("/", get(list))
        .route("/replay", post(replay_range))
        .route("/{delivery}", get(one))
        .route("/{delivery}/replay", post(replay))
}

/// The badge of a status, and what it is called.
fn badge(status: DeliveryStatus) -> (&'static str, &'static str) {
    match status {
        DeliveryStatus::Held => ("", "waits to be asked for"),
        DeliveryStatus::Pending => ("act", "waits"),
        DeliveryStatus::Delivered => ("good", "taken"),
        DeliveryStatus::Dead => ("bad", "given up"),
    }
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct List {
    frame: Frame,
    destinations: Vec<Destination>,
    /// The one that is filtered by.
    chosen: Option<(Destination, Standing)>,
    /// All of them, where none is.
    standings: Vec<(Destination, Standing)>,
    rows: Vec<Delivery>,
    query: Query,
    /// Where the next page is.
    next: Option<String>,
    problem: Option<Problem>,
}

/// What is filtered by, as it was sent.
struct Query {
    status: String,
    destination: String,
    installation: String,
    from: String,
    to: String,
}

impl Query {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.text(name).to_owned();
        Self {
            status: text("status"),
            destination: text("destination"),
            installation: text("installation"),
            from: text("from"),
            to: text("to"),
        }
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("status", &self.status),
            ("destination", &self.destination),
            ("installation", &self.installation),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn is_any(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    fn filter(&self) -> Result<DeliveryFilter, Problem> {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(DeliveryFilter {
            status: given(&self.status).as_deref().map(status_of).transpose()?,
            destination_id: given(&self.destination),
            installation_id: given(&self.installation),
            from: asked::moment("from", &self.from)?,
            to: asked::moment("to", &self.to)?,
        })
    }

    fn after(&self, token: &str) -> String {
        let mut fields = self.fields().to_vec();
        fields.push(("after", token));
        asked::link(&fields)
    }
}

impl List {
    /// A moment of the filter as its input has it.
    fn utc(&self, text: &str) -> String {
        asked::utc(text)
    }

    fn number(&self, n: &i64) -> String {
        shown::number(*n)
    }

    fn badge(&self, status: &DeliveryStatus) -> (&'static str, &'static str) {
        badge(*status)
    }

    fn statuses(&self) -> [DeliveryStatus; 4] {
        DeliveryStatus::ALL
    }
}

async fn list(here: Here) -> Answer {
    let query = Query::of(here.query());
    let tenant = here.tenant();
    let destinations = tenant.destinations().await?;
    let found = destinations.iter().find(|one| one.id == query.destination);
    let (chosen, standings) = match found {
        Some(one) => {
            let standing = Standing::of(&here, one).await?;
            (Some((one.clone(), standing)), Vec::new())
        }
        None => (None, Standing::of_all(&here, &destinations).await?),
    };
    let mut page = List {
        frame: here.frame(Place::Deliveries, "Deliveries"),
        destinations,
        chosen,
        standings,
        rows: Vec::new(),
        next: None,
        problem: None,
        query,
    };
    match page.query.filter() {
        Ok(filter) => {
            let after = here.query().given("after");
            let (rows, next) = tenant.deliveries(&filter, PAGE, after).await?;
            page.next = next.map(|token| page.query.after(&token));
            page.rows = rows;
        }
        Err(problem) => page.problem = Some(problem),
    }
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct One {
    frame: Frame,
    delivery: Delivery,
    payload: String,
}

impl One {
    fn badge(&self) -> (&'static str, &'static str) {
        badge(self.delivery.status)
    }

    fn number(&self, n: &i64) -> String {
        shown::number(*n)
    }

    fn answer(&self) -> &str {
        self.delivery.last_answer.as_deref().unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        matches!(
            self.delivery.status,
            DeliveryStatus::Delivered | DeliveryStatus::Dead
        )
    }

    /// What is to be done about the last attempt, if anything is.
    fn advice(&self) -> Option<&'static str> {
        self.delivery.last_error.as_ref()?;
        let status = self.delivery.last_status;
        let status = status.and_then(|status| u16::try_from(status).ok());
        Some(destination::advice(status))
    }
}

async fn one(here: Here) -> Answer {
    let tenant = here.tenant();
    let delivery = tenant.delivery(here.parameter("delivery")).await?;
    let stored = tenant.delivery_payload(&delivery.id).await?;
    let payload = here.engine.delivery_payload(&delivery.id, &stored)?;
    show(&One {
        frame: here
            .frame(Place::Deliveries, "Delivery")
            .below("Deliveries", here.path("/deliveries"))
            .below(
                &delivery.destination_name,
                here.path(&format!(
                    "/deliveries?destination={}",
                    delivery.destination_id
                )),
            ),
        payload: format!("{payload:#}"),
        delivery,
    })
}

async fn replay(here: Here, _: Form) -> Answer {
    let id = here.parameter("delivery");
    let place = here.path(&format!("/deliveries/{id}"));
    match actions::delivery::replay(&here.engine, here.actor(), &here.project.id, id).await {
        Ok(_) => done(
            &place,
            "It is sent again, with the same id and the same body.",
        ),
        Err(error) => not_done(&place, error),
    }
}

fn range_of(form: &Form) -> Result<ReplayRange, Problem> {
    Ok(ReplayRange {
        status: form.given("status").map(status_of).transpose()?,
        from: asked::moment("from", form.text("from"))?,
        to: asked::moment("to", form.text("to"))?,
    })
}

/// Sends again what a destination gave up or took, all of it or within a range.
async fn replay_range(here: Here, form: Form) -> Answer {
    let name = form.text("destination");
    let place = here.path(&format!(
        "/deliveries{}",
        asked::link(&[("destination", name)])
    ));
    let range = match range_of(&form) {
        Ok(range) => range,
        Err(problem) => return not_done(&place, problem),
    };
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::delivery::replay_range(engine, here.actor(), project, name, range).await {
        Ok(0) => done(&place, "There was no such message; nothing is sent."),
        Ok(1) => done(&place, "One message is sent again."),
        Ok(count) => {
            let count = shown::number(i64::try_from(count).unwrap_or(i64::MAX));
            done(&place, format!("{count} messages are sent again."))
        }
        Err(error) => not_done(&place, error),
    }
}
