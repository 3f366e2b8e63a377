//! `ligature check`: whether an `amp.yaml` can be deployed, without a server.
//!
//! What is found goes to standard output, in a form for people or for programs.
//! The exit code is 0 when there is nothing but warnings, 1 when there are
//! problems (with `--strict` warnings are), 2 when there is nothing to read.

mod json;
mod sarif;
mod source;
mod text;

use std::process::ExitCode;

use bitbucket::{Bitbucket, Endpoints};
use clap::{Args, ValueEnum};
use connector::Connector as _;
use manifest::{KnownDestination, Limits, Problem, Report, Severity};

use crate::console;

pub(super) use source::Source;

/// Validate an amp.yaml
///
/// Exit code: 0 without problems, or with warnings only; 1 with problems; 2 when
/// the file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file, a directory with an amp.yaml in it, or - for standard input
    path: String,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The shortest time between scheduled reads that the server allows
    #[arg(
        long,
        env = "LIGATURE_MIN_SCHEDULE_SECONDS",
        default_value_t = 600,
        value_name = "SECONDS"
    )]
    min_schedule_seconds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines of the file
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code review tools
    Sarif,
}

/// What was found in a source, as it is to be shown.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) source: &'a Source,
    pub(super) problems: &'a [Problem],
    /// Whether warnings count as errors.
    pub(super) strict: bool,
}

impl Findings<'_> {
    /// How bad a problem is here.
    fn severity(&self, problem: &Problem) -> Severity {
        if self.strict {
            Severity::Error
        } else {
            problem.severity()
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let same = |problem: &&Problem| self.severity(problem) == severity;
        self.problems.iter().filter(same).count()
    }

    /// For people.
    pub(super) fn text(&self, coloured: bool) -> String {
        text::render(self, coloured)
    }
}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let source = match Source::read(&self.path) {
            Ok(source) => source,
            Err(error) => {
                console::error(&format!("error: {error:#}"));
                return Ok(ExitCode::from(2));
            }
        };
        let limits = Limits {
            min_schedule_seconds: self.min_schedule_seconds,
        };
        let report = examine(&source, limits, None)?;
        let findings = Findings {
            source: &source,
            problems: &report.problems,
            strict: self.strict,
        };
        match self.format {
            Format::Text => console::line(&findings.text(console::is_coloured()))?,
            Format::Json => console::line(&format!("{:#}", json::render(&findings)))?,
            Format::Sarif => console::line(&format!("{:#}", sarif::render(&findings)))?,
        }
        Ok(match findings.count(Severity::Error) {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(1),
        })
    }
}

/// Checks a source against the providers that this program knows.
///
/// # Errors
/// Never in practice: the provider's own addresses are URLs.
pub(super) fn examine(
    source: &Source,
    limits: Limits,
    destinations: Option<&[KnownDestination]>,
) -> anyhow::Result<Report> {
    let bitbucket = Bitbucket::new(&Endpoints::default())?;
    let providers = [bitbucket.describe()];
    Ok(match destinations {
        None => manifest::check(&source.bytes, &providers, limits),
        Some(known) => manifest::check_for_project(&source.bytes, &providers, limits, known),
    })
}
