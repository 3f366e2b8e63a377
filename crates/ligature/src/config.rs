//! Flags, each with its environment variable, and what they mean together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use bitbucket::{Bitbucket, Endpoints};
use clap::{Args, ValueEnum};
use engine::BudgetOverride;
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::keep::KeepFlags;
use crate::master_key;

/// Where the store is and what it is sealed with.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreFlags {
    /// Where files are kept
    #[arg(
        long,
        env = "LIGATURE_DATA_DIR",
        default_value = "./ligature-data",
        value_name = "DIR"
    )]
    pub(crate) data_dir: PathBuf,
    /// The database: postgres://… (default: SQLite in the data directory)
    #[arg(
        long,
        env = "LIGATURE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
    /// What secrets are sealed with: 32 bytes in base64 (with SQLite made at the first start)
    #[arg(
        long,
        env = "LIGATURE_SECRET_KEY",
        value_name = "BASE64",
        hide_env_values = true
    )]
    pub(crate) secret_key: Option<SecretString>,
    /// The key before, while it is being replaced
    #[arg(
        long,
        env = "LIGATURE_SECRET_KEY_PREVIOUS",
        value_name = "BASE64",
        hide_env_values = true
    )]
    pub(crate) secret_key_previous: Option<SecretString>,
}

/// Which database, decided.
pub(crate) struct Database {
    pub(crate) settings: store::Settings,
    pub(crate) link_key: SecretSlice<u8>,
    pub(crate) previous_link_key: Option<SecretSlice<u8>>,
    /// The data directory, where it is this process's alone.
    pub(crate) own_dir: Option<PathBuf>,
}

/// Where the database is, without the key to its secrets.
pub(crate) struct Located {
    url: String,
    schema: Option<String>,
    pub(crate) own_dir: Option<PathBuf>,
}

impl Located {
    /// Settings that are good for reading what is there.
    pub(crate) fn settings(self) -> store::Settings {
        self.sealed_with(store::MasterKeys::new([0; 32], None))
    }

    fn sealed_with(self, keys: store::MasterKeys) -> store::Settings {
        store::Settings {
            url: self.url,
            schema: self.schema,
            keys,
            max_connections: 16,
        }
    }
}

impl StoreFlags {
    /// Where the database is.
    pub(crate) fn locate(&self) -> Located {
        let url = self.database_url.as_deref().filter(|url| !url.is_empty());
        let is_sqlite = url.is_none_or(|url| url.starts_with("sqlite:"));
        let in_dir = || format!("sqlite:{}", self.data_dir.join("ligature.db").display());
        Located {
            url: url.map_or_else(in_dir, str::to_owned),
            schema: None,
            own_dir: is_sqlite.then(|| self.data_dir.clone()),
        }
    }

    /// Settles the database and its keys. With SQLite the data directory is made.
    ///
    /// # Errors
    /// When the directory or the key cannot be had.
    pub(crate) fn settle(&self, schema: Option<String>) -> anyhow::Result<Database> {
        let mut located = self.locate();
        let key = match self.given_key() {
            Some(key) => key.clone(),
            None if located.own_dir.is_some() || schema.is_some() => {
                master_key::in_dir(&self.data_dir)?
            }
            None => anyhow::bail!(
                "PostgreSQL needs LIGATURE_SECRET_KEY, the same on every node: make one with `head -c 32 /dev/urandom | base64`"
            ),
        };
        located.schema = schema;
        self.with_key(located, &key)
    }

    /// As [`StoreFlags::settle`], with a key that is there already: a new one
    /// would open nothing that is to be restored.
    ///
    /// # Errors
    /// When there is no key.
    pub(crate) fn settle_with_its_key(&self) -> anyhow::Result<Database> {
        let located = self.locate();
        let key = match (self.given_key(), &located.own_dir) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(dir)) => master_key::kept_in(dir)?,
            (None, None) => None,
        };
        let key = key.context(
            "restoring needs the key that the store was sealed with: give it as LIGATURE_SECRET_KEY, or, with SQLite, put the file secret.key of the old data directory into the new one. Without it nobody can open the tokens, client secrets and signing keys in the backup",
        )?;
        self.with_key(located, &key)
    }

    fn given_key(&self) -> Option<&SecretString> {
        self.secret_key.as_ref().filter(is_given)
    }

    fn with_key(&self, located: Located, key: &SecretString) -> anyhow::Result<Database> {
        let previous = self.secret_key_previous.as_ref().filter(is_given);
        let keys = store::MasterKeys::parse(key, previous)
            .context("LIGATURE_SECRET_KEY is not 32 bytes in base64")?;
        if let Some(dir) = &located.own_dir {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("the data directory {} cannot be made", dir.display()))?;
        }
        let link_key = |key: &SecretString| master_key::derive(key, "download links");
        Ok(Database {
            own_dir: located.own_dir.clone(),
            settings: located.sealed_with(keys),
            link_key: link_key(key),
            previous_link_key: previous.map(link_key),
        })
    }
}

/// Whether a variable is set to something.
fn is_given(key: &&SecretString) -> bool {
    !key.expose_secret().is_empty()
}

/// Where the provider is and how much may be asked of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProviderFlags {
    /// Bitbucket's API
    #[arg(
        long,
        env = "LIGATURE_BITBUCKET_API_URL",
        default_value = "https://api.bitbucket.org",
        value_name = "URL"
    )]
    pub(crate) bitbucket_api_url: String,
    /// Bitbucket's OAuth endpoints
    #[arg(
        long,
        env = "LIGATURE_BITBUCKET_OAUTH_URL",
        default_value = "https://bitbucket.org",
        value_name = "URL"
    )]
    pub(crate) bitbucket_oauth_url: String,
    /// Calls to /repositories in a window, for each credential; 0 for no limit
    #[arg(
        long,
        env = "LIGATURE_BITBUCKET_BUDGET",
        default_value_t = 1000,
        value_name = "CALLS"
    )]
    pub(crate) bitbucket_budget: u32,
    /// The length of that window
    #[arg(long, env = "LIGATURE_BITBUCKET_BUDGET_WINDOW_SECONDS", default_value_t = 3600, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) bitbucket_budget_window_seconds: u32,
    /// Certificates to trust besides the usual ones, PEM
    #[arg(long, env = "LIGATURE_CA_BUNDLE", value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
}

impl ProviderFlags {
    /// The provider's connector.
    ///
    /// # Errors
    /// When a URL is none.
    pub(crate) fn bitbucket(&self) -> anyhow::Result<Bitbucket> {
        let endpoints = Endpoints {
            api_url: self.bitbucket_api_url.clone(),
            oauth_url: self.bitbucket_oauth_url.clone(),
        };
        Bitbucket::new(&endpoints).context("Bitbucket's URLs are not usable")
    }

    /// The way out, to this provider, to `origins` and the public internet.
    ///
    /// # Errors
    /// When the certificates cannot be read or a URL is none.
    pub(crate) fn outbound(
        &self,
        networks: &Networks,
        mut origins: Vec<String>,
    ) -> anyhow::Result<outbound::Outbound> {
        let mut settings = outbound::Settings::new(env!("CARGO_PKG_VERSION"));
        settings.allowed_networks.clone_from(&networks.0);
        origins.push(self.bitbucket_api_url.clone());
        origins.push(self.bitbucket_oauth_url.clone());
        settings.provider_origins = origins;
        if let Some(path) = &self.ca_bundle {
            let pem = std::fs::read(path)
                .with_context(|| format!("LIGATURE_CA_BUNDLE {} cannot be read", path.display()))?;
            settings.ca_bundle = Some(pem);
        }
        outbound::Outbound::new(&settings).context("outbound calls cannot be set up")
    }

    /// Request limits as the operator wants them.
    pub(crate) fn budgets(&self) -> Vec<BudgetOverride> {
        vec![BudgetOverride {
            group: bitbucket::REPOSITORIES_GROUP,
            limit: self.bitbucket_budget,
            window_s: self.bitbucket_budget_window_seconds,
        }]
    }
}

/// How a node serves.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeFlags {
    /// Where browsers and providers reach this server
    #[arg(
        long,
        env = "LIGATURE_PUBLIC_URL",
        default_value = "http://localhost:8080",
        value_name = "URL"
    )]
    pub(crate) public_url: String,
    #[command(flatten)]
    pub(crate) provider: ProviderFlags,
    /// The shortest time between scheduled reads
    #[arg(
        long,
        env = "LIGATURE_MIN_SCHEDULE_SECONDS",
        default_value_t = 600,
        value_name = "SECONDS"
    )]
    pub(crate) min_schedule_seconds: u32,
    /// Most messages a second for a project, over all nodes; 0 for no limit
    #[arg(
        long,
        env = "LIGATURE_DELIVERY_RATE",
        default_value_t = 1000,
        value_name = "MESSAGES"
    )]
    pub(crate) delivery_rate: u32,
    /// The share of proxied calls that are kept as operations, from 0 to 1
    #[arg(
        long,
        env = "LIGATURE_PROXY_SAMPLE",
        default_value_t = 1.0,
        value_name = "SHARE",
        value_parser = share
    )]
    pub(crate) proxy_sample: f64,
    /// Private networks that outbound calls may reach, as CIDRs
    #[arg(
        long,
        env = "LIGATURE_ALLOW_PRIVATE_NETWORKS",
        default_value = "",
        hide_default_value = true,
        value_name = "CIDR,…"
    )]
    pub(crate) allow_private_networks: Networks,
    #[command(flatten)]
    pub(crate) protection: ProtectionFlags,
    /// Where traces are sent: an OTLP collector over HTTP
    #[arg(long, env = "LIGATURE_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) keep: KeepFlags,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    let is_share = (0.0..=1.0).contains(&number);
    is_share
        .then_some(number)
        .ok_or_else(|| "it is not from 0 to 1".to_owned())
}

impl NodeFlags {
    /// The way out, as these flags allow it.
    ///
    /// # Errors
    /// As [`ProviderFlags::outbound`].
    pub(crate) fn outbound(&self) -> anyhow::Result<outbound::Outbound> {
        let collector = self.otlp_endpoint.iter().filter(|url| !url.is_empty());
        self.provider
            .outbound(&self.allow_private_networks, collector.cloned().collect())
    }
}

/// What keeps clients from wearing the server out.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProtectionFlags {
    /// Most requests a second for an API key, token or session, and with wrong ones for an
    /// address, on each node; twice as many at once; 0 for no limit
    #[arg(
        long,
        env = "LIGATURE_API_RATE",
        default_value_t = 500,
        value_name = "REQUESTS"
    )]
    pub(crate) api_rate: u32,
    /// Networks of reverse proxies whose X-Forwarded-For counts, as CIDRs
    #[arg(
        long,
        env = "LIGATURE_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "CIDR,…"
    )]
    pub(crate) trusted_proxies: Networks,
}

impl ProtectionFlags {
    /// No limit, and nobody trusted.
    pub(crate) fn none() -> Self {
        Self {
            api_rate: 0,
            trusted_proxies: Networks::default(),
        }
    }

    /// The server's protections, as these flags have them.
    pub(crate) fn protections(&self) -> server::Protections {
        server::Protections {
            api_rate: self.api_rate,
            trusted_proxies: self.trusted_proxies.0.clone(),
            ..server::Protections::default()
        }
    }
}

/// Networks, separated by commas. Nothing is no network: containers often set a
/// variable to nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        let network = |item: &str| {
            item.parse()
                .map_err(|_| format!("`{item}` is not a network such as 10.1.0.0/16"))
        };
        items.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// What part of the work a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Serves, and works in the background
    All,
    /// Serves, and leaves reads and deliveries to others
    Api,
    /// Reads and delivers; serves only its health
    Worker,
}

/// Where to listen.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenFlags {
    /// Addresses to listen on
    #[arg(
        long,
        env = "LIGATURE_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:8080,[::1]:8080",
        value_name = "ADDRESS,…"
    )]
    pub(crate) listen: Vec<SocketAddr>,
}

/// What to create at start if it is absent.
#[derive(Debug, Clone, Args)]
pub(crate) struct BootstrapFlags {
    /// A project to create at start if absent
    #[arg(
        long,
        env = "LIGATURE_BOOTSTRAP_PROJECT",
        requires = "bootstrap_api_key",
        value_name = "NAME"
    )]
    pub(crate) bootstrap_project: Option<String>,
    /// An API key of that project to create at start if absent
    #[arg(
        long,
        env = "LIGATURE_BOOTSTRAP_API_KEY",
        requires = "bootstrap_project",
        value_name = "KEY",
        hide_env_values = true
    )]
    pub(crate) bootstrap_api_key: Option<SecretString>,
    /// A builder to create at start if absent, an owner of the organization
    #[arg(
        long,
        env = "LIGATURE_ADMIN_EMAIL",
        requires = "admin_password",
        value_name = "EMAIL"
    )]
    pub(crate) admin_email: Option<String>,
    /// The password of that builder
    #[arg(
        long,
        env = "LIGATURE_ADMIN_PASSWORD",
        requires = "admin_email",
        value_name = "PASSWORD",
        hide_env_values = true
    )]
    pub(crate) admin_password: Option<SecretString>,
}
