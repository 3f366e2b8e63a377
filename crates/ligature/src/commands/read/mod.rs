//! `ligature read OBJECT`: one read straight to standard output, with no server
//! and no store. A line a record, as the provider sent it; or, with `--field`,
//! only those fields.

pub(super) mod credential;
mod progress;
mod resume;
mod seam;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use connector::{Connector, Failure, Intent, Page, ReadIntent, Record};
use engine::{DirectError, DirectRead, SystemClock};
use jiff::Timestamp;
use manifest::FieldPath;

use crate::config::{Networks, ProviderFlags};
use credential::Found;
use progress::Progress;
use resume::Resume;
use seam::Seam;

/// Read an object straight to standard output, as JSON Lines.
#[derive(Debug, Args)]
#[command(after_help = credential::HELP)]
pub(crate) struct Read {
    /// The object, such as `repositories`
    object: String,
    /// The workspace, by slug or UUID, for objects that belong to one
    #[arg(long, env = "BITBUCKET_WORKSPACE", value_name = "WORKSPACE")]
    workspace: Option<String>,
    /// Only records changed since, for objects that can be asked so
    #[arg(long, value_name = "RFC3339")]
    since: Option<Timestamp>,
    /// Only this field, by name or JSONPath; may be repeated
    #[arg(long = "field", value_name = "FIELD", value_parser = field)]
    fields: Vec<(String, FieldPath)>,
    /// Keep the position here, and go on from it if it is there
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    provider: ProviderFlags,
}

impl Read {
    /// Reads to the end.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let connector = Arc::new(self.provider.bitbucket()?);
        self.check(connector.as_ref())?;
        let found = Found::in_environment();
        let credential = found.credential()?;
        let mut inputs = BTreeMap::new();
        if let Some(workspace) = &self.workspace {
            inputs.insert("workspace".to_owned(), workspace.clone());
        }
        let intent = ReadIntent {
            object: self.object.clone(),
            inputs,
            since: self.since,
            ..ReadIntent::default()
        };
        let mut resume = match &self.resume {
            Some(path) => Resume::open(path, &intent, &connector.describe().origin)?,
            None => Resume::none(&intent, &connector.describe().origin),
        };
        if resume.is_done() {
            anyhow::bail!(
                "this read is complete already; remove {} to read again",
                resume.name()
            );
        }
        let outbound = self.provider.outbound(&Networks::default(), Vec::new())?;
        let clock = Arc::new(SystemClock::default());
        let budgets = self.provider.budgets();
        let read = DirectRead::start(
            connector,
            credential,
            outbound,
            clock,
            budgets,
            &Intent::Read(intent),
        );
        let mut read = read.map_err(|error| self.explain(error, &found))?;
        if let Some(position) = resume.position() {
            read.resume(position);
        }
        let mut progress = Progress::start(&self.object, resume.records());
        let mut seam = Seam::from(resume.seam());
        loop {
            let page = read.page(|pause| progress.pause(pause)).await;
            let Some(page) = page.map_err(|error| self.explain(error, &found))? else {
                break;
            };
            let written = self.write(&page, &mut seam)?;
            resume.save(read.position(), written, &seam)?;
            progress.page(written, &page);
        }
        progress.finish();
        Ok(())
    }

    /// Refuses what cannot work before anything is asked of the provider.
    fn check(&self, connector: &dyn Connector) -> anyhow::Result<()> {
        let objects = connector.describe().objects;
        if connector.describe().object(&self.object).is_none() {
            let names: Vec<&str> = objects.iter().map(|object| object.name).collect();
            anyhow::bail!(
                "there is no object `{}`; there are: {}",
                self.object,
                names.join(", ")
            );
        }
        let by_time = |name: &str| {
            let object = connector.describe().object(name);
            object.is_some_and(|object| object.filtering == connector::Filtering::ByTime)
        };
        if self.since.is_some() && !by_time(&self.object) {
            let able: Vec<&str> = objects
                .iter()
                .map(|object| object.name)
                .filter(|name| by_time(name))
                .collect();
            anyhow::bail!(
                "Bitbucket cannot be asked for `{}` since a time; it can for: {}",
                self.object,
                able.join(", ")
            );
        }
        Ok(())
    }

    /// Writes a page, and only then is it behind us.
    fn write(&self, page: &Page, seam: &mut Seam) -> anyhow::Result<u64> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut written = 0;
        for record in page.records.iter().filter(|record| seam.is_new(record)) {
            out.write_all(&self.line(record)?)?;
            out.write_all(b"\n")?;
            written += 1;
        }
        out.flush()?;
        seam.close(page);
        Ok(written)
    }

    fn line(&self, record: &Record) -> anyhow::Result<Vec<u8>> {
        if !self.fields.is_empty() {
            return engine::pick(record, &self.fields).context("a record is not a JSON object");
        }
        // In JSON line breaks are only ever between tokens.
        let bytes = record.raw.get().bytes();
        Ok(bytes
            .filter(|byte| !matches!(byte, b'\n' | b'\r'))
            .collect())
    }

    /// What went wrong, in this command's words.
    fn explain(&self, error: DirectError, found: &Found) -> anyhow::Error {
        match &error {
            DirectError::Refused {
                failure: Failure::Unauthorized { message },
                ..
            } => {
                anyhow::anyhow!("{} ({message})", found.refused())
            }
            DirectError::Refused {
                failure:
                    Failure::Forbidden {
                        message,
                        required,
                        granted,
                    },
                ..
            } if !required.is_empty() => {
                anyhow::anyhow!(
                    "{} may not read `{}`: it needs {} and has {} ({message})",
                    found.kind(),
                    self.object,
                    required.join(", "),
                    if granted.is_empty() {
                        "nothing".to_owned()
                    } else {
                        granted.join(", ")
                    },
                )
            }
            DirectError::Refused {
                failure: Failure::Invalid { fields, .. },
                ..
            } if fields.contains_key("workspace") => {
                anyhow::anyhow!(
                    "`{}` belongs to a workspace: say which with --workspace",
                    self.object
                )
            }
            DirectError::Refused {
                failure: Failure::NotFound { message },
                ..
            } if self.workspace.is_some() => {
                anyhow::anyhow!(
                    "{message} Check --workspace: its slug is in the address of each of its repositories"
                )
            }
            _ => error.into(),
        }
    }
}

/// A field as it was named, and where it is.
fn field(text: &str) -> Result<(String, FieldPath), String> {
    FieldPath::parse(text)
        .map(|path| (text.to_owned(), path))
        .map_err(|error| error.to_string())
}
