//! Traces, exported by OTLP over HTTP to the collector that the operator names.
//!
//! They leave by the one door that all requests leave by. An operation is a trace,
//! whose id is the operation's own without its dashes.

use std::fmt::{self, Debug};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use outbound::Outbound;
use tokio::runtime::Handle;

/// How long the collector may take for one batch.
const TIME_OUT: Duration = Duration::from_secs(10);

/// The exporter; dropped, it sends what it still has.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// An exporter to `endpoint`, such as `http://localhost:4318`.
    ///
    /// # Errors
    /// When the endpoint is no URL.
    pub(crate) fn to(endpoint: &str, outbound: Outbound) -> anyhow::Result<Self> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(url)
            .with_timeout(TIME_OUT)
            .with_http_client(Door {
                outbound,
                runtime: Handle::current(),
            })
            .build()
            .context("LIGATURE_OTLP_ENDPOINT cannot be used")?;
        let resource = Resource::builder().with_service_name("ligature").build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// What the spans of this process are handed to.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("ligature")
    }

    /// Sends what is left; blocks for as long as the collector may take.
    pub(crate) fn flush(&self) {
        // At the end there is nobody left to be told.
        self.0.shutdown_with_timeout(TIME_OUT).ok();
    }
}

/// The exporter calls from a thread of its own, and the client lives on the
/// runtime.
struct Door {
    outbound: Outbound,
    runtime: Handle,
}

impl Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

#[async_trait::async_trait]
impl HttpClient for Door {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let outbound = self.outbound.clone();
        let request = request.map(|body| body.to_vec());
        let sending = self
            .runtime
            .spawn(async move { outbound.whole(request).await });
        Ok(sending.await??.map(Bytes::from))
    }
}
