//! What is around every page of somebody who has signed in: where else one can go,
//! the way that led here, and what the last page left to be said.

use jiff::Timestamp;
use store::Project;

use super::answer::Flash;
use super::visitor::SignedIn;
use super::{assets, shown};

/// A page that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Integrations,
    ProviderApps,
    Installations,
    Connections,
    Destinations,
    Operations,
    Deliveries,
    Notifications,
    ApiKeys,
    JwtKeys,
    Members,
    Settings,
}

/// One heading of the navigation and what is below it.
#[derive(Debug)]
pub(crate) struct Chapter {
    pub(crate) heading: &'static str,
    pub(crate) links: &'static [Link],
}

/// One link of the navigation.
#[derive(Debug)]
pub(crate) struct Link {
    place: Place,
    pub(crate) name: &'static str,
    /// Below the project.
    pub(crate) path: &'static str,
}

const fn link(place: Place, name: &'static str, path: &'static str) -> Link {
    Link { place, name, path }
}

/// The navigation, in its order.
const CHAPTERS: &[Chapter] = &[
    Chapter {
        heading: "",
        links: &[link(Place::Overview, "Overview", "")],
    },
    Chapter {
        heading: "Build",
        links: &[
            link(Place::Integrations, "Integrations", "/integrations"),
            link(Place::ProviderApps, "Provider apps", "/provider-apps"),
            link(Place::Destinations, "Destinations", "/destinations"),
        ],
    },
    Chapter {
        heading: "Customers",
        links: &[
            link(Place::Installations, "Installations", "/installations"),
            link(Place::Connections, "Connections", "/connections"),
        ],
    },
    Chapter {
        heading: "Activity",
        links: &[
            link(Place::Operations, "Operations", "/operations"),
            link(Place::Deliveries, "Deliveries", "/deliveries"),
            link(Place::Notifications, "Notifications", "/notifications"),
        ],
    },
    Chapter {
        heading: "Project",
        links: &[
            link(Place::ApiKeys, "API keys", "/api-keys"),
            link(Place::JwtKeys, "JWT keys", "/jwt-keys"),
            link(Place::Members, "Members", "/members"),
            link(Place::Settings, "Settings", "/settings"),
        ],
    },
];

/// A step of the way that led to a page.
#[derive(Debug)]
pub(crate) struct Crumb {
    pub(crate) name: String,
    pub(crate) path: String,
}

/// What is around a page. Templates have it as `frame`.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) email: String,
    pub(crate) form_token: String,
    pub(crate) flash: Option<Flash>,
    /// `None` outside of projects.
    pub(crate) project: Option<Project>,
    /// Those that the builder may change to.
    pub(crate) projects: Vec<Project>,
    pub(crate) crumbs: Vec<Crumb>,
    place: Option<Place>,
    now: Timestamp,
}

impl Frame {
    /// Around a page that belongs to no project.
    pub(crate) fn outside(by: &SignedIn, title: &str, now: Timestamp) -> Self {
        Self {
            title: title.to_owned(),
            email: by.account.email.clone(),
            form_token: by.form_token.clone(),
            flash: by.flash.clone(),
            project: None,
            projects: Vec::new(),
            crumbs: Vec::new(),
            place: None,
            now,
        }
    }

    pub(super) fn in_project(
        by: &SignedIn,
        project: &Project,
        projects: &[Project],
        (place, title): (Place, &str),
        now: Timestamp,
    ) -> Self {
        Self {
            project: Some(project.clone()),
            projects: projects.to_vec(),
            place: Some(place),
            ..Self::outside(by, title, now)
        }
    }

    /// Puts a page below others.
    pub(crate) fn below(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push(Crumb {
            name: name.into(),
            path: path.into(),
        });
        self
    }

    pub(crate) fn chapters(&self) -> &'static [Chapter] {
        CHAPTERS
    }

    /// Whether the page is that of the link, or one below it.
    pub(crate) fn is_at(&self, link: &Link) -> bool {
        self.place == Some(link.place)
    }

    /// A path below the project.
    pub(crate) fn path(&self, rest: &str) -> String {
        let project = self.project.as_ref().map_or("", |project| &project.id);
        format!("/projects/{project}{rest}")
    }

    /// Where a file of `assets/` is.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    /// A time, in the viewer's zone where there is a script.
    pub(crate) fn time(&self, at: &Timestamp) -> shown::Time {
        shown::Time::at(*at)
    }

    /// How long ago, or in how long.
    pub(crate) fn ago(&self, at: &Timestamp) -> shown::Time {
        shown::Time::from(*at, self.now)
    }
}
