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

pub use schedule::explain_schedule;

use connector::Description;

use crate::explain::Findings;
use crate::tree::At;
use crate::{KnownDestination, Limits};

/// What is remembered over the whole document.
#[derive(Debug)]
struct Seen<'a> {
    schedules: schedule::Schedules<'a>,
    destinations: destinations::Destinations<'a>,
}

/// Runs every rule.
pub(crate) fn check<'a>(
    root: &At<'a>,
    providers: &[&Description],
    limits: Limits,
    known: Option<&'a [KnownDestination]>,
    findings: &mut Findings,
) {
    document::check(root, findings);
    let mut seen = Seen {
        schedules: schedule::Schedules::new(limits),
        destinations: destinations::Destinations::new(known),
    };
    for integration in root.items_of("integrations") {
        let provider = document::check_integration(&integration, providers, findings);
        read::check(&integration, provider, &mut seen, findings);
        actions::check_write(&integration, provider, findings);
        subscribe::check(&integration, &mut seen, findings);
        actions::refuse(&integration, provider, findings);
    }
}
