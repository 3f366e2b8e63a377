//! The one place that builds HTTP clients.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::Client;
use url::{Host, Url};

use crate::SendError;
use crate::guard::{AddressGuard, Reach};
use crate::resolve::{self, GuardedResolver};
use crate::stream::{Connector, Silence, connector};
use crate::tls;

/// What [`Outbound`] is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version in `User-Agent: Ligature/<version>`.
    pub version: String,
    /// Networks that may be reached although private
    /// (`LIGATURE_ALLOW_PRIVATE_NETWORKS`).
    pub allowed_networks: Vec<IpNet>,
    /// URLs whose origins may be reached wherever they are, since the operator
    /// has named them (`LIGATURE_BITBUCKET_API_URL`, `LIGATURE_BITBUCKET_OAUTH_URL`,
    /// `LIGATURE_OTLP_ENDPOINT`).
    pub provider_origins: Vec<String>,
    /// Certificates to trust besides the usual ones, PEM (`LIGATURE_CA_BUNDLE`).
    pub ca_bundle: Option<Vec<u8>>,
    /// For a connection, its TLS handshake included.
    pub connect_timeout: Duration,
    /// For a provider's whole answer.
    pub provider_timeout: Duration,
    /// The largest answer of a provider, decompressed.
    pub response_max_bytes: usize,
    /// For how long a provider may say nothing while a request or an answer streams.
    pub silence: Silence,
}

impl Settings {
    /// The defaults: nothing private, 10 s to connect, 60 s and 32 MB in all.
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            allowed_networks: Vec::new(),
            provider_origins: Vec::new(),
            ca_bundle: None,
            connect_timeout: Duration::from_secs(10),
            provider_timeout: Duration::from_secs(60),
            response_max_bytes: 32 * 1024 * 1024,
            silence: Silence::default(),
        }
    }
}

/// Settings that no client can be made from.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not an absolute `http://` or `https://` URL.
    #[error("a provider's URL is not an absolute http:// or https:// URL")]
    Origin,
    /// No certificate, or one that cannot be read.
    #[error("the CA bundle has no certificate, or one that cannot be read")]
    CaBundle,
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library refused its configuration.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// The door through which every request leaves. Cheap to clone; clones share
/// their connections.
#[derive(Debug, Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    guard: Arc<AddressGuard>,
    anywhere: Client,
    public: Client,
    inside: Client,
    tls: rustls::ClientConfig,
    connect_timeout: Duration,
    provider_timeout: Duration,
    response_max_bytes: usize,
    silence: Silence,
}

impl Outbound {
    /// Reads the trusted certificates and makes the clients.
    ///
    /// # Errors
    /// [`SetupError`], when a setting is unusable.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let mut origins = Vec::new();
        for origin in &settings.provider_origins {
            let url = Url::parse(origin).map_err(|_| SetupError::Origin)?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(SetupError::Origin);
            }
            origins.push(url);
        }
        let guard = Arc::new(AddressGuard::new(
            settings.allowed_networks.clone(),
            &origins,
        ));
        let tls = tls::config(settings.ca_bundle.as_deref())?;
        let client = |reach| build(settings, &tls, &guard, reach);
        Ok(Self {
            inner: Arc::new(Inner {
                anywhere: client(Reach::Anywhere)?,
                public: client(Reach::Public)?,
                inside: client(Reach::Inside)?,
                guard,
                tls,
                connect_timeout: settings.connect_timeout,
                provider_timeout: settings.provider_timeout,
                response_max_bytes: settings.response_max_bytes,
                silence: settings.silence,
            }),
        })
    }

    /// What it was made with, for a [`Door`](crate::Door).
    #[must_use]
    pub fn silence(&self) -> Silence {
        self.inner.silence
    }

    /// Whether a URL can be a destination, as far as can be known before
    /// anything is sent. A name that cannot be resolved now passes: it is
    /// checked again at every request.
    ///
    /// # Errors
    /// [`SendError::Url`], [`SendError::Refused`] or [`SendError::PlainHttp`].
    pub async fn check_destination(&self, url: &str) -> Result<(), SendError> {
        let url = parse(url)?;
        let reach = self.inner.guard.reach(&url)?;
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let found = tokio::time::timeout(self.inner.connect_timeout, resolve::lookup(name));
        match found.await {
            Ok(Ok(addresses)) => self.inner.guard.filter(name, reach, addresses).map(|_| ()),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// The client for a URL. There is one for each [`Reach`], because the pool
    /// of connections must not be shared between them.
    pub(crate) fn client_for(&self, url: &Url) -> Result<&Client, SendError> {
        Ok(match self.inner.guard.reach(url)? {
            Reach::Anywhere => &self.inner.anywhere,
            Reach::Public => &self.inner.public,
            Reach::Inside => &self.inner.inside,
        })
    }

    /// How far a request for a URL may reach.
    pub(crate) fn reach(&self, url: &Url) -> Result<Reach, SendError> {
        self.inner.guard.reach(url)
    }

    /// How connections are made for what streams.
    pub(crate) fn stream_connector(&self, reach: Reach) -> Connector {
        let inner = &self.inner;
        connector(&inner.tls, &inner.guard, reach, inner.connect_timeout)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.inner.connect_timeout
    }

    /// The client for what the operator has named, wherever it is.
    pub(crate) fn unguarded(&self) -> &Client {
        &self.inner.anywhere
    }

    pub(crate) fn provider_timeout(&self) -> Duration {
        self.inner.provider_timeout
    }

    pub(crate) fn response_max_bytes(&self) -> usize {
        self.inner.response_max_bytes
    }
}

/// Parses an absolute URL; the error does not quote it.
pub(crate) fn parse(url: &str) -> Result<Url, SendError> {
    Url::parse(url).map_err(|_| SendError::Url {
        reason: "it cannot be parsed",
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the place where HTTP clients are made"
)]
fn build(
    settings: &Settings,
    tls: &rustls::ClientConfig,
    guard: &Arc<AddressGuard>,
    reach: Reach,
) -> Result<Client, SetupError> {
    Client::builder()
        .user_agent(format!("Ligature/{}", settings.version))
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(GuardedResolver {
            guard: Arc::clone(guard),
            reach,
        })
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(settings.connect_timeout)
        .build()
        .map_err(SetupError::Client)
}
