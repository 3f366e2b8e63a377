//! Installations: what each customer reads, how that goes, and what can be done
//! about it.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::actions::installation::PauseReads;
use engine::actions::read::Trigger;
use engine::{Engine, InstallationConfig, actions};
use store::{
    ConnectionDetails, Installation, InstallationFilter, Installed, Integration, Operation,
    OperationFilter, OperationStatus, Sync,
};

use super::answer::{Answer, done, not_done, show};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use super::{installation_object, members, operations, permission, shown};

/// Rows on a page.
const PAGE: u64 = 50;
/// Runs that an installation's page shows.
const RUNS: u64 = 10;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/{installation}", get(show_one))
        .route(
            "/{installation}/object",
            get(installation_object::form).post(installation_object::save),
        )
        .route("/{installation}/read", post(read))
        .route("/{installation}/pause", post(pause))
        .route("/{installation}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "installations.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    integrations: Vec<Integration>,
    integration: String,
    group: String,
    next: Option<String>,
}

struct Row {
    installation: Installation,
    installed: Installed,
    healthy: bool,
}

async fn list(here: Here) -> Answer {
    let query = here.query();
    let filter = InstallationFilter {
        integration_id: query.given("integration").map(str::to_owned),
        group_ref: query.given("group").map(str::to_owned),
    };
    let (integration, group) = (
        query.text("integration").to_owned(),
        query.text("group").to_owned(),
    );
    let after = query.given("after").map(str::to_owned);
    let tenant = here.tenant();
    let (found, next) = tenant.installation_page(filter, PAGE, after).await?;
    let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
    let unhealthy = tenant.unhealthy(&ids).await?;
    let mut installed = tenant.installed(&ids).await?;
    let rows = found.into_iter().filter_map(|installation| {
        Some(Row {
            healthy: !unhealthy.contains(&installation.id),
            installed: installed.remove(&installation.id)?,
            installation,
        })
    });
    show(&List {
        frame: here.frame(Place::Installations, "Installations"),
        rows: rows.collect(),
        integrations: tenant.integrations().await?,
        integration,
        group,
        next,
    })
}

#[derive(Template)]
#[template(path = "installation.html")]
struct One {
    frame: Frame,
    installation: Installation,
    /// Who installed it.
    created_by: String,
    integration: Integration,
    connection: Option<ConnectionDetails>,
    healthy: bool,
    objects: Vec<Object>,
    runs: Vec<Operation>,
    config: String,
}

/// An object that the installation reads, or could.
struct Object {
    name: String,
    schedule: String,
    is_chosen: bool,
    /// `None` where nothing is read of it.
    sync: Option<Sync>,
}

impl One {
    fn is_busy(&self) -> bool {
        let reading = |object: &Object| {
            object
                .sync
                .as_ref()
                .is_some_and(|sync| sync.operation_id.is_some())
        };
        self.objects.iter().any(reading)
    }

    fn is_paused(&self) -> bool {
        self.installation.reads_paused
    }

    fn number(&self, n: &i64) -> String {
        shown::number(*n)
    }

    fn is_bad(&self) -> bool {
        self.connection.as_ref().is_some_and(|details| {
            details.connection.status == store::ConnectionStatus::BadCredentials
        })
    }

    fn status(&self, status: &OperationStatus) -> (&'static str, &'static str) {
        operations::badge(*status)
    }
}

async fn show_one(here: Here) -> Answer {
    let tenant = here.tenant();
    let installation = tenant
        .any_installation(here.parameter("installation"))
        .await?;
    let integration = tenant.integration(&installation.integration_id).await?;
    let connection = tenant.connection(&installation.connection_id).await?;
    let details = tenant.connection_details(&[connection]).await?;
    let reads = OperationFilter {
        action_type: Some("read".to_owned()),
        installation_id: Some(installation.id.clone()),
        ..OperationFilter::default()
    };
    let (runs, _) = tenant.operations_matching(reads, RUNS, None).await?;
    let unhealthy = tenant.unhealthy(&[&installation.id]).await?;
    let syncs = tenant.syncs(&installation.id).await?;
    let emails = members::emails(&here).await?;
    let by = &installation.created_by;
    show(&One {
        created_by: emails.get(by).unwrap_or(by).clone(),
        frame: here
            .frame(Place::Installations, &installation.group_ref)
            .below("Installations", here.path("/installations")),
        objects: objects(&integration, &installation, syncs),
        config: format!("{:#}", installation.config),
        connection: details.into_iter().next(),
        healthy: unhealthy.is_empty(),
        runs,
        integration,
        installation,
    })
}

/// What the manifest offers, and what is read although it does not any more.
fn objects(
    integration: &Integration,
    installation: &Installation,
    syncs: Vec<Sync>,
) -> Vec<Object> {
    let config: InstallationConfig =
        serde_json::from_value(installation.config.clone()).unwrap_or_default();
    let chosen = config.read.map(|read| read.objects).unwrap_or_default();
    let mut syncs: BTreeMap<String, Sync> = syncs
        .into_iter()
        .map(|sync| (sync.object_name.clone(), sync))
        .collect();
    let manifest = permission::manifest_of(integration);
    let mut all = Vec::new();
    for object in manifest
        .iter()
        .flat_map(manifest::Integration::read_objects)
    {
        let choice = installation_object::choice(&chosen, object);
        let schedule = choice.and_then(|choice| choice.schedule.clone());
        let schedule = schedule.filter(|text| !text.is_empty());
        all.push(Object {
            schedule: schedule.unwrap_or_else(|| object.schedule.clone()),
            is_chosen: installation_object::is_read(choice, object),
            sync: syncs.remove(&object.object_name),
            name: object.object_name.clone(),
        });
    }
    all.extend(syncs.into_iter().map(|(name, sync)| Object {
        name,
        schedule: String::new(),
        is_chosen: true,
        sync: Some(sync),
    }));
    all
}

/// Reads an object now.
async fn read(here: Here, form: Form) -> Answer {
    let installation = here
        .tenant()
        .any_installation(here.parameter("installation"))
        .await?;
    let place = here.path(&format!("/installations/{}", installation.id));
    let object = form.text("object");
    let trigger = Trigger {
        integration: installation.integration_id,
        object: object.to_owned(),
        group_ref: installation.group_ref,
        mode: "async".to_owned(),
        since: None,
        until: None,
    };
    let asked = actions::read::trigger(&here.engine, here.actor(), &here.project.id, trigger);
    match asked.await {
        Ok(_) => done(&place, format!("{object} is being read.")),
        Err(error) => not_done(&place, error),
    }
}

/// Pauses one object or all of them, or lets them go on.
async fn pause(here: Here, form: Form) -> Answer {
    let installation = here
        .tenant()
        .any_installation(here.parameter("installation"))
        .await?;
    let place = here.path(&format!("/installations/{}", installation.id));
    let paused = form.text("pause") == "yes";
    let pause = PauseReads {
        paused,
        objects: form.every("object").map(str::to_owned).collect(),
        note: None,
    };
    let (engine, project) = (&here.engine, &here.project.id);
    let (integration, id) = (&installation.integration_id, &installation.id);
    let set = actions::installation::pause(engine, here.actor(), project, integration, id, pause);
    match set.await {
        Ok(()) if paused => done(&place, "Paused. What was under way keeps its position."),
        Ok(()) => done(&place, "Reading goes on."),
        Err(error) => not_done(&place, error),
    }
}

async fn delete(here: Here, _: Form) -> Answer {
    let installation = here
        .tenant()
        .any_installation(here.parameter("installation"))
        .await?;
    let (engine, project) = (&here.engine, &here.project.id);
    let (integration, id) = (&installation.integration_id, &installation.id);
    match actions::installation::delete(engine, here.actor(), project, integration, id).await {
        Ok(()) => done(&here.path("/installations"), "Uninstalled."),
        Err(error) => not_done(&here.path(&format!("/installations/{id}")), error),
    }
}
