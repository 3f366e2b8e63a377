//! What the contract has and a server of one's own, or its providers, do not: each
//! is known by its path, asks for a key like everything else, and says why it does
//! nothing.

use std::convert::Infallible;

use axum::extract::State;
use engine::Engine;

use crate::auth::{Caller, FullCaller};
use crate::extract::Path;
use crate::problem::Problem;

/// `GET /orgs/{org}/billingAccount`.
pub(crate) async fn billing_account(FullCaller(_): FullCaller) -> Problem {
    no_billing()
}

/// `POST /billingAccounts/{account}/portalSession`.
pub(crate) async fn portal_session(FullCaller(_): FullCaller) -> Problem {
    no_billing()
}

fn no_billing() -> Problem {
    Problem::new(404, "this server is self-hosted: nothing is billed")
        .remedy("Every feature is there without a plan; there is nothing to pay for or to set up")
}

/// `GET /claimed-domains`, `GET /orgs/{org}/claimed-domains`.
pub(crate) async fn claimed_domains(FullCaller(_): FullCaller) -> Problem {
    no_domains(404)
}

/// `POST /claimed-domains`.
pub(crate) async fn claim_domain(FullCaller(_): FullCaller) -> Problem {
    no_domains(400)
}

/// Claiming one lets everybody with an address of it join, which needs somebody
/// who proves both. Nothing here sends mail.
fn no_domains(status: u16) -> Problem {
    Problem::new(status, "domains are not claimed on a self-hosted server")
        .remedy("Invite people one by one: POST /v1/orgs/{orgId}/invites, or `ligature invite create EMAIL`")
}

/// `POST /custom-auth/connect`.
pub(crate) async fn custom_auth(State(engine): State<Engine>, Caller(_): Caller) -> Problem {
    let names = engine.registry.names();
    Problem::new(400, format!("no provider of this server connects in several steps of its own ({names})"))
        .remedy("Let the customer consent (POST /v1/oauth-connect), or connect with a token (POST /v1/projects/{project}/connections:generate)")
}

/// `PUT /projects/{project}/integrations/{integration}/object-metadata`.
pub(crate) async fn fields_of_installation(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, integration)): Path<(String, String)>,
) -> Result<Infallible, Problem> {
    let scope = engine.store.scope(&actor, &project).await?;
    let tenant = engine.store.within(&scope);
    let integration = tenant.integration(&integration).await?;
    Err(no_custom_fields(&integration.provider))
}

/// `PUT /projects/{project}/providers/{provider}/object-metadata`.
pub(crate) async fn fields_of_connection(
    State(engine): State<Engine>,
    FullCaller(actor): FullCaller,
    Path((project, provider)): Path<(String, String)>,
) -> Result<Infallible, Problem> {
    engine.store.scope(&actor, &project).await?;
    if engine.registry.get(&provider).is_none() {
        return Err(
            Problem::new(404, format!("there is no provider `{provider}`")).remedy(format!(
                "Providers of this server: {}",
                engine.registry.names()
            )),
        );
    }
    Err(no_custom_fields(&provider))
}

fn no_custom_fields(provider: &str) -> Problem {
    Problem::new(
        400,
        format!("objects of `{provider}` have no custom fields that could be created"),
    )
    .remedy(
        "Read and write the fields that there are: GET …/objects/{objectName}/metadata lists them",
    )
}
