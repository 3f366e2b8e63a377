//! Bitbucket Cloud behind the connector contract.
//!
//! [`Bitbucket`] describes the provider, reads its objects, which are the rows of
//! the table in `objects`, and writes some of them. `read` holds the ways of
//! reading a collection, `write` those of writing a record, `wire` the shape of a
//! page, `failure` what a refusal means.
//!
//! What always holds: nothing is sent but to the API's origin, a page's `next`
//! that leads elsewhere included; a record is handed on byte for byte; no body
//! that is not JSON is ever quoted.
//!
//! Limits: `/2.0/repositories/*` allows 1,000 requests an hour, counted per
//! OAuth consumer over all its users, and so do the lists of webhooks; pages hold
//! at most 100 records, on some endpoints fewer. No other endpoint used here has
//! a published number.
//!
//! - API: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>
//! - OAuth: <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>
//! - Limits: <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>

mod endpoints;
mod failure;
mod objects;
mod read;
mod setup;
#[cfg(test)]
mod tests;
mod time;
mod wire;
mod write;

use connector::{
    Connector, Description, Failure, Input, Intent, OAuth, Outcome, OwnCredential,
    OwnCredentialKind, Passage, Request, ResourceGroup, Response, State,
};
use url::Url;

pub use endpoints::{EndpointError, Endpoints};

/// The group of requests to `/2.0/repositories/*`.
pub const REPOSITORIES_GROUP: &str = "repositories";

/// The group of requests that list, create or delete webhooks.
pub const WEBHOOKS_GROUP: &str = "webhooks";

const INPUTS: &[Input] = &[Input {
    name: "workspace",
    display_name: "Workspace",
    prompt: "The part after bitbucket.org/ in the address of any of the workspace's repositories, \
             or the workspace's UUID.",
    docs_url: "https://support.atlassian.com/bitbucket-cloud/docs/what-is-a-workspace/",
}];

/// App passwords are none of these: Bitbucket takes them no more since July 2026.
const OWN_CREDENTIALS: &[OwnCredential] = &[
    OwnCredential {
        kind: OwnCredentialKind::Basic,
        name: "e-mail address and API token",
        remedy: "Use the e-mail address of the Atlassian account (not the Bitbucket username) and \
                 an API token with scopes for Bitbucket; app passwords have ended",
    },
    OwnCredential {
        kind: OwnCredentialKind::ApiKey,
        name: "access token",
        remedy: "Use a workspace, project or repository access token that has not expired; an API \
                 token goes with its e-mail address as `basicAuth` instead",
    },
];

/// Bitbucket Cloud.
#[derive(Debug)]
pub struct Bitbucket {
    api: Url,
    description: Description,
}

impl Bitbucket {
    /// Bitbucket at the given endpoints; `Endpoints::default()` is the real one.
    ///
    /// # Errors
    /// [`EndpointError`] when an endpoint is not a plain HTTP origin.
    pub fn new(endpoints: &Endpoints) -> Result<Self, EndpointError> {
        let api = endpoints::origin("api_url", &endpoints.api_url)?;
        let oauth = endpoints::origin("oauth_url", &endpoints.oauth_url)?;
        let oauth = oauth.origin().ascii_serialization();
        let description = Description {
            provider: "bitbucket",
            display_name: "Bitbucket",
            docs_url: "https://developer.atlassian.com/cloud/bitbucket/rest/intro/",
            origin: api.origin().ascii_serialization(),
            oauth: OAuth {
                authorize_url: format!("{oauth}/site/oauth2/authorize"),
                token_url: format!("{oauth}/site/oauth2/access_token"),
                // Scopes are fixed on the OAuth consumer.
                explicit_scopes: false,
            },
            client_setup: Some(setup::CLIENT),
            inputs: INPUTS,
            own_credentials: OWN_CREDENTIALS,
            // A token of a repository, project or workspace is no user and gets 403.
            check_path: Some("/2.0/user"),
            groups: [REPOSITORIES_GROUP, WEBHOOKS_GROUP]
                .map(|name| ResourceGroup {
                    name,
                    limit: 1000,
                    window_s: 3600,
                })
                .to_vec(),
            objects: &objects::OBJECTS,
            proxy: Some(connector::Proxy { passage }),
            writable: objects::WRITABLE,
        };
        Ok(Self { api, description })
    }
}

/// Repositories are counted by path, and with them the webhooks below one; whether
/// Bitbucket counts those under webhooks instead is not published. Nor is whether
/// it tells letters apart by case, so they are not told apart here.
fn passage(_method: &str, path: &str) -> Passage {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is =
        |segment: Option<&str>, name: &str| segment.is_some_and(|s| s.eq_ignore_ascii_case(name));
    let (_version, object) = (segments.next(), segments.next());
    let group = if is(object, "repositories") {
        Some(REPOSITORIES_GROUP)
    } else if is(object, "workspaces") && is(segments.nth(1), "hooks") {
        Some(WEBHOOKS_GROUP)
    } else {
        None
    };
    Passage {
        group,
        // It refuses everyone who is not a Connect app.
        judges_credential: !is(object, "addon"),
    }
}

impl Connector for Bitbucket {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn start(&self, intent: &Intent) -> Result<State, Failure> {
        match intent {
            Intent::Read(intent) => read::start(intent),
            Intent::Search(intent) => read::search(intent),
            Intent::Write(intent) => write::start(intent),
        }
    }

    fn step(&self, state: &State) -> Result<Request, Failure> {
        match write::Position::of(state) {
            Some(position) => position.step(&self.api),
            None => read::step(&self.api, state),
        }
    }

    fn advance(&self, state: &State, response: &Response) -> Outcome {
        let outcome = match write::Position::of(state) {
            Some(position) => position.advance(&self.api, response),
            None => read::advance(&self.api, state, response),
        };
        outcome.unwrap_or_else(Outcome::Failed)
    }
}
