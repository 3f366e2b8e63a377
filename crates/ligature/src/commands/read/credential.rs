//! The credential of a read or a write: from the environment only, since command lines are
//! seen by everyone on a machine.

use outbound::Credential;
use secrecy::SecretString;

/// What `--help` says about it.
pub(in crate::commands) const HELP: &str = "\
Credential, from the environment:
  BITBUCKET_TOKEN        an OAuth access token, or a workspace, project or repository access token
  BITBUCKET_EMAIL and    the e-mail address of an Atlassian account
  BITBUCKET_API_TOKEN    and one of its API tokens";

/// What the environment holds.
pub(in crate::commands) struct Found {
    token: Option<SecretString>,
    email: Option<String>,
    api_token: Option<SecretString>,
}

impl Found {
    /// Looks for it; a variable that is empty is not there.
    pub(in crate::commands) fn in_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            token: variable("BITBUCKET_TOKEN").map(SecretString::from),
            email: variable("BITBUCKET_EMAIL"),
            api_token: variable("BITBUCKET_API_TOKEN").map(SecretString::from),
        }
    }

    /// The credential.
    ///
    /// # Errors
    /// When there is none, or half of one.
    pub(in crate::commands) fn credential(&self) -> anyhow::Result<Credential> {
        match (&self.token, &self.email, &self.api_token) {
            (Some(token), _, _) => Ok(Credential::Bearer(token.clone())),
            (None, Some(email), Some(token)) => Ok(Credential::Basic {
                username: email.clone(),
                password: token.clone(),
            }),
            (None, Some(_), None) => {
                anyhow::bail!("BITBUCKET_EMAIL is set, but BITBUCKET_API_TOKEN is not")
            }
            (None, None, Some(_)) => anyhow::bail!(
                "BITBUCKET_API_TOKEN is set, but BITBUCKET_EMAIL is not: an API token goes with its account's e-mail address"
            ),
            (None, None, None) => anyhow::bail!(
                "there is no credential. Set BITBUCKET_TOKEN (an OAuth or workspace, project or repository access token), \
                 or BITBUCKET_EMAIL and BITBUCKET_API_TOKEN (an API token of your Atlassian account)"
            ),
        }
    }

    /// What it is, in words.
    pub(in crate::commands) fn kind(&self) -> &'static str {
        if self.token.is_some() {
            "the access token in BITBUCKET_TOKEN"
        } else {
            "the API token in BITBUCKET_API_TOKEN"
        }
    }

    /// What to do when Bitbucket does not take it.
    pub(in crate::commands) fn refused(&self) -> &'static str {
        if self.token.is_some() {
            "Bitbucket refused the access token in BITBUCKET_TOKEN: OAuth access tokens last two hours, and an API token \
             does not go there but into BITBUCKET_API_TOKEN, with BITBUCKET_EMAIL"
        } else {
            "Bitbucket refused BITBUCKET_EMAIL with BITBUCKET_API_TOKEN: the address must be that of the Atlassian account \
             (not a user name), the token one of its API tokens with Bitbucket's scopes, and not expired (app passwords \
             are no longer taken, and access tokens go into BITBUCKET_TOKEN)"
        }
    }
}
