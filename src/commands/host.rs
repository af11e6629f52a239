//! The machine and the checkout that a run happens in, as far as its manifest tells.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::data::{GitFacts, HostFacts};

/// What bears on latencies here.
#[must_use]
pub(super) fn facts() -> HostFacts {
    let uname = rustix::system::uname();
    HostFacts {
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        kernel: uname.release().to_str().ok().map(str::to_owned),
        cpus: thread::available_parallelism().ok().and_then(|count| count.get().try_into().ok()).unwrap_or(1),
        memory_mib: memory_mib(),
    }
}

/// The machine's memory in MiB. `None` if `/proc` does not tell.
fn memory_mib() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Free disk space below a folder, in MiB. `None` if the system does not tell.
#[must_use]
pub(super) fn free_disk_mib(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024))
}

/// How long git may take: on a network file system it can hang.
const GIT_LIMIT: Duration = Duration::from_secs(10);

/// The commit checked out here. `None` outside a repository, without git, or if git hangs.
#[must_use]
pub(super) fn git() -> Option<GitFacts> {
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
