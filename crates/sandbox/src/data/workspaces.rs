//! Workspaces: the owners of everything else.

use super::calendar::Calendar;
use super::collection::Collection;
use super::hooks::HookContent;
use super::identity::{Identity, draw};
use super::ledger::Ledger;
use super::people::{Principal, escape, everybody};
use super::projects::ProjectContent;
use super::snippets::SnippetContent;
use super::times::notation;
use super::variables::VariableContent;
use crate::Options;
use crate::origin::Origin;
use serde_json::{Value, json};

/// Streams of numbers, one per object, so that a new object changes no old data.
const REPOSITORIES: u64 = 30;
const PROJECTS: u64 = 31;
const MEMBERS: u64 = 32;
const HOOKS: u64 = 33;
const VARIABLES: u64 = 34;
const SNIPPETS: u64 = 35;

/// The two who can sign in, and the owner of the workspaces that the first person does not own.
const MIN_MEMBERS: u32 = 3;

/// One workspace and what lies in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) slug: String,
    pub(crate) seed: u64,
    pub(crate) repositories: Ledger,
    pub(crate) repository_ids: Identity,
    pub(crate) projects: Collection<ProjectContent>,
    /// How many projects the repositories were spread over at the start.
    pub(crate) project_count: u32,
    /// Written is a member's display name.
    pub(crate) members: Collection<String>,
    /// How many members the repositories were shared among at the start.
    pub(crate) member_count: u32,
    pub(crate) hooks: Collection<HookContent>,
    pub(crate) variables: Collection<VariableContent>,
    pub(crate) snippets: Collection<SnippetContent>,
    /// The UUIDs of everybody, the same in all workspaces.
    pub(crate) people: Identity,
    /// Address of the first member.
    pub(crate) first_email: String,
    pub(crate) uuid: String,
    number: u32,
}

impl Workspace {
    pub(super) fn generate(options: &Options, slug: &str, number: u32) -> Self {
        let seed = draw(&[options.seed, 20, u64::from(number)]);
        let project_count = options.projects.max(1);
        let member_count = options.members.max(MIN_MEMBERS);
        Self {
            slug: slug.to_owned(),
            seed,
            repositories: Ledger::new(Calendar::new(&[seed, REPOSITORIES], options.repositories)),
            repository_ids: Identity::new(&[seed, REPOSITORIES]),
            projects: Collection::new(&[seed, PROJECTS], project_count),
            project_count,
            members: Collection::new(&[seed, MEMBERS], member_count),
            member_count,
            hooks: Collection::new(&[seed, HOOKS], options.hooks),
            variables: Collection::new(&[seed, VARIABLES], options.variables),
            snippets: Collection::new(&[seed, SNIPPETS], options.snippets),
            people: everybody(options),
            first_email: options.email.clone(),
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

    /// Number of the member who owns it.
    pub(crate) fn owner(&self) -> u32 {
        if self.number == 0 { 0 } else { 2 }
    }

    /// Whether the caller is a member. The application sees what its consumer's owner sees.
    pub(crate) fn is_seen_by(&self, principal: Principal) -> bool {
        match principal {
            Principal::Person(person) => self.members.ledger.exists(person.number()),
            Principal::App => true,
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
