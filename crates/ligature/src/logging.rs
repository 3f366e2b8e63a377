//! Logs, to standard error, as text or as JSON; and traces beside them.

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::traces::Traces;

/// The form of log lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// What to log: a level, or a filter such as `info,engine=debug`
    #[arg(long, env = "LIGATURE_LOG", global = true, value_name = "FILTER")]
    log: Option<String>,
    /// The form of log lines
    #[arg(
        long,
        env = "LIGATURE_LOG_FORMAT",
        global = true,
        value_enum,
        default_value = "text"
    )]
    log_format: Format,
}

impl LogFlags {
    /// Begins to log; `default` is the filter where none is given. Spans of the
    /// engine are exported whatever is logged, and a log line within one names
    /// its operation.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub(crate) fn start(&self, default: &str, traces: Option<&Traces>) -> anyhow::Result<()> {
        let filter = self.log.as_deref().unwrap_or(default);
        let filter = EnvFilter::try_new(filter).map_err(|error| {
            anyhow::anyhow!("LIGATURE_LOG `{filter}` cannot be understood: {error}")
        })?;
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match self.log_format {
            Format::Text => lines.with_target(false).boxed(),
            Format::Json => lines.json().with_span_list(false).boxed(),
        };
        let spans = traces.map(|traces| {
            // The spans of proxied calls are below what is logged, and exported too.
            let exported = Targets::new()
                .with_target("engine", LevelFilter::INFO)
                .with_target("engine::proxy", LevelFilter::DEBUG);
            tracing_opentelemetry::layer()
                .with_tracer(traces.tracer())
                .with_filter(exported)
        });
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(spans)
            .init();
        Ok(())
    }
}
