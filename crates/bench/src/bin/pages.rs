//! How heavy and how slow each page is: what a browser fetches on a first visit, and
//! how long the first byte takes, beside a responder that sends as many bytes.
//!
//! A server is started on a new database with some hundred customers of whom some
//! have just been read. Then every page that a link leads to is visited, from the
//! dashboard and from the list of guides, one of each kind; and by their links the
//! pages of people who have no account, and the install page as customers see it
//! before they connect, while they choose, and afterwards. A page that is not a 200,
//! and a place of the list below that no link leads to, is an error.
//!
//! ```text
//! cargo build --profile bench-fast -p ligature -p bench
//! target/bench-fast/pages
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bench::browser::{self, Browser};
use bench::database::{Database, Kind};
use bench::node::{self, Process};
use bench::provider::Provider;
use bench::receiver::Receiver;
use bench::report::{figure, line, median};
use bench::repositories::Repositories;
use bench::responder::Responder;
use bench::seed::{Read, Seed};
use bench::{machine, run};
use clap::Parser;
use engine::{Clock as _, SystemClock};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::{Credential, NewApiKey, NewConnection, NewProviderApp};

/// How long the server may take to start.
const READY: Duration = Duration::from_secs(60);
/// Repositories of each customer that is read: three pages of them.
const REPOSITORIES: u64 = 250;
/// Who has connected and not installed.
const CONNECTED: &str = "undecided";
/// Places below a project that a link must have led to.
const PLACES: [&str; 28] = [
    "",
    "/api-keys",
    "/connections",
    "/connections/{}",
    "/deliveries",
    "/deliveries/{}",
    "/destinations",
    "/destinations/{}",
    "/destinations/new",
    "/install-links",
    "/installations",
    "/installations/{}",
    "/installations/{}/object",
    "/integrations",
    "/integrations/{}",
    "/integrations/{}/revisions/{}",
    "/integrations/deploy",
    "/jwt-keys",
    "/members",
    "/notifications",
    "/operations",
    "/operations/{}",
    "/provider-apps",
    "/provider-apps/{}",
    "/provider-apps/new/{}",
    "/settings",
    "/settings/audit-log",
    "/settings/organization-log",
];

/// Weight and time of every page
#[derive(Debug, Parser)]
struct Pages {
    /// Customers that rest
    #[arg(long, default_value_t = 200)]
    customers: u64,
    /// Customers more that have just been read, a run and some messages each
    #[arg(long, default_value_t = 60)]
    read: u64,
    /// How often each page is asked for
    #[arg(long, default_value_t = 20)]
    repeats: u32,
    /// Where everything is kept
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Kind,
    /// Where the SQLite file is made
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// The program to measure (default: `ligature` beside this one)
    #[arg(long)]
    ligature: Option<PathBuf>,
}

/// What was found out about a page.
struct Row {
    place: String,
    status: u16,
    encoding: String,
    /// Bytes of HTML as sent, and as they are.
    sent: usize,
    plain: usize,
    /// Requests of a first visit, and the bytes of what the page refers to.
    requests: usize,
    files: usize,
    first_byte_ms: f64,
    bare_ms: f64,
}

/// Visits pages and keeps what was found out.
struct Measure {
    server: SocketAddr,
    responder: SocketAddr,
    repeats: u32,
    /// The bytes of files, by their paths.
    files: BTreeMap<String, usize>,
    rows: Vec<Row>,
}

fn main() -> ExitCode {
    let pages = Pages::parse();
    run(pages.run())
}

impl Pages {
    async fn run(self) -> Result<()> {
        let ligature = node::program(self.ligature.clone())?;
        Database::prepare(self.database)?;
        machine::serve_from_own_core()?;
        let now = SystemClock::default().now();
        let provider = Provider::start(Arc::new(Repositories::new(REPOSITORIES)), now).await?;
        provider.open();
        let (receiver, responder) = (Receiver::start().await?, Responder::start().await?);
        let database = Database::new(self.database, &self.directory, "pages")?;
        let key = self.seed(&database, &receiver.url, now).await?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let told = database.beside("told");
        let more = [("LIGATURE_API_RATE", "0")];
        let mut command = Process::command(&ligature, &database, &provider.url, address, &more);
        command.stdout(File::create(&told)?);
        let process = Process::start(command)?;
        let first = first_link(&told).await?;
        let responder = responder.url.strip_prefix("http://");
        let mut measure = Measure {
            server: address,
            responder: responder.context("no address")?.parse()?,
            repeats: self.repeats,
            files: BTreeMap::new(),
            rows: Vec::new(),
        };
        let mut owner = Browser::open(address).await?;
        measure.page(&mut owner, &first, "/first-visit/{}").await?;
        make_account(&mut owner, &first).await?;
        let read =
            |received: &bench::receiver::Received| received.records >= REPOSITORIES * self.read;
        receiver.until(read).await?;
        measure.nobodys(&owner).await?;
        measure.customers(&key).await?;
        measure.walk(&mut owner).await?;
        process.stop().await?;
        measure.tell()
    }

    /// Fills a database; a key of its project.
    async fn seed(&self, database: &Database, hook: &str, now: Timestamp) -> Result<String> {
        let store = database.open().await?;
        let seed = Seed {
            destinations: (0..3).map(|_| hook.to_owned()).collect(),
            schedule: "0 3 * * *",
            now,
        };
        let mut project = seed.project(&store).await?;
        for _ in 0..self.read {
            project.install(Read::Backfill).await?;
        }
        let rests = Read::Scheduled {
            due_at: now + SignedDuration::from_hours(24),
            watermark: now,
        };
        for _ in 0..self.customers {
            project.install(rests).await?;
        }
        let tenant = project.tenant();
        let app = NewProviderApp {
            external_ref: None,
            provider: "bitbucket".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret of the bench".into(),
            scopes: Vec::new(),
            metadata: None,
        };
        tenant.create_provider_app(app, now).await?;
        tenant.upsert_group(CONNECTED, None, now).await?;
        let connection = NewConnection {
            id: None,
            provider: "bitbucket".to_owned(),
            provider_app_id: None,
            group_ref: CONNECTED.to_owned(),
            consumer_ref: "ada".to_owned(),
            auth_scheme: "apiKey".to_owned(),
            provider_metadata: json!({ "workspace": { "value": CONNECTED, "source": "input" } }),
            provider_workspace_ref: Some(CONNECTED.to_owned()),
            credential: Credential::ApiKey("token of the bench".into()),
        };
        tenant.upsert_connection(connection, now).await?;
        let (_, key) = tenant.create_api_key(NewApiKey::default(), now).await?;
        store.close().await;
        Ok(key.expose_secret().to_owned())
    }
}

/// The path of the link that the server prints when it starts.
async fn first_link(told: &std::path::Path) -> Result<String> {
    let told = async {
        loop {
            let text = std::fs::read_to_string(told)?;
            let link = text.split_once("/first-visit/");
            if let Some((link, _)) = link.and_then(|(_, rest)| rest.split_once('\n')) {
                return anyhow::Ok(format!("/first-visit/{}", link.trim()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::time::timeout(READY, told).await;
    told.context("the server does not start")?
}

/// Makes the first account, which signs it in.
async fn make_account(owner: &mut Browser, link: &str) -> Result<()> {
    let page = owner.get_plain(link).await?;
    let token = browser::attribute(page.text()?, "name=\"form_token\" value");
    let body = format!(
        "form_token={}&email=ada@example.com&password=correct+horse+battery",
        token.context("a form without a token")?
    );
    let kind = "application/x-www-form-urlencoded";
    let made = owner.post(link, kind, "", &body).await?;
    anyhow::ensure!(made.status == 303, "the first account: {}", made.status);
    Ok(())
}

impl Measure {
    /// The pages of those who have no account.
    async fn nobodys(&mut self, owner: &Browser) -> Result<()> {
        let mut nobody = Browser::open(self.server).await?;
        self.page(&mut nobody, "/", "/ (not signed in)").await?;
        self.page(&mut nobody, "/sign-in", "/sign-in").await?;
        let session = owner.cookie("ligature").context("nobody has signed in")?;
        let bearer = format!("authorization: Bearer {session}\r\n");
        let info = self.api("GET", "/v1/my-info", &bearer, "").await?;
        let org = info.pointer("/orgRole/org/id").and_then(Value::as_str);
        let invites = format!("/v1/orgs/{}/invites", org.context("no organization")?);
        let new = json!({ "email": "bob@example.com" }).to_string();
        let made = self.api("POST", &invites, &bearer, &new).await?;
        let link = made.get("link").and_then(Value::as_str).unwrap_or_default();
        let at = link.find("/invite").context("no link")?;
        let path = link.get(at..).unwrap_or_default();
        self.page(&mut nobody, path, "/invite").await
    }

    /// The install page, for a customer before, while and after choosing.
    async fn customers(&mut self, key: &str) -> Result<()> {
        for (group, name) in [
            ("newcomer", "/install/{} (new)"),
            (CONNECTED, "/install/{} (connected)"),
            ("group-0", "/install/{} (installed)"),
        ] {
            let new = json!({ "integrationIdOrName": "bench", "groupRef": group }).to_string();
            let key = format!("x-api-key: {key}\r\n");
            let links = "/v1/projects/bench/install-links";
            let made = self.api("POST", links, &key, &new).await?;
            let url = made.get("url").and_then(Value::as_str).unwrap_or_default();
            let path = url.get(url.find("/install/").context("no link")?..);
            let path = path.unwrap_or_default();
            let mut customer = Browser::open(self.server).await?;
            self.page(&mut customer, path, name).await?;
            if group == "group-0" {
                for step in ["edit", "disconnect"] {
                    let path = path.replacen('?', &format!("/{step}?"), 1);
                    let name = format!("/install/{{}}/{step}");
                    self.page(&mut customer, &path, &name).await?;
                }
            }
        }
        Ok(())
    }

    async fn api(&self, method: &str, path: &str, more: &str, body: &str) -> Result<Value> {
        let mut client = Browser::open(self.server).await?;
        let answer = match method {
            "GET" => client.get_with(path, more).await?,
            _ => client.post(path, "application/json", more, body).await?,
        };
        let text = answer.text()?;
        anyhow::ensure!(answer.status < 300, "{path}: {} {text}", answer.status);
        Ok(serde_json::from_str(text)?)
    }

    /// Follows every link from the dashboard and from the guides, one of each kind.
    async fn walk(&mut self, owner: &mut Browser) -> Result<()> {
        let mut met = BTreeSet::new();
        let mut ahead: VecDeque<String> = ["/".to_owned(), "/docs".to_owned()].into();
        while let Some(path) = ahead.pop_front() {
            let place = place(&path);
            if !is_page(&place) || !met.insert(place.clone()) {
                continue;
            }
            let page = owner.get_plain(&path).await?;
            self.page(owner, &path, &place).await?;
            ahead.extend(browser::links(page.text().unwrap_or_default()));
            if place == "/projects/{}/provider-apps" {
                // Linked only while there is none.
                ahead.push_back(format!("{path}/new/bitbucket"));
            }
        }
        let missing = PLACES.iter().map(|rest| format!("/projects/{{}}{rest}"));
        let missing: Vec<_> = missing.filter(|place| !met.contains(place)).collect();
        anyhow::ensure!(missing.is_empty(), "no link leads to {missing:?}");
        Ok(())
    }

    /// One page, several times; and what it refers to, once.
    async fn page(&mut self, who: &mut Browser, path: &str, place: &str) -> Result<()> {
        let plain = who.get_plain(path).await?;
        let html = String::from_utf8_lossy(&plain.body).into_owned();
        let sent = who.get(path).await?;
        let mut took = Vec::new();
        for _ in 0..self.repeats {
            let again = who.get(path).await?;
            anyhow::ensure!(again.status == sent.status, "{place} answers by turns");
            took.push(again.first_byte.as_secs_f64() * 1e3);
        }
        let files = browser::files(&html);
        let mut bytes = 0;
        for file in &files {
            if let Some(known) = self.files.get(file) {
                bytes += known;
                continue;
            }
            let got = who.get(file).await?;
            anyhow::ensure!(
                got.status == 200,
                "{place} refers to {file}: {}",
                got.status
            );
            bytes += got.body.len();
            self.files.insert(file.clone(), got.body.len());
        }
        let bare_ms = self.bare(sent.body.len()).await?;
        self.rows.push(Row {
            place: place.to_owned(),
            status: sent.status,
            encoding: sent.encoding().to_owned(),
            sent: sent.body.len(),
            plain: plain.body.len(),
            requests: 1 + files.len(),
            files: bytes,
            first_byte_ms: median(&took),
            bare_ms,
        });
        Ok(())
    }

    /// How long the first byte takes of something that only sends so many.
    async fn bare(&self, bytes: usize) -> Result<f64> {
        let mut client = Browser::open(self.responder).await?;
        let path = format!("/bytes/{bytes}");
        client.get(&path).await?;
        let mut took = Vec::new();
        for _ in 0..self.repeats {
            took.push(client.get(&path).await?.first_byte.as_secs_f64() * 1e3);
        }
        Ok(median(&took))
    }

    /// Prints it all; fails where a page was not there.
    fn tell(&self) -> Result<()> {
        line(
            "page                                        status     sent    plain encoding files+page  their bytes  first byte   bare   ratio",
        );
        for row in &self.rows {
            line(&format!(
                "{:<44} {:>5} {:>8} {:>8} {:<8} {:>10} {:>12} {:>8.2} ms {:>6.3} {:>7.1}",
                row.place,
                row.status,
                row.sent,
                row.plain,
                if row.encoding.is_empty() {
                    "none"
                } else {
                    &row.encoding
                },
                row.requests,
                row.files,
                row.first_byte_ms,
                row.bare_ms,
                row.first_byte_ms / row.bare_ms.max(f64::MIN_POSITIVE),
            ));
        }
        let of = |value: fn(&Row) -> f64| self.rows.iter().map(value).collect::<Vec<_>>();
        let most = |value| of(value).into_iter().fold(0.0, f64::max);
        line(&format!(
            "{} pages; first byte: median {:.2} ms, at most {:.2} ms; HTML as sent: median {:.0} bytes, at most {:.0}; a first visit: at most {:.0} bytes",
            self.rows.len(),
            median(&of(|row| row.first_byte_ms)),
            most(|row: &Row| row.first_byte_ms),
            median(&of(|row| bytes(row.sent))),
            most(|row: &Row| bytes(row.sent)),
            most(|row: &Row| bytes(row.sent + row.files)),
        ));
        let absent = self.rows.iter().filter(|row| row.status != 200);
        let absent: Vec<_> = absent
            .map(|row| format!("{}: {}", row.place, row.status))
            .collect();
        anyhow::ensure!(absent.is_empty(), "not 200: {}", absent.join(", "));
        Ok(())
    }
}

fn bytes(count: usize) -> f64 {
    figure(u64::try_from(count).unwrap_or(u64::MAX))
}

/// What a path is one of: without its query, `{}` for identifiers and names.
fn place(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut last = "";
    let parts = path.split('/').map(|part| {
        let is_id = part.len() >= 12 && part.bytes().any(|byte| byte.is_ascii_digit());
        let is_name = std::mem::replace(&mut last, part) == "new" && !part.is_empty();
        if is_id || is_name { "{}" } else { part }
    });
    let place = parts.collect::<Vec<_>>().join("/");
    match place.trim_end_matches('/') {
        "" => "/".to_owned(),
        place => place.to_owned(),
    }
}

/// Whether it is a page and no file.
fn is_page(place: &str) -> bool {
    let last = place.rsplit('/').next().unwrap_or_default();
    let is_file = place.starts_with("/docs/") && last.contains('.');
    !is_file
        && (place == "/"
            || place == "/docs"
            || place.starts_with("/projects/")
            || place.starts_with("/docs/"))
}

#[cfg(test)]
mod tests {
    use super::{is_page, place};

    #[test]
    fn pages_of_one_kind_have_one_place() {
        let id = "019a0000-1111-7222-8333-444455556666";
        assert_eq!(place(&format!("/projects/{id}")), "/projects/{}");
        assert_eq!(
            place(&format!("/projects/{id}/deliveries/msg_00000012?x=1")),
            "/projects/{}/deliveries/{}"
        );
        assert_eq!(
            place(&format!("/projects/{id}/provider-apps/new/bitbucket")),
            "/projects/{}/provider-apps/new/{}"
        );
        assert_eq!(place("/docs/"), "/docs");
        assert_eq!(place("/?span=day"), "/");
        assert!(is_page("/docs/read") && !is_page("/docs/read.md"));
        assert!(!is_page("/llms.txt") && !is_page("/openapi.json"));
    }
}
