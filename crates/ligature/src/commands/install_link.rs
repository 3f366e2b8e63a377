//! `ligature install-link create|list|revoke`: links to the hosted install page,
//! straight on the store.

use anyhow::Context as _;
use clap::Subcommand;
use engine::actions;
use engine::actions::install_link::{NewLink, Theme};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::InstallLink as Kept;

use super::StoreCommand;
use crate::console;

/// Make links to the hosted install page.
#[derive(Debug, Subcommand)]
pub(crate) enum InstallLink {
    /// Make a link for a customer; it is printed this once
    Create(Box<Create>),
    /// List a project's links, without the way to open them
    List {
        /// The project, by name or id
        #[arg(long, value_name = "PROJECT")]
        project: String,
        /// Only those of this customer
        #[arg(long, value_name = "REF")]
        group_ref: Option<String>,
        #[command(flatten)]
        on: StoreCommand,
    },
    /// Take a link back at once
    Revoke {
        /// Its id
        id: String,
        /// The project, by name or id
        #[arg(long, value_name = "PROJECT")]
        project: String,
        #[command(flatten)]
        on: StoreCommand,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// The project, by name or id
    #[arg(long, value_name = "PROJECT")]
    project: String,
    /// The integration, by name or id
    #[arg(long, value_name = "INTEGRATION")]
    integration: String,
    /// The customer, as your code calls it
    #[arg(long, value_name = "REF")]
    group_ref: String,
    /// The customer's name
    #[arg(long, value_name = "NAME")]
    group_name: Option<String>,
    /// Who opens it, as your code calls them (default: the customer's reference)
    #[arg(long, value_name = "REF")]
    consumer_ref: Option<String>,
    /// The name of who opens it
    #[arg(long, value_name = "NAME")]
    consumer_name: Option<String>,
    /// How long it is good for, such as 12h or 30d, at most 366d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = lifetime)]
    expires_in: SignedDuration,
    /// The app's name on the page (default: the project's)
    #[arg(long, value_name = "NAME")]
    theme_name: Option<String>,
    /// A picture on the page, by its https URL
    #[arg(long, value_name = "URL")]
    theme_logo: Option<String>,
    /// The colour of the page's buttons
    #[arg(long, value_name = "#RRGGBB")]
    theme_color: Option<String>,
    #[command(flatten)]
    on: StoreCommand,
}

impl InstallLink {
    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run().await,
            Self::List {
                project,
                group_ref,
                on,
            } => {
                let node = on.open().await?;
                let scope = node.engine.store.scope(&node.operator(), &project).await?;
                let tenant = node.engine.store.within(&scope);
                let links = tenant.install_links(group_ref.as_deref()).await?;
                if on.json {
                    let links = links.iter().map(shape).collect();
                    return Ok(console::line(&Value::Array(links).to_string())?);
                }
                for link in &links {
                    let state = match link.revoke_time {
                        Some(_) => "revoked".to_owned(),
                        None => format!("until {}", link.expires_at),
                    };
                    console::line(&format!("{}  {}  {state}", link.id, link.group_ref))?;
                }
                if links.is_empty() {
                    console::error("There are no links. Make one: ligature install-link create");
                }
                Ok(())
            }
            Self::Revoke { id, project, on } => {
                let node = on.open().await?;
                let operator = node.operator();
                actions::install_link::revoke(&node.engine, &operator, &project, &id).await?;
                console::error("Revoked.");
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        let node = self.on.open().await?;
        let new = NewLink {
            integration: self.integration,
            group_ref: self.group_ref,
            group_name: self.group_name,
            consumer_ref: self.consumer_ref,
            consumer_name: self.consumer_name,
            lifetime: Some(self.expires_in),
            theme: Theme {
                name: self.theme_name,
                logo_url: self.theme_logo,
                color: self.theme_color,
            },
        };
        let operator = node.operator();
        let made =
            actions::install_link::create(&node.engine, &operator, &self.project, new).await?;
        let url = made.url.expose_secret();
        if self.on.json {
            let mut shape = shape(&made.link);
            if let Some(shape) = shape.as_object_mut() {
                shape.insert("url".to_owned(), json!(url));
            }
            return Ok(console::line(&shape.to_string())?);
        }
        console::line(url)?;
        console::error(&format!(
            "Send it to {} only: whoever has it acts for this customer until {}.",
            made.link
                .group_name
                .as_ref()
                .unwrap_or(&made.link.group_ref),
            made.link.expires_at
        ));
        Ok(())
    }
}

/// `7d`, `12h 30m`: a day is 24 hours.
fn lifetime(text: &str) -> anyhow::Result<SignedDuration> {
    let span: Span = text
        .parse()
        .context("write it as a number and a unit, such as 12h or 7d")?;
    Ok(span.to_duration(SpanRelativeTo::days_are_24_hours())?)
}

/// The API's own shape, without the link itself.
fn shape(link: &Kept) -> Value {
    let mut shape = json!({
        "id": link.id,
        "projectId": link.project_id,
        "integrationId": link.integration_id,
        "groupRef": link.group_ref,
        "consumerRef": link.consumer_ref,
        "theme": link.theme,
        "createdBy": link.created_by,
        "createTime": link.create_time,
        "expireTime": link.expires_at,
    });
    let optional = [
        ("groupName", json!(link.group_name)),
        ("consumerName", json!(link.consumer_name)),
        ("revokeTime", json!(link.revoke_time)),
    ];
    if let Some(shape) = shape.as_object_mut() {
        let there = optional.into_iter().filter(|(_, value)| !value.is_null());
        shape.extend(there.map(|(key, value)| (key.to_owned(), value)));
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let hours = |text| lifetime(text).unwrap().as_hours();
        assert_eq!((hours("7d"), hours("12h"), hours("2w")), (168, 12, 336));
        for wrong in ["", "7", "soon", "1 month"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
