//! What a manifest of the right shape must also be.
//!
//! One module per part of the document. Rules look at the tree and not at the
//! model, so that they work on what is there even if something else is missing,
//! and know its place. A value of the wrong type counts as seen here: the shape
//! has reported it.

mod actions;
mod destinations;
mod document;
mod fields;
mod objects;
mod read;
mod schedule;
mod subscribe;

use connector::Description;

use crate::explain::Findings;
use crate::tree::At;
use crate::{KnownDestination, Limits};

/// Runs every rule.
pub(crate) fn check(
    root: &At<'_>,
    providers: &[&Description],
    limits: Limits,
    destinations: Option<&[KnownDestination]>,
    findings: &mut Findings,
) {
    document::check(root, findings);
    let mut schedules = schedule::Schedules::new(limits);
    for integration in root.items_of("integrations") {
        let provider = document::check_integration(&integration, providers, findings);
        let surroundings = read::Surroundings {
            provider,
            destinations,
        };
        read::check(&integration, surroundings, &mut schedules, findings);
        actions::check_write(&integration, provider, findings);
        subscribe::check(&integration, destinations, findings);
        actions::refuse(&integration, provider, findings);
    }
}
