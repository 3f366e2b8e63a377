//! What a manifest of the right shape must also be.
//!
//! One module per part of the document. Rules look at the tree and not at the
//! model, so that they work on what is there even if something else is missing,
//! and know its place. A value of the wrong type counts as seen here: the shape
//! has reported it.

mod actions;
mod document;
mod fields;
mod read;
mod schedule;

use connector::Description;

use crate::Limits;
use crate::explain::Findings;
use crate::tree::At;

/// Runs every rule.
pub(crate) fn check(
    root: &At<'_>,
    providers: &[&Description],
    limits: Limits,
    findings: &mut Findings,
) {
    document::check(root, findings);
    let mut schedules = schedule::Schedules::new(limits);
    for integration in root.items_of("integrations") {
        let provider = document::check_integration(&integration, providers, findings);
        read::check(&integration, provider, &mut schedules, findings);
        actions::check(&integration, provider, findings);
    }
}
