//! The machine and the checkout that a run happens in, as far as its manifest tells.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::data::{GitFacts, HostFacts};

/// What bears on latencies here.
#[must_use]
pub fn facts() -> HostFacts {
    let uname = rustix::system::uname();
    HostFacts {
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: uname.release().to_str().ok().map(str::to_owned),
        cpus: thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_mib: memory_mib(),
    }
}

/// The machine's memory, where `/proc` tells.
fn memory_mib() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Free disk space below a folder, in MiB, where it can be told.
#[must_use]
pub fn free_disk_mib(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024))
}

/// How long git may take: on a network file system it can hang.
const GIT_LIMIT: Duration = Duration::from_secs(10);

/// The commit checked out here; none outside a repository, without git, or when git hangs.
#[must_use]
pub fn git() -> Option<GitFacts> {
    let (sender, found) = mpsc::channel();
    // Left behind where git hangs: nothing depends on it.
    thread::spawn(move || sender.send(ask_git()));
    found.recv_timeout(GIT_LIMIT).ok().flatten()
}

fn ask_git() -> Option<GitFacts> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        // Inside a hook, say, they name another repository than the one of this folder.
        let foreign =
            std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("GIT_"));
        for name in foreign {
            command.env_remove(name);
        }
        let output = command.args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    // The runs of the reference rewrite it: that alone does not make the source another one.
    let status = git(&["status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)report"])?;
    Some(GitFacts { commit, dirty: !status.is_empty() })
}

/// The command line of this process. Bytes that are no UTF-8 are shown as U+FFFD: a path may
/// have any, and neither JSON nor a terminal can take them.
#[must_use]
pub fn command_line() -> Vec<String> {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file; none when it cannot be read.
#[must_use]
pub fn file_sha256(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_has_its_known_value() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
