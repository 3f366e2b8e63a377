//! What the contract has and this server has not. Each line is a debt: its route,
//! or its proof, is to come, and then the line must go, or the tests fail.

/// Operations without a route.
pub(crate) const WITHOUT_ROUTE: &[&str] = &[
    "POST /v1/custom-auth/connect",
    "POST /v1/projects/{projectIdOrName}/integrations",
    "DELETE /v1/projects/{projectIdOrName}/integrations/{integrationIdOrName}",
    "POST /v1/projects/{projectIdOrName}/integrations/{integrationId}/revisions",
    "GET /v1/projects/{projectIdOrName}/integrations/{integrationId}/revisions/{revisionId}:hydrate",
    "GET /v1/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}/metadata",
    "PUT /v1/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata",
    "GET /v1/projects/{projectIdOrName}/providers/{provider}/objects/{objectName}/metadata",
    "PUT /v1/projects/{projectIdOrName}/providers/{provider}/object-metadata",
    "POST /v1/orgs",
    "GET /v1/orgs/{orgId}",
    "PATCH /v1/orgs/{orgId}",
    "GET /v1/orgs/{orgId}/builders",
    "POST /v1/orgs/{orgId}/invites",
    "GET /v1/orgs/{orgId}/invites",
    "GET /v1/orgs/{orgId}/invites/{inviteId}",
    "DELETE /v1/orgs/{orgId}/invites/{inviteId}",
    "POST /v1/orgs/{orgId}/memberships",
    "GET /v1/my-info",
    "POST /v1/invites:accept",
    "GET /v1/orgs/{orgId}/billingAccount",
    "POST /v1/billingAccounts/{billingAccountId}/portalSession",
    "GET /v1/claimed-domains",
    "POST /v1/claimed-domains",
    "GET /v1/orgs/{orgId}/claimed-domains",
    "POST /search/v1/projects/{projectIdOrName}/integrations/{integrationId}",
];

/// Operations with a route whose success no credential of these tests can reach.
pub(crate) const WITHOUT_SUCCESS: &[&str] = &[
    // It takes a builder, and keys are a project's.
    "POST /v1/projects",
];

/// Operations that refuse nothing.
pub(crate) const WITHOUT_REFUSAL: &[&str] = &["GET /v1/providers"];
