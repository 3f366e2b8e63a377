//! Logs: to standard error, as text or as JSON.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

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
    /// Begins to log; `default` is the filter where none is given.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub(crate) fn start(&self, default: &str) -> anyhow::Result<()> {
        let filter = self.log.as_deref().unwrap_or(default);
        let filter = EnvFilter::try_new(filter).map_err(|error| {
            anyhow::anyhow!("LIGATURE_LOG `{filter}` cannot be understood: {error}")
        })?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        match self.log_format {
            Format::Text => lines.with_target(false).init(),
            Format::Json => lines.json().init(),
        }
        Ok(())
    }
}
