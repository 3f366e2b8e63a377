//! Projects.

use store::{Actor, NewProject, Project, ProjectChange};

use super::{require_full, require_name};
use crate::{ActionError, Engine};

/// Creates a project. Builders may, in their organisations; keys belong to a
/// project, so they cannot.
///
/// # Errors
/// [`ActionError::Forbidden`] for API keys, [`ActionError::Conflict`] when the
/// name is taken.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    name: String,
    app_name: String,
    org_id: Option<String>,
) -> Result<Project, ActionError> {
    if !actor.may_create_projects() {
        return Err(ActionError::Forbidden {
            detail: "an API key belongs to one project and cannot create another; use `ligature project create NAME`"
                .to_owned(),
        });
    }
    require_name("name", &name)?;
    let app_name = if app_name.trim().is_empty() {
        name.clone()
    } else {
        app_name
    };
    let new = NewProject {
        name,
        app_name,
        org_id,
    };
    Ok(engine
        .store
        .create_project(actor, new, engine.clock.now())
        .await?)
}

/// Changes what is given.
///
/// # Errors
/// [`ActionError::Conflict`] when the name is taken.
pub async fn update(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    change: ProjectChange,
) -> Result<Project, ActionError> {
    require_full(actor)?;
    if let Some(name) = &change.name {
        require_name("name", name)?;
    }
    if let Some(app_name) = &change.app_name {
        require_name("appName", app_name)?;
    }
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let now = engine.clock.now();
    Ok(tenant.change_project(change, now).await?)
}
