//! Repositories of a workspace, with `role`, `q` and `sort`.
//!
//! A read by `updated_on` costs two binary searches and one page, however many there are;
//! any other filter or order looks at every record.

use super::{Endpoint, workspace};
use crate::app::Shared;
use crate::bbql::{Bounds, Query, Record};
use crate::data::{Permission, Principal, REPOSITORY_FIELDS, Repository, Workspace};
use crate::guard::{Access, Caller};
use crate::origin::Origin;
use crate::paging::Listing;
use crate::parameters::Parameters;
use crate::refusal::{Refusal, with_json};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

const READ: Access =
    Access::new(&["repository"], &["read:repository:bitbucket"]).limited("repositories");

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/2.0/repositories/{workspace}",
        access: READ,
        route: || get(list),
    },
    Endpoint {
        path: "/2.0/repositories/{workspace}/{repository}",
        access: READ,
        route: || get(show),
    },
];

/// What the caller asked for, checked.
#[derive(Debug)]
struct Search {
    query: Option<Query>,
    sort: Sort,
    role: Option<Permission>,
}

/// Ties, and everything when no order is asked for, are in order of creation.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sort {
    field: Option<&'static str>,
    descending: bool,
}

impl Search {
    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let query = parameters
            .get("q")
            .map(|text| Query::parse(text, REPOSITORY_FIELDS))
            .transpose()
            .map_err(Refusal::bad_request)?;
        Ok(Self {
            query,
            sort: Sort::read(parameters.get("sort"))?,
            role: role(parameters.get("role"))?,
        })
    }

    /// Numbers of the records on one page, and how many there are on all.
    fn run(
        &self,
        workspace: &Workspace,
        principal: Principal,
        (skip, length): (usize, usize),
    ) -> (Vec<u32>, usize) {
        let ledger = &workspace.repositories;
        let everything = Bounds {
            complete: true,
            ..Bounds::default()
        };
        let bounds = self
            .query
            .as_ref()
            .map_or(everything, |query| query.bounds("updated_on"));
        let range = bounds.slice(ledger.by_update());
        let unfiltered = bounds.complete && self.role.is_none();
        let by_update = self.sort.field == Some("updated_on");
        if unfiltered && by_update && !self.sort.descending {
            let page = range.iter().skip(skip).take(length);
            return (page.map(|entry| entry.1).collect(), range.len());
        }
        if unfiltered && self.sort.field.is_none() && range.len() == ledger.live().len() {
            let page = ledger.live().iter().skip(skip).take(length);
            return (page.copied().collect(), range.len());
        }
        let mut found: Vec<u32> = range.iter().map(|entry| entry.1).collect();
        if !unfiltered {
            found.retain(|number| self.selects(Repository::new(workspace, *number), principal));
        }
        self.sort.apply(workspace, &mut found);
        let size = found.len();
        (found.into_iter().skip(skip).take(length).collect(), size)
    }

    fn selects(&self, repository: Repository<'_>, principal: Principal) -> bool {
        let role = self
            .role
            .is_none_or(|wanted| repository.permission(principal) >= Some(wanted));
        role && self
            .query
            .as_ref()
            .is_none_or(|query| query.selects(&repository))
    }
}

impl Sort {
    fn read(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else {
            return Ok(Self {
                field: None,
                descending: false,
            });
        };
        let name = text.strip_prefix('-').unwrap_or(text);
        let field = REPOSITORY_FIELDS
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(|| Refusal::bad_request(format!("{name} does not support sorting")))?;
        Ok(Self {
            field: Some(field.name),
            descending: name != text,
        })
    }

    fn apply(self, workspace: &Workspace, found: &mut [u32]) {
        found.sort_unstable();
        let Some(field) = self.field else { return };
        found.sort_by_cached_key(|number| {
            SortKey(Repository::new(workspace, *number).operand(field), self)
        });
    }
}

/// A field's value, compared in the direction of the sort.
struct SortKey(crate::bbql::Operand, Sort);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = self.0.order(&other.0);
        if self.1.descending {
            order.reverse()
        } else {
            order
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

/// `owner` selects what the caller owns, which for a team is the workspace's owners' view;
/// here that is the same as `admin` (inferred).
fn role(text: Option<&str>) -> Result<Option<Permission>, Refusal> {
    match text {
        None => Ok(None),
        Some("member") => Ok(Some(Permission::Read)),
        Some("contributor") => Ok(Some(Permission::Write)),
        Some("admin" | "owner") => Ok(Some(Permission::Admin)),
        Some(other) => Err(Refusal::bad_request(format!("Invalid role: {other}"))),
    }
}

async fn list(
    State(app): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    listing: Listing,
) -> Result<Response, Refusal> {
    let page = listing.page()?;
    let world = app.world();
    let workspace = workspace(&world, &name)?;
    let search = Search::read(&listing.parameters)?;
    let (numbers, size) = search.run(workspace, caller.principal, page.window());
    let values = numbers
        .into_iter()
        .map(|number| Repository::new(workspace, number).render(&listing.origin))
        .collect();
    listing.answer(page, size, values)
}

/// A repository's UUID is enough: with `{}` for the workspace every workspace is looked in.
async fn show(
    State(app): State<Shared>,
    Path((name, repository)): Path<(String, String)>,
    origin: Origin,
) -> Result<Response, Refusal> {
    let world = app.world();
    let found = if name == "{}" && repository.starts_with('{') {
        let everywhere = world.workspaces().iter();
        everywhere
            .filter_map(|workspace| Repository::find(workspace, &repository))
            .next()
    } else {
        Repository::find(workspace(&world, &name)?, &repository)
    };
    let found = found
        .ok_or_else(|| Refusal::not_found(format!("Repository {name}/{repository} not found")))?;
    Ok(with_json(StatusCode::OK, &found.render(&origin)))
}
