//! Where a page is: a project that the builder may see. A project of somebody else
//! is as little there as one that does not exist.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use engine::{Actor, Engine, Scope};
use store::{Project, Tenant};

use super::answer::PageError;
use super::form::Fields;
use super::frame::{Frame, Place};
use super::visitor::SignedIn;
use crate::problem::Problem;

/// A page of a project, whose route begins with `/projects/{project}`.
#[derive(Debug)]
pub(crate) struct Here {
    pub(crate) engine: Engine,
    pub(crate) by: SignedIn,
    pub(crate) project: Project,
    projects: Vec<Project>,
    scope: Scope,
    parameters: Vec<(String, String)>,
    query: Fields,
}

impl Here {
    /// The store as the builder sees it here.
    pub(crate) fn tenant(&self) -> Tenant<'_> {
        self.engine.store.within(&self.scope)
    }

    /// What of the store the builder sees here.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Who acts, for [`engine::actions`].
    pub(crate) fn actor(&self) -> &Actor {
        &self.by.actor
    }

    /// A parameter of the route's path; empty where the route has none such.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// The query.
    pub(crate) fn query(&self) -> &Fields {
        &self.query
    }

    /// A path below the project, such as `/connections`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/projects/{}{rest}", self.project.id)
    }

    /// What is around a page.
    pub(crate) fn frame(&self, place: Place, title: &str) -> Frame {
        Frame::in_project(
            &self.by,
            &self.project,
            &self.projects,
            (place, title),
            self.engine.clock.now(),
        )
    }
}

impl FromRequestParts<Engine> for Here {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, PageError> {
        let by = <SignedIn as FromRequestParts<Engine>>::from_request_parts(parts, engine).await?;
        let parameters = RawPathParams::from_request_parts(parts, engine).await;
        let parameters = parameters.map_err(|error| Problem::new(400, error.body_text()))?;
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let project = parameters.iter().find(|(name, _)| name == "project");
        let project = project.map_or("", |(_, value)| value);
        let scope = engine.store.scope(&by.actor, project).await?;
        let projects = engine.store.projects(&by.actor).await?;
        let project = engine.store.within(&scope).project().await?;
        Ok(Self {
            engine: engine.clone(),
            by,
            project,
            projects,
            scope,
            parameters,
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        })
    }
}
