//! Settings of a project and of the organisation that owns it, and what was done in
//! both.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::{Engine, actions};
use store::{AuditEntry, Organization, ProjectChange, Role};

use super::answer::{Answer, done, not_done, show, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::{asked, members};
use crate::problem::Problem;

/// Entries on a page.
const PAGE: u64 = 50;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(page).post(save))
        .route("/organization", post(rename_organization))
        .route("/proxied-calls", post(keep_proxied))
        .route("/audit-log", get(project_log))
        .route("/organization-log", get(organization_log))
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    /// As the form has them.
    name: String,
    app_name: String,
    project_id: String,
    /// Whether proxied calls are kept as operations.
    keeps_proxied: bool,
    org: Organization,
    is_owner: bool,
    problem: Option<Problem>,
}

async fn form(here: &Here, (name, app_name): (&str, &str), problem: Option<Problem>) -> Answer {
    let store = &here.engine.store;
    let scope = store.org_scope(here.actor(), &here.project.org_id).await?;
    let page = Page {
        frame: here.frame(Place::Settings, "Settings"),
        name: name.to_owned(),
        app_name: app_name.to_owned(),
        project_id: here.project.id.clone(),
        keeps_proxied: here.project.keeps_proxied,
        org: store.within_org(&scope).organization().await?,
        is_owner: scope.role() == Role::Owner,
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn page(here: Here) -> Answer {
    let project = here.project.clone();
    form(&here, (&project.name, &project.app_name), None).await
}

async fn save(here: Here, sent: Form) -> Answer {
    let (name, app_name) = (sent.text("name"), sent.text("app_name"));
    let (engine, project) = (&here.engine, &here.project.id);
    let change = ProjectChange {
        name: Some(name.to_owned()),
        app_name: Some(app_name.to_owned()),
        keeps_proxied: None,
    };
    match actions::project::update(engine, here.actor(), project, change).await {
        Ok(_) => done(&here.path("/settings"), "Saved."),
        Err(error) => form(&here, (name, app_name), Some(error.into())).await,
    }
}

/// The button says what is to be, so that pressing it twice does nothing.
async fn keep_proxied(here: Here, sent: Form) -> Answer {
    let (engine, project) = (&here.engine, &here.project.id);
    let keeps = sent.text("keep") == "yes";
    let change = ProjectChange {
        keeps_proxied: Some(keeps),
        ..ProjectChange::default()
    };
    let place = here.path("/settings");
    match actions::project::update(engine, here.actor(), project, change).await {
        Ok(_) if keeps => done(&place, "Proxied calls are kept from now on."),
        Ok(_) => done(&place, "No more proxied calls are kept."),
        Err(error) => not_done(&place, error),
    }
}

async fn rename_organization(here: Here, sent: Form) -> Answer {
    let (engine, org) = (&here.engine, &here.project.org_id);
    let place = here.path("/settings");
    match actions::organization::rename(engine, here.actor(), org, sent.text("label")).await {
        Ok(org) => done(
            &place,
            format!("The organization is called {} now.", org.label),
        ),
        Err(error) => not_done(&place, error),
    }
}

#[derive(Template)]
#[template(path = "audit_log.html")]
struct Log {
    frame: Frame,
    entries: Vec<AuditEntry>,
    /// E-mail addresses of members, by how entries call them.
    emails: HashMap<String, String>,
    next: Option<String>,
    of_project: bool,
}

impl Log {
    fn who<'a>(&'a self, entry: &'a AuditEntry) -> &'a str {
        self.emails
            .get(&entry.actor)
            .map_or(&entry.actor, |email| email)
    }
}

async fn project_log(here: Here) -> Answer {
    let after = here.query().given("after").map(str::to_owned);
    let (entries, next) = here.tenant().audit_entries(PAGE, after).await?;
    log(&here, entries, next, true).await
}

async fn organization_log(here: Here) -> Answer {
    let after = here.query().given("after").map(str::to_owned);
    let store = &here.engine.store;
    let scope = store.org_scope(here.actor(), &here.project.org_id).await?;
    let (entries, next) = store.within_org(&scope).audit_entries(PAGE, after).await?;
    log(&here, entries, next, false).await
}

async fn log(
    here: &Here,
    entries: Vec<AuditEntry>,
    next: Option<String>,
    of_project: bool,
) -> Answer {
    let title = if of_project {
        "Audit log"
    } else {
        "Audit log of the organization"
    };
    show(&Log {
        frame: here
            .frame(Place::Settings, title)
            .below("Settings", here.path("/settings")),
        entries,
        emails: members::emails(here).await?,
        next: next.map(|token| asked::link(&[("after", &token)])),
        of_project,
    })
}
