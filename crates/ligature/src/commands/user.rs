//! `ligature user create|list|set-password`: accounts of builders, straight on the
//! store.

use std::io::{IsTerminal as _, Read as _};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::{Subcommand, ValueEnum};
use engine::actions;
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::StoreCommand;
use crate::console;

/// The longest password that is read, in bytes; the server takes less.
const MOST_PASSWORD_BYTES: u64 = 4096;

/// Create and list builders' accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Create an account; the password comes from standard input, or is made and printed
    Create {
        /// The e-mail address to sign in with
        email: String,
        /// What the builder is in the organization
        #[arg(long, value_enum, default_value = "owner", value_name = "ROLE")]
        role: Role,
        #[command(flatten)]
        on: StoreCommand,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        on: StoreCommand,
    },
    /// Replace a password and end every session; it comes from standard input, or is made
    SetPassword {
        /// The e-mail address of the account
        email: String,
        #[command(flatten)]
        on: StoreCommand,
    },
}

/// What a builder is in an organisation.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Works in its projects, and says who belongs to it
    Owner,
    /// Works in its projects
    Member,
}

impl From<Role> for store::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Member => Self::Member,
        }
    }
}

impl User {
    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create { email, role, on } => {
                let node = on.open().await?;
                let (engine, operator) = (&node.engine, node.operator());
                let password = Password::ask()?;
                let created = actions::builder::create(
                    engine,
                    &operator,
                    &email,
                    &password.text,
                    role.into(),
                );
                password.tell(&created.await?, "Created", on.json)
            }
            Self::SetPassword { email, on } => {
                let node = on.open().await?;
                let (engine, operator) = (&node.engine, node.operator());
                let password = Password::ask()?;
                let changed =
                    actions::builder::set_password(engine, &operator, &email, &password.text);
                password.tell(&changed.await?, "Changed the password of", on.json)
            }
            Self::List { on } => {
                let node = on.open().await?;
                let builders = node.engine.store.builders(&node.operator()).await?;
                if on.json {
                    let all = builders.iter().map(shape).collect();
                    return Ok(console::line(&Value::Array(all).to_string())?);
                }
                for builder in &builders {
                    console::line(&format!("{}  {}", builder.id, builder.email))?;
                }
                if builders.is_empty() {
                    console::error("There are no accounts. Create one: ligature user create EMAIL");
                }
                Ok(())
            }
        }
    }
}

/// A password that nobody has thought of.
pub(super) fn made_password() -> SecretString {
    BASE64_URL_SAFE_NO_PAD
        .encode(rand::rng().random::<[u8; 18]>())
        .into()
}

/// A password, and whether somebody has to be told.
struct Password {
    text: SecretString,
    is_made: bool,
}

impl Password {
    /// What is piped in, its last line break aside; else one that is made.
    fn ask() -> anyhow::Result<Self> {
        let mut text = String::new();
        let input = std::io::stdin();
        if !input.is_terminal() {
            input.take(MOST_PASSWORD_BYTES).read_to_string(&mut text)?;
        }
        let given = text.strip_suffix('\n').unwrap_or(&text);
        let given = given.strip_suffix('\r').unwrap_or(given);
        let is_made = given.is_empty();
        let text = if is_made {
            made_password()
        } else {
            SecretString::from(given)
        };
        Ok(Self { text, is_made })
    }

    /// Says what was done, with the password if it was made.
    fn tell(&self, builder: &store::Builder, done: &str, as_json: bool) -> anyhow::Result<()> {
        let made = self.is_made.then(|| self.text.expose_secret());
        if as_json {
            let mut json = shape(builder);
            if let (Some(password), Some(fields)) = (made, json.as_object_mut()) {
                fields.insert("password".to_owned(), password.into());
            }
            return Ok(console::line(&json.to_string())?);
        }
        console::error(&format!("{done} {} ({})", builder.email, builder.id));
        if let Some(password) = made {
            console::line(password)?;
            console::error("Keep the password: it is shown this once.");
        }
        Ok(())
    }
}

/// The API's own shape.
fn shape(builder: &store::Builder) -> Value {
    json!({
        "id": builder.id,
        "idpProvider": "ligature",
        "idpRef": builder.id,
        "primaryEmail": builder.email,
        "createTime": builder.create_time,
    })
}
