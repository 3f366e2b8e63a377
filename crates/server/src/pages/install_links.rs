//! Links to the hosted install page: made for one customer, shown once, taken back.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::actions::install_link::{Made, NewLink};
use engine::{ActionError, Engine, actions};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use store::{InstallLink, Integration};

use super::answer::{Answer, done, not_done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use crate::problem::Problem;

/// Links that are listed; older ones are found by their customer.
const MOST: usize = 200;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list).post(create))
        .route("/{link}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "install_links.html")]
struct Page {
    frame: Frame,
    now: Timestamp,
    links: Vec<InstallLink>,
    /// The customer that is filtered by.
    customer: String,
    integrations: Vec<Integration>,
    made: Option<Made>,
    draft: Draft,
    problem: Option<Problem>,
}

/// What the form says.
struct Draft {
    integration: String,
    group: String,
    group_name: String,
    days: String,
}

impl Draft {
    fn empty() -> Self {
        Self {
            integration: String::new(),
            group: String::new(),
            group_name: String::new(),
            days: "7".to_owned(),
        }
    }

    fn of(form: &Form) -> Self {
        Self {
            integration: form.text("integration").to_owned(),
            group: form.text("group").to_owned(),
            group_name: form.text("group_name").to_owned(),
            days: form.text("days").to_owned(),
        }
    }

    fn link(&self) -> Result<NewLink, ActionError> {
        let days = self.days.parse::<u16>().map_err(|_| {
            ActionError::invalid(
                format!("`{}` is no number of days", self.days),
                "Choose 1 to 366",
            )
        })?;
        Ok(NewLink {
            integration: self.integration.clone(),
            group_ref: self.group.clone(),
            group_name: Some(self.group_name.clone()),
            lifetime: Some(SignedDuration::from_hours(24 * i64::from(days))),
            ..NewLink::default()
        })
    }
}

impl Page {
    fn url<'a>(&self, made: &'a Made) -> &'a str {
        made.url.expose_secret()
    }

    /// The name of the integration; empty where that is gone.
    fn integration(&self, link: &InstallLink) -> &str {
        let mut all = self.integrations.iter();
        let found = all.find(|one| one.id == link.integration_id);
        found.map_or("", |one| &one.name)
    }

    fn is_open(&self, link: &InstallLink) -> bool {
        link.revoke_time.is_none() && link.expires_at > self.now
    }

    fn badge(&self, link: &InstallLink) -> (&'static str, &'static str) {
        match (link.revoke_time, self.is_open(link)) {
            (Some(_), _) => ("", "taken back"),
            (None, true) => ("good", "open"),
            (None, false) => ("", "over"),
        }
    }
}

async fn page(here: &Here, draft: Draft, made: Option<Made>, problem: Option<Problem>) -> Answer {
    let tenant = here.tenant();
    let customer = here.query().given("customer");
    let mut links = tenant.install_links(customer).await?;
    links.truncate(MOST);
    let page = Page {
        frame: here
            .frame(Place::Installations, "Install links")
            .below("Installations", here.path("/installations")),
        now: here.engine.clock.now(),
        links,
        customer: customer.unwrap_or_default().to_owned(),
        integrations: tenant.integrations().await?,
        made,
        draft,
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn list(here: Here) -> Answer {
    page(&here, Draft::empty(), None, None).await
}

async fn create(here: Here, form: Form) -> Answer {
    let draft = Draft::of(&form);
    let made = async {
        let (engine, project) = (&here.engine, &here.project.id);
        actions::install_link::create(engine, here.actor(), project, draft.link()?).await
    };
    match made.await {
        Ok(made) => page(&here, Draft::empty(), Some(made), None).await,
        Err(error) => page(&here, draft, None, Some(error.into())).await,
    }
}

async fn revoke(here: Here, _: Form) -> Answer {
    let (engine, project, link) = (&here.engine, &here.project.id, here.parameter("link"));
    let place = here.path("/install-links");
    match actions::install_link::revoke(engine, here.actor(), project, link).await {
        Ok(()) => done(&place, "The link is taken back: it opens nothing."),
        Err(error) => not_done(&place, error),
    }
}
