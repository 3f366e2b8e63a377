//! What is kept and brought back: backups of a server that runs, a disk that is
//! full, a database that is away, a second process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::api::until;
use crate::receiver::Receiver;
use crate::serve::{SECRET_KEY, Server, ligature};

const OBJECTS: [&str; 2] = ["repositories", "projects"];

/// A command on a data directory.
fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    ligature()
        .env("LIGATURE_DATA_DIR", data_dir)
        .env("LIGATURE_SECRET_KEY", SECRET_KEY)
        .args(arguments)
        .output()
        .unwrap()
}

fn result(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn is_ready(server: &Server) -> bool {
    let url = format!("{}/readyz", server.url);
    let answer = server.client.send(Method::GET, &url, None).await.unwrap();
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if answer.status() == 200 {
        return true;
    }
    assert_eq!(answer.status(), 503, "{text}");
    assert!(text.contains("goes on by itself"), "{text}");
    false
}

async fn everything_arrives(
    server: &Server,
    receiver: &Receiver,
    installation: &str,
    count: usize,
) {
    everything_is_there(server, receiver, installation, count).await;
    assert_eq!(receiver.inbox.lock().unwrap().repeated_records(), 0);
}

async fn everything_is_there(
    server: &Server,
    receiver: &Receiver,
    installation: &str,
    count: usize,
) {
    until("everything is read and delivered", || async {
        let all = receiver.inbox.lock().unwrap().distinct("repositories") == count;
        all && server.has_succeeded(installation).await && server.has_nothing_to_deliver().await
    })
    .await;
    assert_eq!(receiver.inbox.lock().unwrap().forged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_server_is_restored() {
    let mut server = Server::start(300, None).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    // Taken in the middle: some of it is read, and some is not delivered.
    receiver.hold();
    let installation = server.install(&OBJECTS).await;
    receiver.parked().await;
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("backup.lig");
    let name = file.to_str().unwrap();
    let written = result(&run(&server.data_dir(), &["backup", name, "--json"]));
    assert!(written["rows"].as_u64().unwrap() > 20, "{written}");
    assert_eq!(written["bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let twice = refusal(&run(&server.data_dir(), &["backup", name]));
    assert!(twice.contains("exists already"), "{twice}");
    let second = refusal(&run(&server.data_dir(), &["project", "list"]));
    assert!(second.contains("in use by another process"), "{second}");

    // The machine is lost; the backup, and the key, are not.
    server.kill();
    receiver.answer();
    let lost = server.data_dir();
    fs::rename(&lost, dir.path().join("lost")).unwrap();
    let without_key = ligature()
        .env("LIGATURE_DATA_DIR", &lost)
        .args(["restore", name])
        .output();
    let without_key = refusal(&without_key.unwrap());
    assert!(without_key.contains("secret.key"), "{without_key}");
    assert!(!lost.join("secret.key").exists(), "no other key is made");
    let restored = result(&run(&lost, &["restore", name, "--json"]));
    assert_eq!(restored["rows"], written["rows"]);
    let again = refusal(&run(&lost, &["restore", name]));
    assert!(again.contains("not empty"), "{again}");
    let migrated = result(&run(&lost, &["migrate", "--json"]));
    assert_eq!(migrated["applied"], serde_json::json!([]));

    // What was sent between the backup and the loss comes again, in messages that the
    // backup does not know.
    server.launch().await;
    everything_is_there(&server, &receiver, &installation, 300).await;
}

/// Sets, or lifts, the size beyond which no file of a process may grow.
fn limit_files(server: &Server, bytes: &str) {
    let set = Command::new("prlimit")
        .args([
            "--pid",
            &server.pid().to_string(),
            &format!("--fsize={bytes}:unlimited"),
        ])
        .output()
        .unwrap();
    assert!(set.status.success(), "{set:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_survived() {
    let mut server = Server::start(1500, None).await;
    server.kill();
    // As on a full disk, writes fail; the signal would end the process.
    server.launch_through("trap '' XFSZ; exec \"$@\"").await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let installation = server.install(&OBJECTS).await;
    // Both files are larger already, so nothing more goes into either.
    limit_files(&server, "65536");
    until("the server is not ready", || async {
        !is_ready(&server).await
    })
    .await;
    limit_files(&server, "unlimited");
    until("the server is ready", || is_ready(&server)).await;
    everything_arrives(&server, &receiver, &installation, 1500).await;
}

/// What stands between the server and PostgreSQL, and can be cut.
struct Cable {
    url: String,
    whole: watch::Sender<bool>,
    _dir: TempDir,
}

impl Cable {
    /// To the cluster whose socket is in the directory that `url` names.
    fn lay(url: &str) -> Self {
        let (before, to) = url.split_once("?host=").unwrap();
        let dir = tempfile::Builder::new()
            .prefix("lig")
            .tempdir_in("/tmp")
            .unwrap();
        let name = ".s.PGSQL.5432";
        let listener = UnixListener::bind(dir.path().join(name)).unwrap();
        let to = Path::new(to).join(name);
        let whole = watch::Sender::new(true);
        let state = whole.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (to, mut state) = (to.clone(), state.clone());
                tokio::spawn(async move {
                    // While it is cut, whoever calls is hung up on.
                    if *state.borrow() {
                        let mut far = UnixStream::connect(to).await.unwrap();
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            _ = state.wait_for(|whole| !whole) => {}
                        }
                    }
                });
            }
        });
        Self {
            url: format!("{before}?host={}", dir.path().display()),
            whole,
            _dir: dir,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_survived() {
    let Some(url) = testing::new_postgres_database("away") else {
        return;
    };
    let cable = Cable::lay(&url);
    let server = Server::start(1500, Some(cable.url.clone())).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    receiver.hold();
    let installation = server.install(&OBJECTS).await;
    receiver.parked().await;
    cable.whole.send_replace(false);
    until("the server is not ready", || async {
        !is_ready(&server).await
    })
    .await;
    receiver.answer();
    cable.whole.send_replace(true);
    until("the server is ready", || is_ready(&server)).await;
    everything_arrives(&server, &receiver, &installation, 1500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_to_postgres_with_a_backup() {
    let Some(url) = testing::new_postgres_database("moved") else {
        return;
    };
    let mut server = Server::start(30, None).await;
    let receiver = Receiver::start().await;
    server.connect(&receiver).await;
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("backup.lig");
    let name = file.to_str().unwrap();
    result(&run(&server.data_dir(), &["backup", name, "--json"]));
    server.kill();
    let restored = ligature()
        .env("LIGATURE_DATABASE_URL", &url)
        .env("LIGATURE_SECRET_KEY", SECRET_KEY)
        .args(["restore", name, "--json"])
        .output();
    assert!(result(&restored.unwrap())["rows"].as_u64().unwrap() > 5);
    server.move_to(url);
    server.launch().await;
    let installation = server.install(&OBJECTS).await;
    everything_arrives(&server, &receiver, &installation, 30).await;
}
