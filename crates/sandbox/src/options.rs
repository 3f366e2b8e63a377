//! What a sandbox is started with, and the credentials that are valid from the first moment.

use crate::Clock;

/// How a sandbox is laid out; every field has a documented default.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides all generated data. Default 1.
    pub seed: u64,
    /// Repositories in each workspace. Default 250.
    pub repositories: u32,
    /// Projects in each workspace, at least 1. Default 12.
    pub projects: u32,
    /// Members of each workspace, at least 3. Default 25.
    pub members: u32,
    /// Webhooks of each workspace. Default 15.
    pub hooks: u32,
    /// Pipelines variables of each workspace. Default 25.
    pub variables: u32,
    /// Snippets of each workspace. Default 15.
    pub snippets: u32,
    /// Workspace slugs. Default `acme` and `acme-labs`. The first person owns the first
    /// workspace and is a plain member of the others.
    pub workspaces: Vec<String>,
    /// The largest page of any list; more is refused, as Bitbucket refuses more than 100 of
    /// most lists and more than 50 of some. Default 100.
    pub max_pagelen: usize,
    /// Origin used in links. Default: the `Host` of each request.
    pub public_url: Option<String>,
    /// Calls to `/2.0/repositories/*` allowed per credential and window; as many more to list,
    /// create and delete webhooks, which Bitbucket counts apart. Default: no limit.
    pub rate_limit: Option<u32>,
    /// Length of the rolling window. Default 3600.
    pub rate_window_seconds: u64,
    /// OAuth consumer key. Default `sandbox-client`.
    pub client_id: String,
    /// OAuth consumer secret. Default `sandbox-secret`.
    pub client_secret: String,
    /// The one registered callback. Default `http://localhost:8080/callbacks/v1/oauth`.
    pub callback_url: String,
    /// Whether the consumer is "private", which `client_credentials` needs. Default false.
    pub private_consumer: bool,
    /// Scopes of the consumer and of the fixed access token, see [`Options::default`].
    pub scopes: Vec<String>,
    /// Scopes of the fixed API token, in the `read:…:bitbucket` style.
    pub api_token_scopes: Vec<String>,
    /// New refresh token at every use, the old one good for ten minutes more. Default true;
    /// false is the behaviour before May 2026: one refresh token that never expires.
    pub rotate_refresh_tokens: bool,
    /// Answer with `scopes` instead of `scope`, as before May 2026. Default false.
    pub legacy_scopes_field: bool,
    /// Lifetime of access tokens. Default 7200.
    pub access_token_seconds: u64,
    /// Length of access and refresh tokens in characters. Default 4096.
    pub token_chars: usize,
    /// A bearer token that never expires. Default `sandbox-access-token`.
    pub access_token: String,
    /// User name of the API token. Default `ada@example.com`.
    pub email: String,
    /// Password of the API token. Default `sandbox-api-token`.
    pub api_token: String,
    /// Where the time comes from. Default: the system.
    pub clock: Clock,
}

/// Read scopes of every object plus the write scopes of those that can be written.
const SCOPES: &str = "account email pipeline pipeline:variable project project:admin pullrequest \
                      repository repository:admin snippet snippet:write webhook";

const API_TOKEN_SCOPES: &str = "read:user:bitbucket read:workspace:bitbucket read:project:bitbucket \
     admin:project:bitbucket read:repository:bitbucket read:pipeline:bitbucket \
     admin:pipeline:bitbucket read:webhook:bitbucket write:webhook:bitbucket \
     delete:webhook:bitbucket read:snippet:bitbucket write:snippet:bitbucket \
     delete:snippet:bitbucket read:pullrequest:bitbucket";

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            repositories: 250,
            projects: 12,
            members: 25,
            hooks: 15,
            variables: 25,
            snippets: 15,
            workspaces: vec!["acme".to_owned(), "acme-labs".to_owned()],
            max_pagelen: 100,
            public_url: None,
            rate_limit: None,
            rate_window_seconds: 3600,
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            callback_url: "http://localhost:8080/callbacks/v1/oauth".to_owned(),
            private_consumer: false,
            scopes: words(SCOPES),
            api_token_scopes: words(API_TOKEN_SCOPES),
            rotate_refresh_tokens: true,
            legacy_scopes_field: false,
            access_token_seconds: 7200,
            token_chars: 4096,
            access_token: "sandbox-access-token".to_owned(),
            email: "ada@example.com".to_owned(),
            api_token: "sandbox-api-token".to_owned(),
            clock: Clock::system(),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
