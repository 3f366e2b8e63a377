//! The table side of a provider: what it is and what it offers.
//!
//! A capability that a provider lacks is absent here, never an empty default.

/// One provider.
#[derive(Debug, Clone)]
pub struct Description {
    /// The name in manifests and in the API, such as `bitbucket`.
    pub provider: &'static str,
    /// The name shown to people.
    pub display_name: &'static str,
    /// Where people read about the provider's API.
    pub docs_url: &'static str,
    /// Scheme, host and port of the API. Credentials go to this origin only.
    pub origin: String,
    /// The OAuth 2.0 authorization code flow.
    pub oauth: OAuth,
    /// How a builder registers an OAuth client, told beside the form that takes it.
    pub client_setup: Option<ClientSetup>,
    /// What a customer must say besides giving consent.
    pub inputs: &'static [Input],
    /// Credentials that can be given by hand instead of a consent.
    pub own_credentials: &'static [OwnCredential],
    /// The path of a request that any good credential may make or is forbidden to
    /// make, so that a 401 to it says that the credential is none.
    pub check_path: Option<&'static str>,
    /// Requests that share a published limit.
    pub groups: Vec<ResourceGroup>,
    /// Every object, in the order in which they are shown.
    pub objects: &'static [Object],
    /// What is known of requests that others put together and this server passes
    /// on; `None` where it passes none on.
    pub proxy: Option<Proxy>,
    /// The names of those of which records can be created, changed and deleted.
    pub writable: &'static [&'static str],
}

impl Description {
    /// The row of an object, by the provider's name for it.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&'static Object> {
        self.objects.iter().find(|object| object.name == name)
    }

    /// The scope that writing an object needs, where one is known.
    #[must_use]
    pub fn write_scope(&self, object: &str) -> Option<&'static str> {
        let setup = self.client_setup.as_ref()?;
        let found = setup.write_scopes.iter().find(|(name, _)| *name == object);
        found.map(|(_, scope)| *scope)
    }

    /// What the provider calls a scope when a builder or a customer grants it.
    #[must_use]
    pub fn permission(&self, scope: &str) -> Option<&'static Permission> {
        let setup = self.client_setup.as_ref()?;
        setup.permissions.iter().find(|known| known.scope == scope)
    }

    /// Whether whoever has `granted` may do what `scope` stands for.
    #[must_use]
    pub fn is_granted(&self, scope: &str, granted: &[String]) -> bool {
        granted.iter().any(|has| {
            let implied = self.permission(has).map_or(&[][..], |known| known.implies);
            has == scope || implied.contains(&scope)
        })
    }

    /// The resource group of that name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&ResourceGroup> {
        self.groups.iter().find(|group| group.name == name)
    }
}

/// Requests that others put together, to any path of the API.
#[derive(Debug, Clone, Copy)]
pub struct Proxy {
    /// What a method (in upper case) and a path (decoded, without the query) come
    /// to. Where the provider is silent, the more expensive answer is right.
    pub passage: fn(method: &str, path: &str) -> Passage,
}

/// How the provider takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// The [`ResourceGroup`] that it counts it under.
    pub group: Option<&'static str>,
    /// Whether a 401 may mean that the credential is no good.
    pub judges_credential: bool,
}

/// Where consent is asked for and tokens are handed out. The client
/// authenticates by HTTP Basic.
#[derive(Debug, Clone)]
pub struct OAuth {
    /// The page on which the customer consents.
    pub authorize_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Whether the scopes must be in the authorization request.
    pub explicit_scopes: bool,
}

/// How a builder registers an OAuth client with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSetup {
    /// The provider's page about it.
    pub docs_url: &'static str,
    /// What the provider calls the client id.
    pub client_id_name: &'static str,
    /// What the provider calls the client secret.
    pub client_secret_name: &'static str,
    /// What to do there, in its order.
    pub steps: &'static [SetupStep],
    /// The scopes under the names that the provider's pages have for them.
    pub permissions: &'static [Permission],
    /// Objects, and the scope that writing them needs.
    pub write_scopes: &'static [(&'static str, &'static str)],
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupStep {
    /// What, in a sentence or two.
    pub text: &'static str,
    /// What of this server is needed for it.
    pub shows: Option<SetupPart>,
}

/// What of this server a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupPart {
    /// The address that the provider sends customers back to.
    CallbackUrl,
    /// The scopes of the objects that the builder's manifests have.
    Permissions,
}

/// A scope as people meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The scope.
    pub scope: &'static str,
    /// The provider's name for it.
    pub display_name: &'static str,
    /// Scopes that come with it.
    pub implies: &'static [&'static str],
}

/// A kind of credential that is given by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnCredential {
    /// The kind.
    pub kind: OwnCredentialKind,
    /// What it is to this provider, for messages.
    pub name: &'static str,
    /// What to do when the provider refuses it.
    pub remedy: &'static str,
}

/// How a credential that is given by hand is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCredentialKind {
    /// HTTP Basic: a user name and a secret.
    Basic,
    /// A bearer token.
    ApiKey,
}

/// A value that a customer gives when connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The key in `providerMetadata`.
    pub name: &'static str,
    /// The label on a form.
    pub display_name: &'static str,
    /// One sentence that says where to find the value.
    pub prompt: &'static str,
    /// The provider's page about it.
    pub docs_url: &'static str,
}

/// Requests that the provider counts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceGroup {
    /// A stable name, as [`crate::Request::group`] gives it.
    pub name: &'static str,
    /// Requests allowed in a window, per credential or OAuth client.
    pub limit: u32,
    /// The length of the rolling window in seconds.
    pub window_s: u32,
}

/// One object that can be read.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// The provider's name, which may contain `/`.
    pub name: &'static str,
    /// The name shown to people.
    pub display_name: &'static str,
    /// Dotted paths which together identify a record, fields that we add
    /// included ([`crate::Record::added`]).
    pub key: &'static [&'static str],
    /// The record's own time, by which a limited read can leave it out: when it
    /// last changed or, where that is not told, when it was made. Whether a
    /// record changed is said by [`crate::Record::version`] alone.
    pub timestamp: Option<&'static str>,
    /// What the provider itself can filter.
    pub filtering: Filtering,
    /// The fields by whose value the provider can filter on its side.
    pub filterable: &'static [Filterable],
    /// The fields known beforehand.
    pub fields: &'static [Field],
    /// The OAuth scope that reading needs, if any.
    pub scope: Option<&'static str>,
    /// Set where the provider offers the object no more. It is still listed, so
    /// that whoever asks for it is told why there is nothing.
    pub removed: Option<Removed>,
    /// The provider's page about the object.
    pub docs_url: &'static str,
}

impl Object {
    /// Whether the provider can look for records of it by the value of a field.
    #[must_use]
    pub fn is_searchable(&self) -> bool {
        self.removed.is_none() && !self.filterable.is_empty()
    }
}

/// A field by whose value the provider can filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filterable {
    /// Its dotted path from the top of the record.
    pub path: &'static str,
    /// The type of value that it is compared with: [`ValueType::String`],
    /// [`ValueType::Boolean`] or [`ValueType::Int`].
    pub value_type: ValueType,
}

/// The end of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Where the provider announced it, or the page on which it announces such
    /// things.
    pub announcement: &'static str,
}

/// What a provider can leave out on its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtering {
    /// Records can be asked for from a time on: reads are incremental.
    ByTime,
    /// Nothing: every read is a full one.
    None,
}

/// One field of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name in the provider's JSON, at the top of the record.
    pub name: &'static str,
    /// The name shown to people.
    pub display_name: &'static str,
    /// The contract's type.
    pub value_type: ValueType,
    /// The provider's own type name.
    pub provider_type: &'static str,
    /// Whether the provider sets it and refuses to be told.
    pub read_only: bool,
    /// The published values of a select. A newer one may turn up in a record
    /// all the same.
    pub options: &'static [&'static str],
}

/// The value types of the API contract's field metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueType {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// One of a closed list.
    SingleSelect,
    /// Several of a closed list.
    MultiSelect,
    /// A day.
    Date,
    /// An instant; the contract spells it in one word.
    #[serde(rename = "datetime")]
    DateTime,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// The key of a record of another object.
    Reference,
    /// Objects and lists, which the contract does not name.
    Other,
}
