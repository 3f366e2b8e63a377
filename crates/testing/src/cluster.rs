//! One PostgreSQL cluster for a test program.
//!
//! A shell stands guard: it starts the server and waits on a pipe that only
//! this process holds. However the process ends, the pipe closes, and the shell
//! stops the server and removes its directory. As root the server runs under an
//! unprivileged account, which owns the directory.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// What makes a test's cluster quick: nothing of it need outlive the machine.
const HASTY: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";

/// Arguments: directory of the programs, directory of the cluster, the account
/// and the group to run as, and settings of the server.
const GUARD: &str = r#"
trap '' INT TERM HUP
bin=$1; base=$2; shift 2
as() { if [ -n "$account" ]; then setpriv --reuid="$account" --regid="$group" --clear-groups -- "$@"; else "$@"; fi; }
account=$1; group=$2; settings=$3
cd "$base"
if as "$bin/initdb" -D "$base/data" -U ligature -A trust -E UTF8 --no-locale --no-sync > initdb.log 2>&1 &&
   as "$bin/pg_ctl" -D "$base/data" -l "$base/server.log" -w -o "$settings -c listen_addresses= -c unix_socket_directories=$base -c max_connections=300" start > pg_ctl.log 2>&1
then echo ready
else cat initdb.log pg_ctl.log server.log 2> /dev/null | tr '\n' ' '; echo
fi
exec > /dev/null
read -r _
as "$bin/pg_ctl" -D "$base/data" -m immediate stop > /dev/null 2>&1
cd /
rm -rf "$base"
"#;

struct Cluster {
    url: String,
    /// Its input is closed when the process ends.
    _guard: Child,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();

/// Where the cluster of this process listens; started at the first call. `None`
/// where PostgreSQL is not installed, which CI does not put up with.
pub(crate) fn url() -> Option<&'static str> {
    CLUSTER
        .get_or_init(|| programs().map(|programs| start(&programs, HASTY)))
        .as_ref()
        .map(|cluster| cluster.url.as_str())
}

/// Where a second cluster listens, which writes as durably as PostgreSQL does by
/// default: for measurements.
pub(crate) fn durable_url() -> Option<&'static str> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| programs().map(|programs| start(&programs, "")))
        .as_ref()
        .map(|cluster| cluster.url.as_str())
}

/// A new database in the cluster of this process, by its URL.
pub(crate) fn new_database(name: &str) -> Option<String> {
    let url = url()?;
    let (_, host) = url.split_once("?host=").expect("the URL names its socket");
    // A program of the client's, which may lie elsewhere than the server's.
    let beside = programs()?.join("createdb");
    let createdb = if beside.is_file() {
        beside
    } else {
        PathBuf::from("createdb")
    };
    let made = Command::new(createdb)
        .args(["-h", host, "-U", "ligature", name])
        .output()
        .expect("createdb runs");
    assert!(made.status.success(), "{made:?}");
    Some(url.replacen("/postgres?", &format!("/{name}?"), 1))
}

/// The directory of `initdb` and `pg_ctl`: on the PATH, or the newest that
/// Debian's packages have.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let mut debian: Vec<PathBuf> = versions
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort_by_key(|path| {
        let version = path.parent().and_then(Path::file_name);
        let version = version.and_then(|version| version.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let found = on_path.into_iter().chain(debian).find(|directory| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|program| directory.join(program).is_file())
    });
    if found.is_none() {
        crate::missing("PostgreSQL: install Debian's postgresql package");
    }
    found
}

fn start(programs: &Path, settings: &str) -> Cluster {
    // A socket's path must be short.
    let base = tempfile::Builder::new()
        .prefix("lig")
        .tempdir_in("/tmp")
        .expect("a temporary directory")
        .keep();
    let (account, group) = account();
    if let (Ok(account), Ok(group)) = (account.parse(), group.parse()) {
        std::os::unix::fs::chown(&base, Some(account), Some(group))
            .expect("the directory is given to the account of the server");
    }
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "guard"])
        .args([programs, &base])
        .args([&account, &group, settings])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let stdout = guard.stdout.take().expect("the shell's output");
    let mut answer = String::new();
    BufReader::new(stdout)
        .read_line(&mut answer)
        .expect("the shell answers");
    assert!(
        answer.trim() == "ready",
        "PostgreSQL did not start: {answer}"
    );
    Cluster {
        url: format!(
            "postgres://ligature@localhost/postgres?host={}",
            base.display()
        ),
        _guard: guard,
    }
}

/// The user and the group that the server runs as, when we are root; else two
/// empty texts.
fn account() -> (String, String) {
    if id(&["-u"]).as_deref() != Some("0") {
        return (String::new(), String::new());
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
        .expect("an unprivileged account")
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
