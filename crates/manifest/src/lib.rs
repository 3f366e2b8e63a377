//! `amp.yaml`: parsed with positions, validated, explained.
//!
//! A manifest goes through three stages. [`parse`] makes a tree in which every
//! value knows its line and column. The shape (which keys, which types) and the
//! rules are checked on that tree, so that all problems are reported at once,
//! each at its place. What the shape knows becomes the model ([`Manifest`]),
//! which is also what the store keeps and the API answers, integration by integration.
//!
//! What always holds: nothing here does I/O, reads a clock or names a provider;
//! the providers are handed in as [`connector::Description`] values. Any bytes
//! at all may come in; what goes out points inside them.

mod explain;
mod ignore;
mod jsonpath;
mod model;
mod parse;
mod rule;
mod rules;
mod shape;
mod tree;

#[cfg(test)]
mod tests;

pub use explain::{Problem, Severity};
pub use jsonpath::{FieldPath, FieldPathError};
pub use model::{
    Backfill, DefaultPeriod, Delivery, Integration, IntegrationField, Manifest, Proxy, Read,
    ReadObject, ValueDefaults, Write, WriteObject,
};
pub use parse::{Parsed, decode, parse};
pub use rule::Rule;
pub use rules::explain_schedule;

/// What the server, rather than the manifest, decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The shortest time allowed between two ticks of a schedule
    /// (`LIGATURE_MIN_SCHEDULE_SECONDS`).
    pub min_schedule_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            min_schedule_seconds: 600,
        }
    }
}

/// A destination of the project that a manifest is deployed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDestination {
    /// The name, which manifests use.
    pub name: String,
    /// Whether nothing is sent to it for now.
    pub disabled: bool,
}

/// Everything that is known of a manifest.
#[derive(Debug, Clone)]
pub struct Report {
    /// The manifest, if it has the right shape. It is fit for use only if no
    /// problem is an error.
    pub manifest: Option<Manifest>,
    /// All problems, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether any problem is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|p| p.severity() == Severity::Error)
    }
}

/// Parses and validates a manifest against the providers there are.
#[must_use]
pub fn check(
    source: impl AsRef<[u8]>,
    providers: &[&connector::Description],
    limits: Limits,
) -> Report {
    check_whole(source.as_ref(), providers, limits, None)
}

/// The same at deployment, when the project's destinations are known.
#[must_use]
pub fn check_for_project(
    source: impl AsRef<[u8]>,
    providers: &[&connector::Description],
    limits: Limits,
    destinations: &[KnownDestination],
) -> Report {
    check_whole(source.as_ref(), providers, limits, Some(destinations))
}

fn check_whole(
    source: &[u8],
    providers: &[&connector::Description],
    limits: Limits,
    destinations: Option<&[KnownDestination]>,
) -> Report {
    let Parsed { root, problems } = parse(source);
    let mut findings = explain::Findings::new(problems);
    let manifest = root.and_then(|root| {
        let root = tree::At::root(&root);
        let value = shape::check(&root, &mut findings);
        rules::check(&root, providers, limits, destinations, &mut findings);
        ignore::apply(source, destinations.is_some(), &mut findings);
        let manifest = value.map(serde_json::from_value)?;
        // Only what a rule has refused already can fail here.
        manifest.ok()
    });
    Report {
        manifest,
        problems: findings.into_sorted(),
    }
}
