//! The document and each integration's head.

use std::collections::HashSet;

use connector::Description;

use crate::Rule;
use crate::explain::{Findings, did_you_mean, nearest};
use crate::tree::{At, Tree};

const SPEC_VERSION: &str = "1.0.0";

/// `specVersion`, and that there are integrations with names of their own.
pub(crate) fn check(root: &At<'_>, findings: &mut Findings) {
    if !matches!(root.node.value, Tree::Map(_) | Tree::Null) {
        return;
    }
    let remedy = format!("Write `specVersion: {SPEC_VERSION}` at the top");
    match root.get("specVersion") {
        None => findings.add(Rule::SpecVersion, root, "`specVersion` is missing", remedy),
        Some(version) => {
            let written = match &version.node.value {
                Tree::Text(text) => Some(text.clone()),
                Tree::Number(number) => Some(number.to_string()),
                _ => None,
            };
            if let Some(text) = written.filter(|text| text != SPEC_VERSION) {
                let message = format!("`specVersion` is `{text}`, which is not supported");
                findings.add(Rule::SpecVersion, &version, message, remedy);
            }
        }
    }
    let list = root.get("integrations");
    if list
        .as_ref()
        .is_none_or(|list| matches!(&list.node.value, Tree::List(l) if l.is_empty()))
    {
        let at = list.as_ref().unwrap_or(root);
        findings.add(
            Rule::NoIntegrations,
            at,
            "the manifest has no integrations",
            "Add at least one under `integrations`",
        );
    }
    let mut names = HashSet::new();
    for integration in root.items_of("integrations") {
        let Some(name) = integration.get("name") else {
            continue;
        };
        if name
            .text()
            .is_some_and(|text| !text.is_empty() && !names.insert(text))
        {
            let message = format!(
                "another integration is called `{}`",
                name.text().unwrap_or_default()
            );
            findings.add(
                Rule::RepeatedIntegration,
                &name,
                message,
                "Give each its own name",
            );
        }
    }
}

/// An integration's name, provider and module, and that it does something.
/// Returns the provider, or, for a slip of the pen, the one that was meant.
pub(crate) fn check_integration<'p>(
    integration: &At<'_>,
    providers: &[&'p Description],
    findings: &mut Findings,
) -> Option<&'p Description> {
    if !matches!(integration.node.value, Tree::Map(_)) {
        return None;
    }
    if integration.lacks("name") {
        findings.add(
            Rule::IntegrationName,
            integration,
            "the integration has no `name`",
            "Give it one that is unique in the project",
        );
    }
    // `watchSchema` is refused as such.
    let acts = ["read", "write", "subscribe", "proxy", "watchSchema"];
    if acts.iter().all(|action| integration.get(action).is_none()) {
        findings.add(
            Rule::NoAction,
            integration,
            "the integration does nothing",
            "Add `read`, `write` or `proxy`",
        );
    }
    let provider = check_provider(integration, providers, findings);
    if let (Some(provider), Some(module)) = (provider, integration.get("module"))
        && let Some(text) = module.text().filter(|text| !text.is_empty())
    {
        let message = format!("{} has no module `{text}`", provider.display_name);
        findings.add(Rule::UnknownModule, &module, message, "Remove `module`");
    }
    provider
}

fn check_provider<'p>(
    integration: &At<'_>,
    providers: &[&'p Description],
    findings: &mut Findings,
) -> Option<&'p Description> {
    let names = || providers.iter().map(|provider| provider.provider);
    let known = names().collect::<Vec<_>>().join(", ");
    if integration.lacks("provider") {
        findings.add(
            Rule::UnknownProvider,
            integration,
            "the integration has no `provider`",
            format!("Name one of: {known}"),
        );
        return None;
    }
    let named = integration.get("provider")?;
    let text = named.text()?;
    let called = |name: &str| {
        let mut all = providers.iter();
        all.find(|provider| provider.provider == name).copied()
    };
    let mut found = called(text);
    if found.is_none() {
        // Its objects are looked at too, so that all problems are told at once.
        found = nearest(text, names()).and_then(called);
        let remedy = did_you_mean(text, names(), &format!("Name one of: {known}"));
        findings.add(
            Rule::UnknownProvider,
            &named,
            format!("there is no provider `{text}`"),
            remedy,
        );
    }
    found
}
