//! Libraries of other languages, which some tests put to use: installed once for a
//! list of exact versions, below `target/`, by the ordinary client of each language.
//! Where that cannot be done a test does nothing and says so; CI does not put up
//! with that.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::missing;

/// One installation at a time: tests that want the same one wait for it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// A directory below `target` whose `node_modules` has what `package_json` lists.
/// `None`, with a note, where there is no Node.js or npm, or npm fails.
#[must_use]
pub fn npm(target: &Path, package_json: &str) -> Option<PathBuf> {
    install(target, "npm", "package.json", package_json, |directory| {
        let mut npm = Command::new("npm");
        npm.current_dir(directory).args([
            "install",
            "--ignore-scripts",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--loglevel=error",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
        ]);
        npm
    })
}

/// A directory below `target` for `PYTHONPATH` that has what `requirements` list.
/// `None`, with a note, where there is no Python or pip, or pip fails.
#[must_use]
pub fn pip(target: &Path, requirements: &str) -> Option<PathBuf> {
    install(
        target,
        "pip",
        "requirements.txt",
        requirements,
        |directory| {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
                .args(["--disable-pip-version-check", "--no-compile"])
                .args(["--root-user-action", "ignore", "--target"])
                .arg(directory)
                .arg("-r")
                .arg(directory.join("requirements.txt"));
            pip
        },
    )
}

/// What is there is whole: it is installed elsewhere and then given its name.
fn install(
    target: &Path,
    client: &str,
    list_name: &str,
    list: &str,
    command: impl FnOnce(&Path) -> Command,
) -> Option<PathBuf> {
    let _one_at_a_time = INSTALLING.lock();
    let mut hash = DefaultHasher::new();
    list.hash(&mut hash);
    let installed = target.join(format!("{client}-{:016x}", hash.finish()));
    if installed.is_dir() {
        return Some(installed);
    }
    fs::create_dir_all(target).expect("a directory below target/");
    let fresh = tempfile::Builder::new()
        .prefix(client)
        .tempdir_in(target)
        .expect("a directory below target/");
    fs::write(fresh.path().join(list_name), list).expect("a list of packages");
    match command(fresh.path()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            missing(&format!("packages that {client} could not install: {said}"));
            return None;
        }
        Err(error) => {
            missing(&format!("{client}, which could not be run: {error}"));
            return None;
        }
    }
    let fresh = fresh.keep();
    if fs::rename(&fresh, &installed).is_err() {
        // Another test program was quicker, and its own is as good.
        fs::remove_dir_all(&fresh).ok();
        assert!(installed.is_dir(), "{} cannot be made", installed.display());
    }
    Some(installed)
}
