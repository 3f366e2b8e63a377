//! `/`: the projects of a builder who has signed in, and for everybody else the
//! door.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Engine, actions};
use store::{Organization, Project};

use super::answer::{Answer, done, show_as};
use super::form::Form;
use super::frame::Frame;
use super::sign_in;
use super::visitor::{SignedIn, Visitor};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "projects.html")]
struct Page<'a> {
    frame: Frame,
    projects: Vec<Project>,
    /// Those of the builder; a choice is shown where there are several.
    orgs: Vec<Organization>,
    name: &'a str,
    app_name: &'a str,
    problem: Option<Problem>,
}

impl Page<'_> {
    /// The name of a project's organisation, where there are several.
    fn org(&self, project: &Project) -> &str {
        let of = self.orgs.iter().find(|org| org.id == project.org_id);
        of.filter(|_| self.orgs.len() > 1)
            .map_or("", |org| &org.label)
    }
}

/// `GET /`
pub(crate) async fn show(
    State(engine): State<Engine>,
    visitor: Visitor,
    signed_in: Option<SignedIn>,
) -> Answer {
    match signed_in {
        Some(by) => projects(&engine, &by, ("", ""), None).await,
        None => sign_in::page(&engine, &visitor, (StatusCode::OK, ""), ("", "/")).await,
    }
}

/// `POST /projects`
pub(crate) async fn create(State(engine): State<Engine>, by: SignedIn, form: Form) -> Answer {
    let (name, app_name) = (form.text("name"), form.text("app_name"));
    let org = form.given("org").map(str::to_owned);
    let (new_name, new_app) = (name.to_owned(), app_name.to_owned());
    match actions::project::create(&engine, &by.actor, new_name, new_app, org).await {
        Ok(project) => done(
            &format!("/projects/{}", project.id),
            format!("Project {} is there.", project.name),
        ),
        Err(error) => projects(&engine, &by, (name, app_name), Some(error.into())).await,
    }
}

async fn projects(
    engine: &Engine,
    by: &SignedIn,
    (name, app_name): (&str, &str),
    problem: Option<Problem>,
) -> Answer {
    let memberships = engine.store.memberships(&by.actor).await?;
    let page = Page {
        frame: Frame::outside(by, "Projects", engine.clock.now()),
        projects: engine.store.projects(&by.actor).await?,
        orgs: memberships.into_iter().map(|(org, _)| org).collect(),
        name,
        app_name,
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}
