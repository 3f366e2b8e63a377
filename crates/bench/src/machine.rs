//! What the kernel says of processes, and which core they run on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The core of the system under test.
const MEASURED: usize = 0;
/// The core of what serves it: the provider and the destination.
const SERVING: usize = 1;
/// The kernel's unit of a process's time: Linux tells user space 1/100 s
/// everywhere, whatever its own ticks are.
const TICKS_PER_SECOND: u64 = 100;

/// Puts this process on the serving core. On a machine of one core nothing is
/// pinned, and the ratios say less.
///
/// # Errors
/// When `taskset` (util-linux) is missing.
pub fn serve_from_own_core() -> Result<()> {
    if !is_split() {
        crate::report::line("note: one core only, nothing is pinned");
        return Ok(());
    }
    let status = Command::new("taskset")
        .args(["-a", "-c", "-p", &SERVING.to_string()])
        .arg(std::process::id().to_string())
        .stdout(Stdio::null())
        .status()
        .context("taskset, of util-linux, is needed")?;
    anyhow::ensure!(status.success(), "taskset refused");
    Ok(())
}

/// A command that will run on the measured core.
#[must_use]
pub fn measured(program: &Path) -> Command {
    if !is_split() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &MEASURED.to_string()]).arg(program);
    command
}

fn is_split() -> bool {
    // Asked of the machine and not of this process, which may be pinned already.
    std::fs::read_to_string("/proc/cpuinfo")
        .is_ok_and(|text| text.matches("processor\t").count() > SERVING)
}

/// Time that a process has spent on a core, its threads included.
///
/// # Errors
/// When there is no such process.
pub fn cpu(pid: u32) -> Result<Duration> {
    cpu_of_fields(pid, 2)
}

/// The same, with that of the children it has waited for.
fn cpu_with_ended_children(pid: u32) -> Result<Duration> {
    cpu_of_fields(pid, 4)
}

/// Fields 14 to 17 of `stat` are `utime`, `stime`, `cutime` and `cstime`.
fn cpu_of_fields(pid: u32, fields: usize) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("an odd /proc/PID/stat")?;
    let ticks = rest.split_whitespace().skip(11).take(fields);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap_or(0)).sum();
    Ok(Duration::from_millis(
        ticks.saturating_mul(1000) / TICKS_PER_SECOND,
    ))
}

/// Time of a process, of its children alive and of those that have ended.
///
/// # Errors
/// When there is no such process.
pub fn cpu_of_family(pid: u32) -> Result<Duration> {
    let own = cpu_with_ended_children(pid)?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    // One that has just ended counts with its parent next time.
    Ok(own + children.filter_map(|id| cpu(id).ok()).sum::<Duration>())
}

/// Memory of a process in bytes: resident now, and at its highest.
///
/// # Errors
/// When there is no such process.
pub fn memory(pid: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    };
    let resident = bytes("VmRSS:").context("no VmRSS")?;
    Ok((resident, bytes("VmHWM:").context("no VmHWM")?))
}

#[cfg(test)]
mod tests {
    use super::{cpu, cpu_of_family, memory};

    #[test]
    fn this_process_has_time_and_memory() {
        let pid = std::process::id();
        assert!(cpu_of_family(pid).unwrap() >= cpu(pid).unwrap());
        let (resident, highest) = memory(pid).unwrap();
        assert!(resident > 100_000 && highest >= resident);
        assert!(cpu(u32::MAX).is_err());
    }
}
