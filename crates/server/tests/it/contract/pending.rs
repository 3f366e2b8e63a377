//! What the contract has and this server has not. Each line is a debt, or says why
//! there is nothing to owe; a line that is not needed any more fails the tests.

/// Operations without a route.
pub(crate) const WITHOUT_ROUTE: &[&str] = &[];

/// Operations that a server of one's own only explains: they never succeed.
pub(crate) const WITHOUT_SUCCESS: &[&str] = &[
    "POST /v1/custom-auth/connect",
    "PUT /v1/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata",
    "PUT /v1/projects/{projectIdOrName}/providers/{provider}/object-metadata",
    "GET /v1/orgs/{orgId}/billingAccount",
    "POST /v1/billingAccounts/{billingAccountId}/portalSession",
    "GET /v1/claimed-domains",
    "POST /v1/claimed-domains",
    "GET /v1/orgs/{orgId}/claimed-domains",
];

/// Operations that refuse nothing.
pub(crate) const WITHOUT_REFUSAL: &[&str] = &["GET /v1/providers"];
