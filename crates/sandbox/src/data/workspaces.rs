//! Workspaces: the owners of everything else.

use super::calendar::Calendar;
use super::identity::{Identity, draw};
use super::ledger::Ledger;
use super::people::{Principal, escape};
use super::times::notation;
use crate::Options;
use crate::origin::Origin;
use serde_json::{Value, json};

/// Streams of numbers, one per object, so that a new object changes no old data.
const REPOSITORIES: u64 = 30;
const PROJECTS: u64 = 31;

/// One workspace and what lies in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) slug: String,
    pub(crate) seed: u64,
    pub(crate) repositories: Ledger,
    pub(crate) repository_ids: Identity,
    pub(crate) projects: Ledger,
    pub(crate) project_ids: Identity,
    /// How many projects the repositories were spread over at the start.
    pub(crate) project_count: u32,
    pub(crate) uuid: String,
    number: u32,
}

impl Workspace {
    pub(super) fn generate(options: &Options, slug: &str, number: u32) -> Self {
        let seed = draw(&[options.seed, 20, u64::from(number)]);
        let project_count = options.projects.max(1);
        Self {
            slug: slug.to_owned(),
            seed,
            repositories: Ledger::new(Calendar::new(&[seed, REPOSITORIES], options.repositories)),
            repository_ids: Identity::new(&[seed, REPOSITORIES]),
            projects: Ledger::new(Calendar::new(&[seed, PROJECTS], project_count)),
            project_ids: Identity::new(&[seed, PROJECTS]),
            project_count,
            uuid: Identity::new(&[options.seed, 20]).uuid(number),
            number,
        }
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.slug == name || self.uuid == name
    }

    /// `Acme Labs` for `acme-labs`.
    pub(crate) fn name(&self) -> String {
        let words: Vec<String> = self
            .slug
            .split('-')
            .map(|word| {
                let mut letters = word.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                first.into_iter().chain(letters).collect()
            })
            .collect();
        words.join(" ")
    }

    /// The first person owns the first workspace; everybody else is a member everywhere.
    pub(crate) fn is_owned_by(&self, principal: Principal) -> bool {
        match principal {
            Principal::Person(person) => person.number() == 0 && self.number == 0,
            Principal::App => false,
        }
    }

    /// The object of `GET /2.0/workspaces/{workspace}`.
    pub(crate) fn render(&self, origin: &Origin) -> Value {
        let slug = &self.slug;
        let link = |path: String| json!({"href": format!("{origin}{path}")});
        json!({
            "uuid": self.uuid,
            "links": {
                "owners": link(format!("/2.0/workspaces/{slug}/members?q=permission%3D%22owner%22")),
                "self": link(format!("/2.0/workspaces/{slug}")),
                "repositories": link(format!("/2.0/repositories/{slug}")),
                "snippets": link(format!("/2.0/snippets/{slug}")),
                "html": link(format!("/{slug}/")),
                "avatar": link(format!("/workspaces/{slug}/avatar/")),
                "members": link(format!("/2.0/workspaces/{slug}/members")),
                "projects": link(format!("/2.0/workspaces/{slug}/projects")),
                "hooks": link(format!("/2.0/workspaces/{slug}/hooks"))
            },
            "created_on": notation(1_543_458_398_297_476 + i64::from(self.number)),
            "type": "workspace",
            "slug": slug,
            "is_private": true,
            "is_privacy_enforced": false,
            "forking_mode": "allow_forks",
            "name": self.name()
        })
    }

    /// The short form inside other objects.
    pub(crate) fn render_short(&self, origin: &Origin) -> Value {
        let slug = &self.slug;
        json!({
            "type": "workspace",
            "uuid": self.uuid,
            "name": self.name(),
            "slug": slug,
            "links": {
                "avatar": {"href": format!("{origin}/workspaces/{slug}/avatar/")},
                "html": {"href": format!("{origin}/{slug}/")},
                "self": {"href": format!("{origin}/2.0/workspaces/{slug}")}
            }
        })
    }

    /// The form inside the entries of `GET /2.0/user/workspaces`.
    pub(crate) fn render_base(&self, origin: &Origin) -> Value {
        let slug = &self.slug;
        json!({
            "links": {
                "avatar": {"href": format!("{origin}/workspaces/{slug}/avatar/")},
                "self": {"href": format!("{origin}/2.0/workspaces/{slug}")}
            },
            "slug": slug,
            "type": "workspace_base",
            "uuid": self.uuid
        })
    }

    /// The account that owns repositories and projects.
    pub(crate) fn render_owner(&self, origin: &Origin) -> Value {
        let slug = &self.slug;
        json!({
            "display_name": self.name(),
            "links": {
                "self": {"href": format!("{origin}/2.0/workspaces/{}", escape(&self.uuid))},
                "avatar": {"href": format!("{origin}/account/{slug}/avatar/")},
                "html": {"href": format!("{origin}/{}/", escape(&self.uuid))}
            },
            "type": "team",
            "uuid": self.uuid,
            "username": slug
        })
    }
}
