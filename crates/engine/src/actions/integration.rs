//! Integrations: what an `amp.yaml` declares.

use manifest::{KnownDestination, Manifest, Problem, Report, Severity};
use serde_json::{Value, json};
use store::{Actor, InstallationFilter, Integration, NewRevision, StoreError, Tenant};

use super::{audit, require_full};
use crate::{ActionError, Engine};

/// Times that an integration is cleared of installations that are made meanwhile.
const MOST_TRIES: usize = 8;

/// What is deployed, and how.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The text of the manifest.
    pub manifest: &'a [u8],
    /// Whether the reads of objects that the manifest has no longer are to stop.
    /// Without it they go on by their last definition. Either way the manifest
    /// holds again once the object is back.
    pub destructive: bool,
}

/// An integration to be made from its parts.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    /// The name, unique in the project.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The manifest's `specVersion`.
    pub spec_version: String,
    /// What the manifest would say of it.
    pub content: Value,
}

/// Deploys a manifest: all of its integrations, or none when it has a problem.
/// Warnings do not keep it from being deployed; they are logged.
///
/// # Errors
/// [`ActionError::Invalid`] with every problem, each with its place and remedy.
pub async fn deploy(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    deployment: Deployment<'_>,
) -> Result<Vec<Integration>, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let checked = checked(engine, &tenant, deployment.manifest, Problem::to_string).await?;
    let revisions = revisions(&checked.manifest)?;
    let deployed = tenant
        .deploy(revisions, deployment.destructive, engine.clock.now())
        .await?;
    checked.log_warnings();
    tracing::info!(
        integrations = deployed.len(),
        destructive = deployment.destructive,
        "a manifest was deployed"
    );
    Ok(deployed)
}

/// What deploying a manifest would say of it: every problem, warnings included.
///
/// # Errors
/// [`ActionError::NotFound`] for a project that is not the actor's.
pub async fn check(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    manifest: &[u8],
) -> Result<Vec<Problem>, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    Ok(report(engine, &tenant, manifest).await?.problems)
}

/// Gives one integration the revision that a manifest has for it. What else the
/// manifest declares is checked too, and not deployed.
///
/// # Errors
/// As [`deploy`], and when the manifest does not declare the integration.
pub async fn add_revision(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
    deployment: Deployment<'_>,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(integration).await?;
    let checked = checked(engine, &tenant, deployment.manifest, Problem::to_string).await?;
    let revisions = revisions(&checked.manifest)?;
    let own: Vec<NewRevision> = revisions
        .into_iter()
        .filter(|revision| revision.name == integration.name)
        .collect();
    if own.is_empty() {
        return Err(ActionError::invalid(
            format!(
                "the manifest does not declare the integration `{}`",
                integration.name
            ),
            "Deploy it with PUT …/integrations:batch, which adds what is new, or mend the name",
        ));
    }
    tenant
        .deploy(own, deployment.destructive, engine.clock.now())
        .await?;
    checked.log_warnings();
    tracing::info!(integration = %integration.id, "a revision was added");
    Ok(())
}

/// Makes an integration from its parts, through the same checks as a manifest.
///
/// # Errors
/// [`ActionError::Invalid`] with every problem, [`ActionError::Conflict`] when the
/// project has one of that name.
pub async fn create(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    new: NewIntegration,
) -> Result<Integration, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    for (key, outside) in [("name", &new.name), ("provider", &new.provider)] {
        let inside = new.content.get(key).and_then(Value::as_str);
        if inside.is_some_and(|inside| inside != outside) {
            return Err(ActionError::invalid(
                format!("`{key}` and `latestRevision.content.{key}` differ"),
                format!("Give both the same `{key}`"),
            ));
        }
    }
    let mut content = new.content;
    if let Some(content) = content.as_object_mut() {
        content.insert("name".to_owned(), json!(new.name));
        content.insert("provider".to_owned(), json!(new.provider));
    }
    let manifest = json!({ "specVersion": new.spec_version, "integrations": [content] });
    // A place in a text that nobody wrote says nothing; the path does.
    let place = |problem: &Problem| {
        let path = problem.path.strip_prefix("integrations[0]");
        let path = path.map_or_else(
            || format!("latestRevision.{}", problem.path),
            |path| format!("latestRevision.content{path}"),
        );
        format!("{path}: {}. {}", problem.message, problem.remedy)
    };
    let checked = checked(engine, &tenant, manifest.to_string().as_bytes(), place).await?;
    let revision = revisions(&checked.manifest)?.pop();
    let revision = revision.ok_or_else(|| {
        ActionError::Internal("a manifest with one integration has none".to_owned())
    })?;
    let created = tenant
        .create_integration(revision, engine.clock.now())
        .await?;
    checked.log_warnings();
    tracing::info!(integration = %created.id, "an integration was created");
    Ok(created)
}

/// Deletes an integration and uninstalls it everywhere: what was read and not yet
/// delivered goes with it, and so do connections that nothing else works through.
///
/// Installations go one by one, so what is cut off half-way has uninstalled some
/// customers and is simply asked for again.
///
/// # Errors
/// [`ActionError::NotFound`]; [`ActionError::Conflict`] when it is installed again
/// and again meanwhile.
pub async fn delete(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    integration: &str,
) -> Result<(), ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(integration).await?;
    let mut tries = 0;
    loop {
        let filter = InstallationFilter {
            integration_id: Some(integration.id.clone()),
            group_ref: None,
        };
        for installation in tenant.installations(filter).await? {
            match tenant.uninstall(&installation.id, engine.clock.now()).await {
                // The customer was faster.
                Ok(()) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match tenant.delete_integration(&integration.id).await {
            Err(StoreError::Outdated) if tries < MOST_TRIES => tries += 1,
            done => {
                done?;
                break;
            }
        }
    }
    let now = engine.clock.now();
    audit(&tenant, actor, "integration.delete", &integration.id, now).await?;
    tracing::info!(integration = %integration.id, "an integration was deleted");
    Ok(())
}

/// A manifest without errors.
struct Checked {
    manifest: Manifest,
    warnings: Vec<Problem>,
}

impl Checked {
    fn log_warnings(&self) {
        for problem in &self.warnings {
            tracing::warn!(rule = %problem.rule, %problem, "a deployed manifest has a warning");
        }
    }
}

/// Checks a manifest against the project's destinations and this server's
/// providers. `cause` says how an error is told.
async fn checked(
    engine: &Engine,
    tenant: &Tenant<'_>,
    manifest: &[u8],
    cause: impl Fn(&Problem) -> String,
) -> Result<Checked, ActionError> {
    let report = report(engine, tenant, manifest).await?;
    let (errors, warnings): (Vec<Problem>, Vec<Problem>) = report
        .problems
        .into_iter()
        .partition(|problem| problem.severity() == Severity::Error);
    match report.manifest.filter(|_| errors.is_empty()) {
        Some(manifest) => Ok(Checked { manifest, warnings }),
        None => Err(ActionError::Invalid {
            detail: match errors.len() {
                1 => "the manifest has a problem".to_owned(),
                n => format!("the manifest has {n} problems"),
            },
            causes: errors.iter().map(cause).collect(),
            remedy: Some("Mend them and deploy again; nothing was changed".to_owned()),
        }),
    }
}

async fn report(
    engine: &Engine,
    tenant: &Tenant<'_>,
    manifest: &[u8],
) -> Result<Report, ActionError> {
    let providers: Vec<_> = engine.registry.descriptions().collect();
    let destinations: Vec<KnownDestination> = tenant
        .destinations()
        .await?
        .into_iter()
        .map(|destination| KnownDestination {
            name: destination.name,
            disabled: destination.disabled,
        })
        .collect();
    let limits = engine.limits();
    Ok(manifest::check_for_project(
        manifest,
        &providers,
        limits,
        &destinations,
    ))
}

fn revisions(manifest: &Manifest) -> Result<Vec<NewRevision>, ActionError> {
    let integrations = manifest.integrations.iter();
    integrations
        .map(|integration| {
            let content = serde_json::to_value(integration).map_err(|error| {
                ActionError::Internal(format!("a manifest has no JSON form: {error}"))
            })?;
            Ok(NewRevision {
                name: integration.name.clone(),
                provider: integration.provider.clone(),
                spec_version: manifest.spec_version.clone(),
                content,
            })
        })
        .collect()
}
