//! Integrations: what the manifests declare, how that came to be, and deploying.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use engine::actions::integration::Deployment;
use engine::{ActionError, Engine, actions};
use manifest::ReadObject;
use store::{Installation, InstallationFilter, Integration, Revision};

use super::answer::{Answer, done, not_done, show, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::manifest_text::{self, Changed, Line, Marked};
use super::permission;
use crate::problem::Problem;

/// Revisions that are listed.
const MOST_REVISIONS: u64 = 50;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/deploy", get(form).post(deploy))
        .route("/{integration}", get(show_one))
        .route("/{integration}/revisions/{revision}", get(revision))
        .route("/{integration}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "integrations.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    integration: Integration,
    reads: usize,
    writes: usize,
    has_proxy: bool,
}

async fn list(here: Here) -> Answer {
    let integrations = here.tenant().integrations().await?;
    let rows = integrations.into_iter().map(|integration| {
        let manifest = permission::manifest_of(&integration);
        let uses = manifest
            .as_ref()
            .map(permission::uses_of)
            .unwrap_or_default();
        Row {
            reads: uses.iter().filter(|one| !one.writes).count(),
            writes: uses.iter().filter(|one| one.writes).count(),
            has_proxy: manifest.is_some_and(|manifest| manifest.is_proxy_enabled()),
            integration,
        }
    });
    show(&List {
        rows: rows.collect(),
        frame: here.frame(Place::Integrations, "Integrations"),
    })
}

#[derive(Template)]
#[template(path = "integration.html")]
struct One {
    frame: Frame,
    integration: Integration,
    /// `None` where the latest revision cannot be read.
    manifest: Option<manifest::Integration>,
    revisions: Vec<Revision>,
    installations: Vec<Installation>,
    text: String,
}

impl One {
    /// How far back the first read goes.
    fn backfill(&self, object: &ReadObject) -> String {
        let period = object
            .backfill
            .as_ref()
            .map(|backfill| &backfill.default_period);
        match period.map(|period| (period.full_history, period.days)) {
            Some((Some(true), _)) => "everything".to_owned(),
            Some((_, Some(days))) if days > 0 => format!("the last {days} days"),
            Some(_) | None => "nothing".to_owned(),
        }
    }
}

async fn show_one(here: Here) -> Answer {
    let tenant = here.tenant();
    let integration = tenant.integration(here.parameter("integration")).await?;
    let filter = InstallationFilter {
        integration_id: Some(integration.id.clone()),
        group_ref: None,
    };
    let (installations, _) = tenant.installation_page(filter, 10, None).await?;
    show(&One {
        frame: here
            .frame(Place::Integrations, &integration.name)
            .below("Integrations", here.path("/integrations")),
        manifest: permission::manifest_of(&integration),
        revisions: tenant.revisions(&integration, MOST_REVISIONS).await?,
        text: manifest_text::text_of(&integration.latest_revision),
        installations,
        integration,
    })
}

#[derive(Template)]
#[template(path = "revision.html")]
struct RevisionPage {
    frame: Frame,
    revision: Revision,
    is_latest: bool,
    /// What it is compared with.
    before: Option<Revision>,
    changes: Vec<Changed>,
    text: String,
}

/// A revision beside the one before it, or beside `?against=`.
async fn revision(here: Here) -> Answer {
    let tenant = here.tenant();
    let integration = tenant.integration(here.parameter("integration")).await?;
    let revision = tenant.revision(here.parameter("revision")).await?;
    if revision.integration_id != integration.id {
        return Err(Problem::new(404, "the integration has no such revision").into());
    }
    let all = tenant.revisions(&integration, MOST_REVISIONS).await?;
    let before = match here.query().given("against") {
        Some(id) => all.into_iter().find(|other| other.id == id),
        None => all.into_iter().find(|other| other.id < revision.id),
    };
    let text = manifest_text::text_of(&revision);
    let changes = before.as_ref().map(manifest_text::text_of);
    let title = format!(
        "Revision of {}",
        revision.create_time.strftime("%Y-%m-%d %H:%M UTC")
    );
    let path = here.path(&format!("/integrations/{}", integration.id));
    show(&RevisionPage {
        frame: here
            .frame(Place::Integrations, &title)
            .below("Integrations", here.path("/integrations"))
            .below(&integration.name, path),
        is_latest: revision.id == integration.latest_revision.id,
        changes: changes
            .map(|old| manifest_text::compared(&old, &text))
            .unwrap_or_default(),
        before,
        revision,
        text,
    })
}

#[derive(Template)]
#[template(path = "deploy.html")]
struct Deploy<'a> {
    frame: Frame,
    text: &'a str,
    destructive: bool,
    /// Whether the text was looked at.
    is_checked: bool,
    problems: Vec<Marked>,
    lines: Vec<Line>,
    /// What else kept it from being deployed.
    problem: Option<Problem>,
    destinations: Vec<String>,
}

impl Deploy<'_> {
    fn errors(&self) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.is_error)
            .count()
    }
}

/// The form, with what is deployed of `?from=` already in it.
async fn form(here: Here) -> Answer {
    let text = match here.query().given("from") {
        Some(from) => {
            let integration = here.tenant().integration(from).await?;
            manifest_text::text_of(&integration.latest_revision)
        }
        None => String::new(),
    };
    page(&here, &text, false, &[], (false, None)).await
}

async fn page(
    here: &Here,
    text: &str,
    destructive: bool,
    problems: &[manifest::Problem],
    (is_checked, problem): (bool, Option<Problem>),
) -> Answer {
    let destinations = here.tenant().destinations().await?;
    let page = Deploy {
        frame: here
            .frame(Place::Integrations, "Deploy a manifest")
            .below("Integrations", here.path("/integrations")),
        text,
        destructive,
        is_checked,
        lines: manifest_text::marked(text, problems),
        problems: problems.iter().map(Marked::from).collect(),
        destinations: destinations.into_iter().map(|one| one.name).collect(),
        problem,
    };
    let status = match (&page.problem, page.errors()) {
        (None, 0) => StatusCode::OK,
        (None, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (problem, _) => Problem::status_of(problem.as_ref()),
    };
    show_as(status, &page)
}

/// Deploys, or only looks when the other button was pressed.
async fn deploy(here: Here, form: Form) -> Answer {
    let text = form.raw("manifest").replace("\r\n", "\n");
    let destructive = form.has("destructive");
    let (engine, actor, project) = (&here.engine, here.actor(), here.project.id.as_str());
    let check = || actions::integration::check(engine, actor, project, text.as_bytes());
    if form.has("check") {
        let problems = check().await?;
        return page(&here, &text, destructive, &problems, (true, None)).await;
    }
    let deployment = Deployment {
        manifest: text.as_bytes(),
        destructive,
    };
    match actions::integration::deploy(engine, actor, project, deployment).await {
        Ok(deployed) => {
            let names: Vec<&str> = deployed.iter().map(|one| one.name.as_str()).collect();
            let place = match deployed.as_slice() {
                [one] => here.path(&format!("/integrations/{}", one.id)),
                _ => here.path("/integrations"),
            };
            done(&place, format!("Deployed: {}.", names.join(", ")))
        }
        Err(ActionError::Invalid { .. }) => {
            let problems = check().await?;
            page(&here, &text, destructive, &problems, (true, None)).await
        }
        Err(error) => {
            let refused = (false, Some(error.into()));
            page(&here, &text, destructive, &[], refused).await
        }
    }
}

async fn delete(here: Here, _: Form) -> Answer {
    let id = here.parameter("integration");
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::integration::delete(engine, here.actor(), project, id).await {
        Ok(()) => done(&here.path("/integrations"), "The integration was deleted."),
        Err(error) => not_done(&here.path(&format!("/integrations/{id}")), error),
    }
}
