//! Searching: the pages of a list of which Bitbucket has checked every condition.
//!
//! A search is a list with `q`, whichever way its object is read otherwise, and
//! what Bitbucket cannot check, or refuses to, is refused: an answer to less than
//! was asked would be a wrong one.
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>

use std::collections::BTreeMap;

use connector::{Failure, SearchIntent, State};

use super::list::List;
use super::{At, Position, query, row_of, workspace_of};
use crate::objects::OBJECTS;

/// The first position of a search.
pub(crate) fn start(intent: &SearchIntent) -> Result<State, Failure> {
    let row = row_of(&intent.object)?;
    if !row.object.is_searchable() {
        let others = OBJECTS.iter().filter(|object| object.is_searchable());
        let others: Vec<&str> = others.map(|object| object.name).collect();
        return Err(Failure::Invalid {
            message: format!(
                "Bitbucket cannot search {}; it can search {}",
                row.object.name,
                others.join(", ")
            ),
            fields: BTreeMap::new(),
        });
    }
    let conditions = query::exactly(&intent.filters, row.object.filterable).map_err(|fields| {
        Failure::Invalid {
            message: format!("Bitbucket cannot search {} like this", row.object.name),
            fields,
        }
    })?;
    State::pack(&Position {
        object: intent.object.clone(),
        workspace: workspace_of(row, &intent.inputs)?,
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
        strict: true,
        at: At::List(List::new(row.pagelen)),
    })
}
