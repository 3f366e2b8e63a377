//! `ligature write OBJECT`: records from standard input straight to the provider,
//! with no server and no store. A line of JSON a record, one result line each, in
//! their order.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use connector::{Connector, Written};
use engine::{DirectWrite, DirectWriteError, SystemClock};
use serde_json::{Map, Value, json};

use super::read::credential::{self, Found};
use crate::config::{Networks, ProviderFlags};

/// Create, change or delete records, one JSON line each on standard input.
#[derive(Debug, Args)]
#[command(after_help = credential::HELP)]
pub(crate) struct Write {
    /// The object, such as `projects`
    object: String,
    #[command(flatten)]
    action: Action,
    /// The workspace, by slug or UUID
    #[arg(long, env = "BITBUCKET_WORKSPACE", value_name = "WORKSPACE")]
    workspace: String,
    #[command(flatten)]
    provider: ProviderFlags,
}

/// What is done with each record; exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Action {
    /// Make each record
    #[arg(long)]
    create: bool,
    /// Change each record; its `id` says which
    #[arg(long)]
    update: bool,
    /// Delete each record; its `id` says which
    #[arg(long)]
    delete: bool,
}

impl Write {
    /// Writes every record; fails, in the end, if one of them was refused or a line was
    /// none.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let connector = Arc::new(self.provider.bitbucket()?);
        let writable = connector.describe().writable;
        anyhow::ensure!(
            writable.contains(&self.object.as_str()),
            "there is no object `{}` to write; there are: {}",
            self.object,
            writable.join(", ")
        );
        let found = Found::in_environment();
        let mut write = DirectWrite::new(
            connector,
            found.credential()?,
            self.provider.outbound(&Networks::default(), Vec::new())?,
            Arc::new(SystemClock::default()),
            self.provider.budgets(),
            (
                &self.object,
                BTreeMap::from([("workspace".to_owned(), self.workspace.clone())]),
            ),
        );
        let mut refused = false;
        for (line, n) in std::io::stdin().lock().split(b'\n').zip(1_u64..) {
            let line = line.context("standard input cannot be read")?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let written = match record_of(&line) {
                Ok(record) => match self.one(&mut write, record).await {
                    // Nor will any other be written.
                    Err(error) if error.unauthorized => {
                        anyhow::bail!("{} ({error})", found.refused());
                    }
                    Err(error) => Err(error.message),
                    Ok(written) => Ok(written),
                },
                Err(why) => Err(why),
            };
            refused |= written.is_err();
            print(n, written)?;
        }
        Ok(if refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    async fn one(
        &self,
        write: &mut DirectWrite,
        mut record: Map<String, Value>,
    ) -> Result<Written, DirectWriteError> {
        let id = match record.remove("id") {
            Some(Value::String(id)) => id,
            Some(Value::Number(id)) => id.to_string(),
            _ => String::new(),
        };
        if self.action.create {
            write.create(record).await
        } else if self.action.update {
            write.update(id, record).await
        } else {
            write.delete(id).await
        }
    }
}

/// The record of a line; or why there is none, without its words, which may be secret.
fn record_of(line: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(line).map_err(|error| {
        let column = error.column();
        format!("the line is not a JSON object (seen at column {column})")
    })
}

/// One result line.
fn print(line: u64, result: Result<Written, String>) -> anyhow::Result<()> {
    let shown = match result {
        Ok(Written { id, record }) => {
            json!({ "line": line, "success": true, "recordId": id, "data": record })
        }
        Err(error) => {
            json!({ "line": line, "success": false, "error": error })
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{shown}")?;
    out.flush()?;
    Ok(())
}
