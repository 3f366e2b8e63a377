//! Integrations: what an `amp.yaml` declares.

use manifest::{Limits, Problem, Severity};
use store::{Actor, Integration, NewRevision};

use super::require_full;
use crate::{ActionError, Engine};

/// Deploys a manifest: all of its integrations, or none when it has a problem.
///
/// # Errors
/// [`ActionError::Invalid`] with every problem, each with its place and remedy.
pub async fn deploy(
    engine: &Engine,
    actor: &Actor,
    project: &str,
    source_yaml: &str,
) -> Result<Vec<Integration>, ActionError> {
    require_full(actor)?;
    let scope = engine.store.scope(actor, project).await?;
    let providers: Vec<_> = engine.registry.descriptions().collect();
    let limits = Limits {
        min_schedule_seconds: engine.min_schedule_s,
    };
    let report = manifest::check(source_yaml, &providers, limits);
    let errors: Vec<&Problem> = report
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error)
        .collect();
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
    Ok(engine
        .store
        .within(&scope)
        .deploy(revisions, engine.clock.now())
        .await?)
}
