//! Integrations: what an `amp.yaml` declares.

use manifest::{KnownDestination, Problem, Severity};
use store::{Actor, Integration, NewRevision};

use super::require_full;
use crate::{ActionError, Engine};

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
    let providers: Vec<_> = engine.registry.descriptions().collect();
    let limits = engine.limits();
    let destinations: Vec<KnownDestination> = tenant
        .destinations()
        .await?
        .into_iter()
        .map(|destination| KnownDestination {
            name: destination.name,
            disabled: destination.disabled,
        })
        .collect();
    let report =
        manifest::check_for_project(deployment.manifest, &providers, limits, &destinations);
    let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) = report
        .problems
        .iter()
        .partition(|problem| problem.severity() == Severity::Error);
    let Some(manifest) = report.manifest.filter(|_| errors.is_empty()) else {
        return Err(ActionError::Invalid {
            detail: match errors.len() {
                1 => "the manifest has a problem".to_owned(),
                n => format!("the manifest has {n} problems"),
            },
            causes: errors.iter().map(|problem| problem.to_string()).collect(),
            remedy: Some("Mend them and deploy again; nothing was changed".to_owned()),
        });
    };
    let revisions = manifest
        .integrations
        .iter()
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
        .collect::<Result<Vec<_>, ActionError>>()?;
    let deployed = tenant
        .deploy(revisions, deployment.destructive, engine.clock.now())
        .await?;
    for problem in warnings {
        tracing::warn!(rule = %problem.rule, %problem, "a deployed manifest has a warning");
    }
    tracing::info!(
        integrations = deployed.len(),
        destructive = deployment.destructive,
        "a manifest was deployed"
    );
    Ok(deployed)
}
