//! Who asks, and what they may see.
//!
//! An [`Actor`] is made here and nowhere else; it alone makes a [`Scope`]; and
//! without a `Scope` there is no [`Tenant`], whose methods are the only queries
//! over a project's rows that take identifiers from outside.

use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter};

use crate::Store;
use crate::entities::{api_key, membership, project};
use crate::error::{Result, StoreError};
use crate::install_link::InstallLink;
use crate::jwt_key::JwtKey;
use crate::secrets::digest;

/// What an [`Actor`] may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// What a browser needs to connect and install, nothing else.
    Frontend,
}

/// A person or a program that asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    who: Who,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Operator,
    Builder {
        builder_id: String,
    },
    ApiKey {
        project_id: String,
        public_part: String,
        access: Access,
    },
    Customer {
        project_id: String,
        group_ref: String,
        consumer_ref: String,
    },
}

impl Actor {
    /// What this actor may use.
    #[must_use]
    pub fn access(&self) -> Access {
        match &self.who {
            Who::Operator | Who::Builder { .. } => Access::Full,
            Who::ApiKey { access, .. } => *access,
            Who::Customer { .. } => Access::Frontend,
        }
    }

    /// A builder who has signed in.
    pub(crate) fn builder(builder_id: String) -> Self {
        Self {
            who: Who::Builder { builder_id },
        }
    }

    /// The builder who acts, if one does.
    #[must_use]
    pub fn builder_id(&self) -> Option<&str> {
        match &self.who {
            Who::Builder { builder_id } => Some(builder_id),
            Who::Operator | Who::ApiKey { .. } | Who::Customer { .. } => None,
        }
    }

    /// Whether this is the person at the machine.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        matches!(self.who, Who::Operator)
    }

    /// The one project that this actor belongs to; `None` for whoever may see
    /// several.
    #[must_use]
    pub fn project_id(&self) -> Option<&str> {
        match &self.who {
            Who::Operator | Who::Builder { .. } => None,
            Who::ApiKey { project_id, .. } | Who::Customer { project_id, .. } => Some(project_id),
        }
    }

    /// Who did it, for `createdBy` and the audit log. Never the whole key.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.who {
            Who::Operator => "operator".to_owned(),
            Who::Builder { builder_id } => format!("builder:{builder_id}"),
            Who::ApiKey { public_part, .. } => format!("api-key:{public_part}"),
            Who::Customer { consumer_ref, .. } => consumer_label(consumer_ref),
        }
    }

    /// The one group that this actor sees, and the person of it that acts; `None`
    /// is all of them.
    #[must_use]
    pub fn customer(&self) -> Option<(&str, &str)> {
        match &self.who {
            Who::Operator | Who::Builder { .. } | Who::ApiKey { .. } => None,
            Who::Customer {
                group_ref,
                consumer_ref,
                ..
            } => Some((group_ref, consumer_ref)),
        }
    }

    /// Whether this actor may create projects: a builder may, in its
    /// organisations.
    #[must_use]
    pub fn may_create_projects(&self) -> bool {
        matches!(self.who, Who::Operator | Who::Builder { .. })
    }

    /// Which rows of `project` this actor sees.
    pub(crate) fn projects_seen(&self) -> Condition {
        match &self.who {
            Who::Operator => Condition::all(),
            Who::Builder { builder_id } => Condition::all().add(
                project::Column::OrgId
                    .in_subquery(membership::Entity::ids_of_organizations(builder_id)),
            ),
            Who::ApiKey { project_id, .. } | Who::Customer { project_id, .. } => {
                Condition::all().add(project::Column::Id.eq(project_id))
            }
        }
    }
}

/// What [`Actor::label`] calls a person of a customer.
pub(crate) fn consumer_label(consumer_ref: &str) -> String {
    format!("consumer:{consumer_ref}")
}

/// One project, or one group of it: what a query may touch.
#[derive(Debug, Clone)]
pub struct Scope {
    project_id: String,
    group_ref: Option<String>,
    /// Who acts; `None` where the store itself has found what is to be done.
    by: Option<String>,
}

/// Scopes are the same that see the same, whoever acts.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        (&self.project_id, &self.group_ref) == (&other.project_id, &other.group_ref)
    }
}

impl Eq for Scope {}

impl Scope {
    /// All of a project: for what the store itself has found to belong there.
    pub(crate) fn of_project(project_id: String) -> Self {
        Self::found(project_id, None)
    }

    /// The scope that a row of the store remembers.
    pub(crate) fn found(project_id: String, group_ref: Option<String>) -> Self {
        Self {
            project_id,
            group_ref,
            by: None,
        }
    }

    /// The same, for somebody who acts.
    pub(crate) fn by(self, label: String) -> Self {
        Self {
            by: Some(label),
            ..self
        }
    }

    /// The same, for a person of a customer who has come back from a consent.
    #[must_use]
    pub fn of_consumer(self, consumer_ref: &str) -> Self {
        self.by(consumer_label(consumer_ref))
    }

    /// Who acts, for the audit log.
    pub(crate) fn actor(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// The project.
    #[must_use]
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// The only group whose rows are visible; `None` is every group.
    #[must_use]
    pub fn group_ref(&self) -> Option<&str> {
        self.group_ref.as_deref()
    }
}

/// The store as one [`Scope`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Tenant<'a> {
    pub(crate) store: &'a Store,
    pub(crate) scope: &'a Scope,
}

impl Store {
    /// The person at the machine: the command line and the bootstrap. Sees
    /// every project.
    #[must_use]
    pub fn operator(&self) -> Actor {
        Actor { who: Who::Operator }
    }

    /// The actor behind a whole API key; `None` when there is no such active
    /// key.
    pub async fn authenticate_api_key(&self, whole_key: &str) -> Result<Option<Actor>> {
        let row = api_key::Entity::find()
            .filter(api_key::Column::Digest.eq(digest(whole_key)))
            .filter(api_key::Column::Active.eq(true))
            .one(self.read())
            .await?;
        Ok(row.map(|row| Actor {
            who: Who::ApiKey {
                access: access(&row.scopes.0),
                project_id: row.project_id,
                public_part: row.key,
            },
        }))
    }

    /// A person of one customer, for whom a token was signed by that key.
    #[must_use]
    pub fn customer(&self, key: &JwtKey, group_ref: &str, consumer_ref: &str) -> Actor {
        Actor {
            who: Who::Customer {
                project_id: key.project_id.clone(),
                group_ref: group_ref.to_owned(),
                consumer_ref: consumer_ref.to_owned(),
            },
        }
    }

    /// The person of one customer who has opened that link. The caller has checked
    /// its signature, and that it is still good.
    #[must_use]
    pub fn customer_of_link(&self, link: &InstallLink) -> Actor {
        Actor {
            who: Who::Customer {
                project_id: link.project_id.clone(),
                group_ref: link.group_ref.clone(),
                consumer_ref: link.consumer_ref.clone(),
            },
        }
    }

    /// The scope of a project that the actor may see. A project that does not
    /// exist and one of somebody else are both `NotFound`.
    pub async fn scope(&self, actor: &Actor, project_id_or_name: &str) -> Result<Scope> {
        let named = project::Column::Id
            .eq(project_id_or_name)
            .or(project::Column::Name.eq(project_id_or_name));
        let rows = project::Entity::find()
            .filter(named)
            .filter(actor.projects_seen())
            .all(self.read())
            .await?;
        // An identifier goes before a name that looks like one.
        rows.iter()
            .find(|row| row.id == project_id_or_name)
            .or(rows.first())
            .map(|row| {
                let group = actor.customer().map(|(group, _)| group.to_owned());
                Scope::found(row.id.clone(), group).by(actor.label())
            })
            .ok_or_else(|| StoreError::not_found("project", project_id_or_name))
    }

    /// The store as that scope sees it.
    #[must_use]
    pub fn within<'a>(&'a self, scope: &'a Scope) -> Tenant<'a> {
        Tenant { store: self, scope }
    }
}

/// No scope at all is every scope; anything but `full` opens only what a
/// browser needs.
pub(crate) fn access(scopes: &[String]) -> Access {
    if scopes.is_empty() || scopes.iter().any(|scope| scope == "full") {
        Access::Full
    } else {
        Access::Frontend
    }
}
