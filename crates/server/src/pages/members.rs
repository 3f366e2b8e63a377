//! Members: who works on the organisation's projects, as what, and who is invited.
//! Owners change it; members see it.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::actions::organization::Invited;
use engine::{ActionError, Engine, actions};
use secrecy::ExposeSecret as _;
use store::{Invite, InviteStatus, Member, Organization, Role};

use super::answer::{Answer, done, not_done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list))
        .route("/invite", post(invite))
        .route("/invites/{invite}/revoke", post(revoke))
        .route("/{builder}/role", post(change_role))
        .route("/{builder}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    frame: Frame,
    org: Organization,
    /// Whether the builder may change anything here.
    is_owner: bool,
    own_id: String,
    members: Vec<Member>,
    invites: Vec<Invite>,
    made: Option<Invited>,
    /// What the form says, where it was refused.
    email: String,
    problem: Option<Problem>,
}

impl Page {
    fn link<'a>(&self, made: &'a Invited) -> &'a str {
        made.link.expose_secret()
    }

    fn roles(&self) -> [Role; 2] {
        [Role::Member, Role::Owner]
    }

    fn badge(&self, invite: &Invite) -> &'static str {
        match invite.status {
            InviteStatus::Pending => "act",
            InviteStatus::Accepted => "good",
            InviteStatus::Revoked | InviteStatus::Expired => "",
        }
    }

    fn is_pending(&self, invite: &Invite) -> bool {
        invite.status == InviteStatus::Pending
    }
}

async fn page(here: &Here, email: &str, made: Option<Invited>, problem: Option<Problem>) -> Answer {
    let store = &here.engine.store;
    let scope = store.org_scope(here.actor(), &here.project.org_id).await?;
    let tenant = store.within_org(&scope);
    let mut invites = tenant.invites(here.engine.clock.now()).await?;
    invites.reverse();
    let page = Page {
        frame: here.frame(Place::Members, "Members"),
        org: tenant.organization().await?,
        is_owner: scope.role() == Role::Owner,
        own_id: here.by.account.id.clone(),
        members: tenant.members().await?,
        invites,
        made,
        email: email.to_owned(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn list(here: Here) -> Answer {
    page(&here, "", None, None).await
}

/// The members' e-mail addresses, by what `createdBy` and the audit log call them.
pub(super) async fn emails(here: &Here) -> Result<HashMap<String, String>, Problem> {
    let store = &here.engine.store;
    let scope = store.org_scope(here.actor(), &here.project.org_id).await?;
    let members = store.within_org(&scope).builders().await?;
    let named = members
        .into_iter()
        .map(|member| (format!("builder:{}", member.id), member.email));
    Ok(named.collect())
}

fn role_of(form: &Form) -> Result<Role, Problem> {
    Role::of_word(form.text("role")).ok_or_else(|| {
        Problem::new(400, format!("there is no role `{}`", form.text("role")))
            .remedy("Use owner or member")
    })
}

async fn invite(here: Here, form: Form) -> Answer {
    let (email, role) = (form.text("email"), role_of(&form)?);
    let (engine, org) = (&here.engine, &here.project.org_id);
    match actions::organization::invite(engine, here.actor(), org, email, role).await {
        Ok(made) => page(&here, "", Some(made), None).await,
        Err(error) => page(&here, email, None, Some(error.into())).await,
    }
}

fn back(here: &Here, result: Result<(), ActionError>, text: &str) -> Answer {
    let place = here.path("/members");
    match result {
        Ok(()) => done(&place, text),
        Err(error) => not_done(&place, error),
    }
}

async fn revoke(here: Here, _: Form) -> Answer {
    let (engine, org, id) = (&here.engine, &here.project.org_id, here.parameter("invite"));
    let revoked = actions::organization::revoke_invite(engine, here.actor(), org, id).await;
    back(
        &here,
        revoked,
        "The invitation is taken back: its link opens nothing.",
    )
}

async fn change_role(here: Here, form: Form) -> Answer {
    let (engine, org, id) = (
        &here.engine,
        &here.project.org_id,
        here.parameter("builder"),
    );
    let role = role_of(&form)?;
    let changed = actions::organization::change_role(engine, here.actor(), org, id, role).await;
    back(&here, changed, "The role is changed.")
}

async fn remove(here: Here, _: Form) -> Answer {
    let (engine, org, id) = (
        &here.engine,
        &here.project.org_id,
        here.parameter("builder"),
    );
    let removed = actions::organization::remove_member(engine, here.actor(), org, id).await;
    if removed.is_ok() && id == here.by.account.id {
        return done("/", "You are no member of that organization any more.");
    }
    back(
        &here,
        removed,
        "They are no member any more, and see none of the projects.",
    )
}
