//! The generated world: people, workspaces, and one file per object in them.
//!
//! A record is a pure function of the seed, its number and the changes made to it, and is
//! built when it is asked for; only the order of times is kept. A hundred thousand
//! repositories take a few megabytes.

mod calendar;
mod collection;
mod events;
mod grants;
mod hooks;
mod identity;
mod ledger;
mod members;
mod people;
mod projects;
mod repositories;
mod snippets;
mod times;
mod variables;
mod workspaces;

pub(crate) use events::{Event, events};
pub(crate) use grants::{FIELDS as GRANT_FIELDS, Grant, grants};
pub(crate) use hooks::{Hook, HookContent};
pub(crate) use identity::draw;
pub(crate) use ledger::Ledger;
pub(crate) use members::{FIELDS as MEMBER_FIELDS, Member};
pub(crate) use people::{Person, Principal};
pub(crate) use projects::{Project, ProjectContent};
pub(crate) use repositories::{FIELDS as REPOSITORY_FIELDS, Permission, Repository};
pub(crate) use snippets::{Snippet, SnippetContent};
pub(crate) use times::notation;
pub(crate) use variables::{Variable, VariableContent};
pub(crate) use workspaces::Workspace;

use crate::Options;

/// Everything that can be read.
#[derive(Debug)]
pub(crate) struct World {
    workspaces: Vec<Workspace>,
}

impl World {
    pub(crate) fn generate(options: &Options) -> Self {
        let workspaces = options
            .workspaces
            .iter()
            .zip(0..)
            .map(|(slug, number)| Workspace::generate(options, slug, number))
            .collect();
        Self { workspaces }
    }

    pub(crate) fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// By slug or by `{uuid}`.
    pub(crate) fn workspace(&self, name: &str) -> Option<&Workspace> {
        self.workspaces
            .iter()
            .find(|workspace| workspace.is_named(name))
    }

    pub(crate) fn workspace_mut(&mut self, name: &str) -> Option<&mut Workspace> {
        self.workspaces
            .iter_mut()
            .find(|workspace| workspace.is_named(name))
    }
}
