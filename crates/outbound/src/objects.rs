//! The object store: bodies too big for a row of the database, each under a key.
//!
//! Either a directory of this machine or a bucket of anything that speaks S3.
//! The operator names it, so the address guard does not apply; the requests
//! leave through the same client as all others, so there is one TLS stack and
//! one list of trusted certificates. An object is written once and whole, and is
//! on the disk, or acknowledged by the bucket, before [`Objects::put`] returns.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use hyper::body::{Body, Frame, SizeHint};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Outbound;

/// How long one request, or one chunk of an answer, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a request is tried before it has failed, and for how long at most.
const RETRIES: usize = 3;

/// Where objects are kept.
#[derive(Debug, Clone)]
pub enum ObjectLocation {
    /// A directory, made if it is absent.
    Directory(PathBuf),
    /// A bucket that is spoken to as S3.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What every key begins with; may be empty.
        prefix: String,
        /// Credentials, region and endpoint, by the names of the usual `AWS_…`
        /// variables.
        variables: Vec<(String, SecretString)>,
    },
}

/// Why an object could not be written, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The settings name no object store that can be used.
    #[error("the object store cannot be set up: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
    },
    /// There is no object under that key.
    #[error("there is no object {key}")]
    Missing {
        /// The key.
        key: String,
    },
    /// The disk is full, the bucket cannot be reached, or it refused.
    #[error("the object store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ObjectError {
    fn of(error: object_store::Error, key: &str) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing {
                key: key.to_owned(),
            },
            other => Self::Failed(Box::new(other)),
        }
    }

    fn too_slow() -> Self {
        Self::Failed("it did not answer in time".into())
    }
}

/// The object store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    inner: Arc<dyn ObjectStore>,
    is_directory: bool,
}

impl Objects {
    /// Opens the store at `location`. A directory is made and must be
    /// writable; a bucket is not asked until it is used.
    ///
    /// # Errors
    /// [`ObjectError::Setup`].
    pub fn new(outbound: &Outbound, location: ObjectLocation) -> Result<Self, ObjectError> {
        let setup = |reason: String| ObjectError::Setup { reason };
        match location {
            ObjectLocation::Directory(path) => {
                std::fs::create_dir_all(&path).map_err(|error| {
                    setup(format!(
                        "the directory {} cannot be made: {error}",
                        path.display()
                    ))
                })?;
                let files = LocalFileSystem::new_with_prefix(&path)
                    .map_err(|error| setup(error.to_string()))?;
                Ok(Self {
                    inner: Arc::new(files.with_fsync(true)),
                    is_directory: true,
                })
            }
            ObjectLocation::S3 {
                bucket,
                prefix,
                variables,
            } => {
                let mut builder = AmazonS3Builder::new()
                    .with_http_connector(Connector(outbound.clone()))
                    .with_retry(RetryConfig {
                        max_retries: RETRIES,
                        retry_timeout: PATIENCE,
                        ..RetryConfig::default()
                    });
                for (name, value) in variables {
                    // Not all of them are about S3.
                    if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                        builder = builder.with_config(key, value.expose_secret());
                    }
                }
                let bucket = builder
                    .with_bucket_name(bucket)
                    .build()
                    .map_err(|error| setup(error.to_string()))?;
                Ok(Self {
                    inner: Arc::new(PrefixStore::new(bucket, prefix)),
                    is_directory: false,
                })
            }
        }
    }

    /// Whether objects lie in a directory of this machine.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// Writes an object, over one that is there.
    ///
    /// # Errors
    /// [`ObjectError::Failed`]; what there is then is the whole object or none.
    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), ObjectError> {
        let path = Path::from(key);
        in_time(self.inner.put(&path, PutPayload::from(body)))
            .await?
            .map(drop)
            .map_err(|error| ObjectError::of(error, key))
    }

    /// An object's bytes, as they come.
    ///
    /// # Errors
    /// [`ObjectError::Missing`], [`ObjectError::Failed`].
    pub async fn stream(
        &self,
        key: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, ObjectError>>, ObjectError> {
        let path = Path::from(key);
        let found = in_time(self.inner.get(&path))
            .await?
            .map_err(|error| ObjectError::of(error, key))?;
        let chunks = found.into_stream();
        let name = key.to_owned();
        let timed = futures_util::stream::unfold((chunks, name), |(mut chunks, name)| async {
            let chunk = match in_time(chunks.next()).await {
                Ok(chunk) => chunk?.map_err(|error| ObjectError::of(error, &name)),
                Err(error) => Err(error),
            };
            Some((chunk, (chunks, name)))
        });
        Ok(timed.boxed())
    }

    /// A whole object.
    ///
    /// # Errors
    /// [`ObjectError::Missing`], [`ObjectError::Failed`].
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, ObjectError> {
        let mut chunks = self.stream(key).await?;
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
        }
        Ok(body)
    }

    /// Deletes an object. That there is none is as good.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let path = Path::from(key);
        match in_time(self.inner.delete(&path)).await? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(ObjectError::of(error, key)),
        }
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, ObjectError> {
    tokio::time::timeout(2 * PATIENCE, work)
        .await
        .map_err(|_| ObjectError::too_slow())
}

/// Hands the S3 client this crate's own way out.
#[derive(Debug)]
struct Connector(Outbound);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

/// One request of the S3 client.
#[derive(Debug)]
struct Service(Outbound);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let request = self
            .0
            .unguarded()
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(reqwest::Body::wrap(body));
        let answer = tokio::time::timeout(PATIENCE, request.send())
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Timeout, error))?
            .map_err(failed)?;
        let (parts, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
        Ok(HttpResponse::from_parts(
            parts,
            HttpResponseBody::new(Answer(body)),
        ))
    }
}

/// The body of an answer, its errors in the S3 client's terms.
struct Answer(reqwest::Body);

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        Pin::new(&mut self.0)
            .poll_frame(context)
            .map(|frame| frame.map(|frame| frame.map_err(failed)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// What the S3 client may try again. The URL is dropped: it may be signed.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error.without_url())
}
