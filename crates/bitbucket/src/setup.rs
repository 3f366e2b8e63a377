//! How an OAuth consumer is made, and what Bitbucket's pages call its scopes.
//!
//! - Consumers: <https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/>
//! - Scopes: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication>

use connector::{ClientSetup, Permission, SetupPart, SetupStep};

/// An OAuth consumer.
pub(crate) const CLIENT: ClientSetup = ClientSetup {
    docs_url: "https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/",
    client_id_name: "Key",
    client_secret_name: "Secret",
    steps: STEPS,
    permissions: PERMISSIONS,
    write_scopes: WRITES,
};

const STEPS: &[SetupStep] = &[
    SetupStep {
        text: "In Bitbucket, open the settings of a workspace of yours that you administer (the gear \
               at the top right), then “OAuth consumers” under “Apps and features”, then “Add \
               consumer”. Users of every workspace may use it.",
        shows: None,
    },
    SetupStep {
        text: "Name: what your customers read when they are asked to consent, such as the name of \
               your product.",
        shows: None,
    },
    SetupStep {
        text: "Callback URL: exactly this one. A consumer has one, so another server wants another \
               consumer.",
        shows: Some(SetupPart::CallbackUrl),
    },
    SetupStep {
        text: "Leave “This is a private consumer” ticked: this server keeps the secret.",
        shows: None,
    },
    SetupStep {
        text: "Permissions: tick these, and no others, since a customer grants all of them or none. \
               Customers who are connected already have to connect again after you add one.",
        shows: Some(SetupPart::Permissions),
    },
    SetupStep {
        text: "Save, and open the new consumer in the list: it shows a Key and a Secret. Copy both \
               into the form.",
        shows: None,
    },
];

const fn permission(
    scope: &'static str,
    display_name: &'static str,
    implies: &'static [&'static str],
) -> Permission {
    Permission {
        scope,
        display_name,
        implies,
    }
}

/// Implications are those that Bitbucket documents. `project:admin` has none.
const PERMISSIONS: &[Permission] = &[
    permission("account", "Account: Read", &[]),
    permission("email", "Account: Email", &[]),
    permission("project", "Projects: Read", &["repository"]),
    permission("project:admin", "Projects: Admin", &[]),
    permission("repository", "Repositories: Read", &[]),
    permission("snippet", "Snippets: Read", &[]),
    permission("snippet:write", "Snippets: Write", &["snippet"]),
    permission("webhook", "Webhooks: Read and write", &[]),
    permission("pipeline", "Pipelines: Read", &[]),
    permission("pipeline:variable", "Pipelines: Edit variables", &[]),
];

const WRITES: &[(&str, &str)] = &[
    ("projects", "project:admin"),
    ("hooks", "webhook"),
    ("pipelines-config/variables", "pipeline:variable"),
    ("snippets", "snippet:write"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::{ROWS, WRITABLE};

    #[test]
    fn every_scope_that_is_needed_has_a_name() {
        let reads = ROWS.iter().filter_map(|row| row.object.scope);
        let writes = WRITES.iter().map(|(_, scope)| *scope);
        for scope in reads.chain(writes) {
            let known = PERMISSIONS.iter().any(|known| known.scope == scope);
            assert!(known, "{scope}");
        }
        for object in WRITABLE {
            assert!(WRITES.iter().any(|(name, _)| name == object), "{object}");
        }
    }
}
