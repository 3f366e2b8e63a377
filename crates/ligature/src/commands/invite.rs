//! `ligature invite create`: an invitation to the organisation, as a link, since
//! nothing here sends mail.

use clap::Subcommand;
use engine::actions;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::StoreCommand;
use super::user::Role;
use crate::console;

/// Invite builders.
#[derive(Debug, Subcommand)]
pub(crate) enum Invite {
    /// Invite somebody; the link is printed this once
    Create {
        /// The e-mail address of whoever is invited
        email: String,
        /// What the builder will be in the organization
        #[arg(long, value_enum, default_value = "member", value_name = "ROLE")]
        role: Role,
        /// The organization, by id (default: the first one)
        #[arg(long, value_name = "ORG")]
        org: Option<String>,
        #[command(flatten)]
        on: StoreCommand,
    },
}

impl Invite {
    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::Create {
            email,
            role,
            org,
            on,
        } = self;
        let node = on.open().await?;
        let (engine, operator) = (&node.engine, node.operator());
        let org = match org {
            Some(id) => id,
            None => engine.store.default_organization().await?.id,
        };
        let made =
            actions::organization::invite(engine, &operator, &org, &email, role.into()).await?;
        let (invite, link) = (made.invite, made.link.expose_secret());
        if on.json {
            let shape = json!({
                "id": invite.id,
                "invitedEmail": invite.email,
                "parentType": "org",
                "parentId": invite.org_id,
                "status": invite.status.as_str(),
                "createTime": invite.create_time,
                "link": link,
            });
            return Ok(console::line(&shape.to_string())?);
        }
        console::line(link)?;
        console::error(&format!(
            "Send it to {}: whoever opens it chooses a password and is in. It is good for 7 days, once.",
            invite.email
        ));
        Ok(())
    }
}
