//! Choosing what is read: at the install, and later.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use engine::actions::install_link::Standing;
use engine::actions::installation::{self, Install, Update};
use engine::actions::metadata::{self, Hydration};
use engine::metadata::HydratedRevision;
use engine::{ActionError, Engine};
use serde_json::json;
use store::{Connection, ConnectionStatus, Installation};

use super::choices::Choices;
use super::connecting::{self, Why};
use super::frame::Frame;
use super::picked::Picked;
use super::trouble::Refusal;
use super::visit::Visit;
use super::wrong::{Wrong, placed};
use super::{Notice, Sent, is_refused};

#[derive(Template)]
#[template(path = "install/choose.html")]
struct Page<'a> {
    frame: &'a Frame,
    notice: Option<Notice>,
    customer: &'a str,
    provider: &'a str,
    /// What was said besides consenting, in words.
    place: String,
    choices: Choices,
    token: String,
    action: String,
    /// Where to go without saving; `None` at the install.
    back: Option<String>,
    disconnect: String,
}

/// What is chosen, and what of it cannot be.
struct Draft {
    picked: Option<Picked>,
    wrong: Vec<Wrong>,
}

const NOTHING: Draft = Draft {
    picked: None,
    wrong: Vec::new(),
};

/// Asks for the choices of somebody who has just connected.
pub(super) async fn first(
    visit: &Visit,
    connection: &Connection,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    if connection.status == ConnectionStatus::BadCredentials {
        return connecting::page(visit, Some(connection), notice).await;
    }
    visit.require_prepared().await?;
    Box::pin(page(visit, connection, None, NOTHING, notice)).await
}

/// Asks for other choices.
pub(crate) async fn edit(visit: Visit) -> Result<Response, Refusal> {
    match visit.standing().await? {
        Standing::Installed(installed)
            if installed.connection.status != ConnectionStatus::BadCredentials =>
        {
            let (connection, installation) = (&installed.connection, &installed.installation);
            Box::pin(page(&visit, connection, Some(installation), NOTHING, None)).await
        }
        Standing::Installed(_) | Standing::Connected(_) | Standing::Unconnected => {
            Ok(visit.back(""))
        }
    }
}

/// Takes the choices: installs, or changes what is installed.
pub(crate) async fn choose(visit: Visit, sent: Sent) -> Result<Response, Refusal> {
    let form = visit.posted(sent)?;
    let standing = visit.standing().await?;
    let Some(connection) = standing.connection() else {
        return Ok(visit.back(""));
    };
    let installation = match &standing {
        Standing::Unconnected | Standing::Connected(_) => None,
        Standing::Installed(installed) => Some(&installed.installation),
    };
    let picked = Picked::of_form(&visit.manifest, &form);
    let mut wrong = picked.wrong(&visit.manifest);
    if wrong.is_empty() {
        let done = match installation {
            None => Box::pin(install(&visit, connection, &picked)).await,
            Some(installation) => Box::pin(change(&visit, installation, &picked)).await,
        };
        match done {
            Ok(news) => return Ok(visit.back(news)),
            Err(ActionError::Invalid { causes, .. }) => {
                let integration = &visit.integration.name;
                tracing::info!(integration, ?causes, "choices of a customer were refused");
                wrong = placed(&causes, &visit.manifest, &picked);
            }
            // Somebody was quicker, in another window or elsewhere.
            Err(ActionError::Conflict { .. }) => return Ok(visit.back("")),
            Err(error) => return Err(visit.failed(error)),
        }
    }
    let draft = Draft {
        picked: Some(picked),
        wrong,
    };
    Box::pin(page(&visit, connection, installation, draft, None)).await
}

async fn install(
    visit: &Visit,
    connection: &Connection,
    picked: &Picked,
) -> Result<&'static str, ActionError> {
    let link = &visit.opened.link;
    let install = Install {
        integration: visit.integration.id.clone(),
        group_ref: link.group_ref.clone(),
        connection_id: Some(connection.id.clone()),
        revision_id: None,
        created_by: None,
        content: picked.stored(&visit.manifest, None).content,
        skip_sampling: false,
    };
    let (engine, actor) = (&visit.engine, &visit.opened.actor);
    installation::create(engine, actor, &link.project_id, install).await?;
    Ok("installed")
}

async fn change(
    visit: &Visit,
    installation: &Installation,
    picked: &Picked,
) -> Result<&'static str, ActionError> {
    let stored = picked.stored(&visit.manifest, Some(&installation.config));
    let update = Update {
        mask: stored.mask,
        installation: json!({ "config": { "content": stored.content } }),
        skip_sampling: false,
    };
    let (engine, actor) = (&visit.engine, &visit.opened.actor);
    let (project, integration) = (&visit.opened.link.project_id, &visit.integration.id);
    installation::update(
        engine,
        actor,
        project,
        integration,
        &installation.id,
        update,
    )
    .await?;
    Ok("saved")
}

/// The form.
async fn page(
    visit: &Visit,
    connection: &Connection,
    installation: Option<&Installation>,
    draft: Draft,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    let hydrated = match hydrated(visit, connection).await {
        Ok(hydrated) => hydrated.content,
        Err(error) if is_refused(&error) => {
            let (known, status) = (Some(connection), StatusCode::OK);
            return Ok(connecting::asked(
                visit,
                known,
                notice,
                Why::Refused,
                None,
                status,
            ));
        }
        Err(error) => return Err(visit.failed(error)),
    };
    let picked = match (draft.picked, installation) {
        (Some(picked), _) => picked,
        (None, Some(installation)) => Picked::of_config(&visit.manifest, &installation.config),
        (None, None) => Picked::fresh(&visit.manifest, |object| is_removed(visit, object)),
    };
    let choices = Choices::new(&hydrated, &visit.manifest, &picked, &draft.wrong);
    if choices.is_elsewhere() && has_inputs(visit) {
        let (known, status) = (Some(connection), StatusCode::OK);
        return Ok(connecting::asked(
            visit,
            known,
            None,
            Why::Elsewhere,
            None,
            status,
        ));
    }
    let status = match draft.wrong.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = Page {
        frame: &visit.frame,
        notice,
        customer: visit.customer(),
        provider: visit.provider(),
        place: place(visit, connection),
        choices,
        token: visit.token(),
        action: visit.at("choices"),
        back: installation.map(|_| visit.at("")),
        disconnect: visit.at("disconnect"),
    };
    Ok(visit.page(status, &page))
}

async fn hydrated(visit: &Visit, connection: &Connection) -> Result<HydratedRevision, ActionError> {
    let (engine, actor): (&Engine, _) = (&visit.engine, &visit.opened.actor);
    let asked = Hydration {
        integration: &visit.integration.id,
        revision: &visit.integration.latest_revision.id,
        connection: &connection.id,
    };
    metadata::hydrate(engine, actor, &visit.opened.link.project_id, asked).await
}

fn has_inputs(visit: &Visit) -> bool {
    visit.description().is_some_and(|d| !d.inputs.is_empty())
}

fn is_removed(visit: &Visit, object: &str) -> bool {
    let object = visit.description().and_then(|d| d.object(object));
    object.is_some_and(|object| object.removed.is_some())
}

/// What was said besides consenting: `Workspace acme`.
pub(super) fn place(visit: &Visit, connection: &Connection) -> String {
    let inputs = visit.description().into_iter().flat_map(|d| d.inputs);
    let said = inputs.map(|input| {
        let value = connecting::said(connection, input.name);
        format!("{} {value}", input.display_name)
    });
    said.collect::<Vec<_>>().join(", ")
}
