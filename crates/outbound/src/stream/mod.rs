//! Requests whose bodies are not held: what is passed on for somebody else.
//!
//! A [`Door`] leads to one origin and nowhere else. A request through it has a
//! path and no host, so nothing that a client sends can name another one; the
//! credential is put in behind that. The path and the query leave byte for byte,
//! which is why this does not go through the other client: a parsed URL would
//! come out encoded anew and with its `..` resolved.
//!
//! What is bounded is silence, not length: no whole exchange has an end of its own.

mod body;
mod pool;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use body::Silent;
pub use body::{Download, Upload, UploadEnd, Uploaded};
pub(crate) use pool::{Connector, connector};

use crate::client::parse;
use crate::{Credential, Outbound, SendError};
use pool::{Idle, Pool};

/// How long each step may take in which nothing moves.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// From the request, or the last of its body, to the head of the answer.
    pub head: Duration,
    /// Between two pieces of a body, in either direction.
    pub body: Duration,
}

impl Default for Silence {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(120),
            body: Duration::from_secs(60),
        }
    }
}

/// The value of an `Authorization` header, made once for many requests.
#[derive(Clone)]
pub struct Authorization(HeaderValue);

/// It is a secret.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization([redacted])")
    }
}

impl Authorization {
    /// The header for a credential.
    ///
    /// # Errors
    /// [`SendError::Header`], for a credential with line breaks in it.
    pub fn of(credential: &Credential) -> Result<Self, SendError> {
        let text = match credential {
            Credential::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Credential::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| SendError::Header {
            name: header::AUTHORIZATION.as_str().to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// A request without an answer.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct StreamError {
    /// Why.
    #[source]
    pub error: SendError,
    /// A connection that had been kept ended under it, so that the provider may
    /// not have seen it: a request that does no harm twice may be sent again.
    pub was_kept: bool,
}

impl From<SendError> for StreamError {
    fn from(error: SendError) -> Self {
        Self {
            error,
            was_kept: false,
        }
    }
}

/// The way to one origin. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Door {
    pool: Arc<Pool>,
    host: HeaderValue,
    silence: Silence,
}

impl Outbound {
    /// The way to the origin of a provider.
    ///
    /// # Errors
    /// [`SendError`], when it is no origin, or one that may not be reached.
    pub fn door(&self, origin: &str, silence: Silence) -> Result<Door, SendError> {
        let url = parse(origin)?;
        let reach = self.reach(&url)?;
        let uri: Uri = origin.parse().map_err(|_| SendError::Url {
            reason: "it cannot be parsed",
        })?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = HeaderValue::from_str(authority).ok();
        let host = host.filter(|_| !authority.is_empty() && !authority.contains('@'));
        let host = host.ok_or(SendError::Url {
            reason: "it is no origin",
        })?;
        let connector = self.stream_connector(reach);
        Ok(Door {
            pool: Pool::new(connector, uri, self.connect_timeout()),
            host,
            silence,
        })
    }
}

impl Door {
    /// Sends a request to this origin and returns with the head of the answer. Its
    /// URI is a path and a query, which leave as they are.
    ///
    /// Dropping the answer, or the future before it, ends the request at the
    /// provider too.
    ///
    /// # Errors
    /// [`StreamError`], when no head came. What became of the request's own body
    /// is told by its [`Uploaded`].
    pub async fn send(
        &self,
        authorization: &Authorization,
        mut request: Request<Upload>,
    ) -> Result<Response<Download>, StreamError> {
        self.check(request.uri())?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::AUTHORIZATION, authorization.0.clone());
        loop {
            let mut idle = self.pool.take().await?;
            let was_kept = idle.was_kept;
            let uploaded = request.body().uploaded();
            if uploaded.is_some() {
                idle.detach();
            }
            let silent = idle.silent.take();
            let mut answer = pin!(idle.sender.try_send_request(request));
            let answer =
                poll_fn(|context| idle.poll(context, |_, context| answer.as_mut().poll(context)));
            let mut silent = silent.unwrap_or_else(|| Silent::new(self.silence.head));
            let answer = self.head(answer, &mut silent, uploaded.as_ref()).await?;
            idle.silent = Some(silent);
            match answer {
                Ok(answer) => return self.passed(answer, idle, uploaded),
                Err(mut refused) => match refused.take_message() {
                    // It had ended before anything was written.
                    Some(unsent) if was_kept => request = unsent,
                    Some(_) | None => {
                        let error = SendError::from_stream(refused.error(), self.pool.host());
                        return Err(StreamError { error, was_kept });
                    }
                },
            }
        }
    }

    /// The request names no place of its own.
    fn check(&self, uri: &Uri) -> Result<(), SendError> {
        let is_path = uri.scheme().is_none() && uri.authority().is_none();
        if is_path && uri.path().starts_with('/') && !uri.path().starts_with("//") {
            return Ok(());
        }
        Err(SendError::OriginMismatch {
            host: uri.host().unwrap_or_default().to_owned(),
        })
    }

    /// Waits for as long as something moves.
    async fn head<T>(
        &self,
        answer: impl Future<Output = T>,
        silent: &mut Silent,
        uploaded: Option<&Uploaded>,
    ) -> Result<T, SendError> {
        tokio::pin!(answer);
        let mut since = Instant::now();
        silent.broken();
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Ok(answer));
            }
            loop {
                ready!(silent.poll(context));
                match uploaded.and_then(Uploaded::moved_at) {
                    Some(moved_at) if moved_at > since => {
                        since = moved_at;
                        silent.broken_at(moved_at);
                    }
                    Some(_) | None => {
                        let host = self.pool.host().to_owned();
                        return Poll::Ready(Err(SendError::Timeout { host }));
                    }
                }
            }
        })
        .await
    }

    fn passed(
        &self,
        answer: Response<hyper::body::Incoming>,
        idle: Idle,
        uploaded: Option<Uploaded>,
    ) -> Result<Response<Download>, StreamError> {
        // Nothing that was sent asked for another protocol.
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let host = self.pool.host().to_owned();
            return Err(SendError::Protocol { host }.into());
        }
        let pool = Arc::clone(&self.pool);
        let silence = self.silence.body;
        Ok(answer.map(|body| Download::new(body, pool, idle, uploaded, silence)))
    }
}
