//! Calls passed on a second, and what passing on adds to a call, beside nginx's
//! `proxy_pass` with a fixed `Authorization`; both on one core, with the same
//! responder and the same load on the other. Before that the memory of a gigabyte
//! either way, and of a thousand open streams.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/proxy
//! ```

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bench::database::{Database, Kind};
use bench::load::{Answers, Client, load};
use bench::node::{self, Process};
use bench::report::{figure, line, megabytes};
use bench::responder::Responder;
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use secrecy::ExposeSecret as _;
use serde_json::json;
use store::{
    Credential, NewApiKey, NewConnection, NewInstallation, NewProject, NewRevision, Store,
};

const GIGABYTE: u64 = 1 << 30;
const READY: Duration = Duration::from_secs(60);

/// Calls passed on a second beside nginx, and the memory that streams take
#[derive(Debug, Parser)]
struct Proxy {
    /// Seconds for each figure
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections at once
    #[arg(long, value_delimiter = ',', default_value = "1,16,256")]
    connections: Vec<usize>,
    /// Bytes of an answer
    #[arg(long, value_delimiter = ',', default_value = "200,1048576")]
    bytes: Vec<u64>,
    /// The share of calls that is kept as operations
    #[arg(long, default_value = "0")]
    sample: String,
    /// Streams held open for their memory; 0 leaves memory out
    #[arg(long, default_value_t = 1_000)]
    streams: usize,
    /// Where keys and installations are kept
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Where the SQLite file is made
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// The yardstick; `nginx-light` in Debian
    #[arg(long, default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

/// Something that passes calls on.
struct Under<'a> {
    name: &'static str,
    process: &'a Process,
    address: SocketAddr,
    /// The header lines that it wants.
    headers: &'a str,
}

impl Under<'_> {
    fn head(&self, line: &str) -> String {
        format!(
            "{line} HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\n{}\r\n",
            self.headers
        )
    }
}

fn main() -> ExitCode {
    let proxy = Proxy::parse();
    run(proxy.run())
}

impl Proxy {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let responder = Responder::start().await?;
        let database = Database::new(self.database, &self.directory, "proxy")?;
        let headers = seed(&database).await?;
        let address = free()?;
        let sample = [("LIGATURE_PROXY_SAMPLE", self.sample.as_str())];
        let process = Process::serve_at(&ligature, &database, &responder.url, address, &sample)?;
        let scratch = tempfile::tempdir()?;
        let (nginx, nginx_address) = self.nginx(scratch.path(), &responder.url)?;
        let ours = Under {
            name: "ligature",
            process: &process,
            address,
            headers: &headers,
        };
        let theirs = Under {
            name: "nginx",
            process: &nginx,
            address: nginx_address,
            headers: "",
        };
        for under in [&ours, &theirs] {
            ready(under).await?;
        }
        let direct = responder
            .url
            .strip_prefix("http://")
            .context("no address")?;
        let direct: SocketAddr = direct.parse()?;
        // Memory first: what a load has once taken hides what comes after it.
        if self.streams > 0 {
            gigabyte(&ours).await?;
            for under in [&ours, &theirs] {
                self.hold(under).await?;
            }
        }
        for bytes in &self.bytes {
            for connections in &self.connections {
                self.compare(&ours, &theirs, direct, *bytes, *connections)
                    .await?;
            }
        }
        process.stop().await?;
        nginx.stop().await
    }

    async fn compare(
        &self,
        ours: &Under<'_>,
        theirs: &Under<'_>,
        direct: SocketAddr,
        bytes: u64,
        connections: usize,
    ) -> Result<()> {
        let time = Duration::from_secs(self.seconds);
        let request = format!("GET /bytes/{bytes}");
        let bare = format!("{request} HTTP/1.1\r\nhost: bench\r\n\r\n");
        let bare = load(direct, &bare, connections, time).await?;
        let measure = async |under: &Under<'_>| -> Result<(Answers, f64)> {
            let cpu = under.process.cpu()?;
            let answers = load(under.address, &under.head(&request), connections, time).await?;
            let cpu = (under.process.cpu()? - cpu).as_secs_f64();
            // The time of the first tenth is in the one and not in the other.
            let each = cpu / 1.1 / figure(answers.count.max(1));
            Ok((answers, each))
        };
        // Twice, in turns, so that what else the machine does meets both.
        let (first, first_cpu) = measure(ours).await?;
        let (nginx, nginx_cpu) = measure(theirs).await?;
        let (second, second_cpu) = measure(ours).await?;
        let (again, again_cpu) = measure(theirs).await?;
        let (ours, ours_cpu) = better((first, first_cpu), (second, second_cpu));
        let (nginx, nginx_cpu) = better((nginx, nginx_cpu), (again, again_cpu));
        line(&format!(
            "{bytes} bytes, {connections} connections: ligature {:.0}/s, {:.1} us CPU, +{:.0} us median, +{:.0} us p99; \
             nginx {:.0}/s, {:.1} us CPU, +{:.0} us, +{:.0} us; direct {:.0}/s; ratio {:.2}, by CPU {:.2}",
            ours.rate,
            ours_cpu * 1e6,
            ours.median_us - bare.median_us,
            ours.p99_us - bare.p99_us,
            nginx.rate,
            nginx_cpu * 1e6,
            nginx.median_us - bare.median_us,
            nginx.p99_us - bare.p99_us,
            bare.rate,
            ours.rate / nginx.rate,
            nginx_cpu / ours_cpu,
        ));
        Ok(())
    }

    /// The memory of many answers that have begun and go no further.
    async fn hold(&self, under: &Under<'_>) -> Result<()> {
        let (before, _) = under.process.memory()?;
        let head = under.head("GET /held/10000000");
        let mut clients = Vec::new();
        for _ in 0..self.streams {
            let mut client = Client::connect(under.address).await?;
            client.send(head.as_bytes(), 0).await?;
            client.head().await?;
            clients.push(client);
        }
        let (during, _) = under.process.memory()?;
        let streams = figure(u64::try_from(self.streams)?);
        line(&format!(
            "{} open streams through {}: {:.1} MB more, {:.1} KB each",
            self.streams,
            under.name,
            megabytes(during.saturating_sub(before)),
            figure(during.saturating_sub(before)) / streams / 1e3
        ));
        Ok(())
    }

    /// nginx on the measured core, as one process, with connections kept both ways.
    fn nginx(&self, scratch: &Path, responder: &str) -> Result<(Process, SocketAddr)> {
        let (address, dir) = (free()?, scratch.display());
        let upstream = responder.strip_prefix("http://").context("no address")?;
        let config = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log {dir}/errors;\n\
             worker_rlimit_nofile 16384; events {{ worker_connections 8192; }}\n\
             http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;\n\
             fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
             keepalive_requests 100000000; proxy_max_temp_file_size 0;\n\
             upstream up {{ server {upstream}; keepalive 1024; keepalive_requests 100000000; }}\n\
             server {{ listen {address} backlog=1024; location / {{ proxy_pass http://up;\n\
             proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
             proxy_set_header Authorization \"Bearer token of the bench\"; }} }} }}\n"
        );
        let path = scratch.join("nginx.conf");
        std::fs::write(&path, config)?;
        let mut command = machine::measured(&self.nginx);
        command.arg("-c").arg(path).arg("-p").arg(scratch);
        Ok((Process::start(command)?, address))
    }
}

/// Of two measurements the one that was disturbed less.
fn better(one: (Answers, f64), other: (Answers, f64)) -> (Answers, f64) {
    if one.0.rate >= other.0.rate {
        one
    } else {
        other
    }
}

/// A gigabyte to the client, and one from it.
async fn gigabyte(under: &Under<'_>) -> Result<()> {
    for (what, request, body) in [
        ("answer", format!("GET /bytes/{GIGABYTE}"), 0),
        ("body", "PUT /bytes/2".to_owned(), GIGABYTE),
    ] {
        let mut head = under.head(&request);
        if body > 0 {
            head.insert_str(head.len() - 2, &format!("content-length: {body}\r\n"));
        }
        let (before, _) = under.process.memory()?;
        let mut client = Client::connect(under.address).await?;
        let begun = tokio::time::Instant::now();
        client.send(head.as_bytes(), body).await?;
        let (length, come) = client.head().await?;
        client.rest(length.saturating_sub(come)).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let (_, highest) = under.process.memory()?;
        line(&format!(
            "a gigabyte as {what} through {}: {:.0} MB/s, memory {:.1} MB before and {:.1} MB at its highest",
            under.name,
            megabytes(GIGABYTE) / seconds,
            megabytes(before),
            megabytes(highest)
        ));
    }
    Ok(())
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Waits until a call comes through.
async fn ready(under: &Under<'_>) -> Result<()> {
    let head = under.head("GET /bytes/2");
    let asked = async {
        loop {
            if let Ok(mut client) = Client::connect(under.address).await {
                return client.ask(head.as_bytes()).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let asked = tokio::time::timeout(READY, asked).await;
    asked.with_context(|| format!("{} does not start", under.name))?
}

/// A customer for whom calls are passed on; the header lines of such a call.
async fn seed(database: &Database) -> Result<String> {
    let store = database.open().await?;
    let lines = customer(&store).await?;
    store.close().await;
    Ok(lines)
}

async fn customer(store: &Store) -> Result<String> {
    let (now, operator) = (SystemClock::default().now(), store.operator());
    let new = NewProject {
        name: "bench".to_owned(),
        app_name: "Bench".to_owned(),
        org_id: None,
    };
    let project = store.create_project(&operator, new, now).await?;
    let scope = store.scope(&operator, &project.id).await?;
    let tenant = store.within(&scope);
    let (_, key) = tenant.create_api_key(NewApiKey::default(), now).await?;
    tenant.upsert_consumer("ada", None, now).await?;
    tenant.upsert_group("customer", None, now).await?;
    let enabled = json!({ "enabled": true });
    let revision = NewRevision {
        name: "bench".to_owned(),
        provider: "bitbucket".to_owned(),
        spec_version: "1.0.0".to_owned(),
        content: json!({ "name": "bench", "provider": "bitbucket", "proxy": enabled }),
    };
    let integration = tenant.deploy(vec![revision], false, now).await?;
    let integration = integration.into_iter().next().context("no integration")?;
    let connection = NewConnection {
        id: None,
        provider: "bitbucket".to_owned(),
        provider_app_id: None,
        group_ref: "customer".to_owned(),
        consumer_ref: "ada".to_owned(),
        auth_scheme: "apiKey".to_owned(),
        provider_metadata: json!({}),
        provider_workspace_ref: None,
        credential: Credential::ApiKey("token of the bench".into()),
    };
    let connection = tenant.upsert_connection(connection, now).await?;
    let new = NewInstallation {
        integration_id: integration.id,
        revision_id: integration.latest_revision.id.clone(),
        planned_by: integration.latest_revision.id,
        connection_id: connection.id,
        group_ref: "customer".to_owned(),
        created_by: "operator".to_owned(),
        config: json!({ "provider": "bitbucket", "proxy": enabled }),
        objects: Vec::new(),
    };
    let installation = tenant.install(new, now).await?;
    Ok(format!(
        "x-amp-proxy-version: 1\r\nx-amp-project-id: bench\r\nx-api-key: {}\r\nx-amp-installation-id: {}\r\n",
        key.expose_secret(),
        installation.id
    ))
}
