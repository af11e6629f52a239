//! Orphans: processes and folders whose labctl is gone.
//!
//! Nodes that run labctl, proxies and supervisors end by themselves once their labctl has, by the end
//! of their standard input. A frozen node cannot notice, and the kernel wakes it only if its session has no
//! other process that could. A supervisor that was killed itself leaves its node behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::protocol::COMMAND;
use crate::cluster::folder::orphaned;
use crate::cluster::{Fate, Owner};

/// The variable that tells which labctl has started a process.
pub(super) const OWNER: &str = "LABCTL_OWNER";
/// The variable that tells which node or proxy of labctl's a process is.
pub(super) const NODE: &str = "LABCTL_NODE";
/// The variable that tells which folder is a foreign node's own.
pub(super) const FOLDER: &str = "LABCTL_NODE_FOLDER";

/// How long the supervisors of a labctl that was killed may take to end their nodes.
const SUPERVISOR_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(5);

/// What a labctl that was killed had left behind.
#[derive(Debug, Default)]
pub struct Orphans {
    /// Names of nodes and proxies that were ended.
    pub processes: Vec<String>,
    /// Folders that were removed.
    pub folders: Vec<PathBuf>,
    /// Folders that cannot be removed, each with the reason.
    pub left: Vec<String>,
}

/// Kills every node and proxy whose labctl is known not to run any more, and removes its temporary
/// folders. Those of containers are seen from outside too, but not their owners.
/// Where the system has no `/proc` no process can be found.
#[must_use]
pub fn end_orphans() -> Orphans {
    let deadline = Instant::now() + SUPERVISOR_LIMIT;
    // They do it better: nothing that their node has started escapes them.
    while processes().iter().any(|one| one.is_supervisor && one.is_orphan()) && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    let folders = orphaned();
    let lost: Vec<Process> = processes()
        .into_iter()
        .filter(|one| one.is_orphan() || folders.iter().any(|folder| one.belongs_to(&folder.path)))
        .collect();
    let mut orphans = Orphans::default();
    for process in lost {
        if kill_process(process.pid, Signal::KILL).is_ok() {
            let named = process.node.unwrap_or_else(|| format!("process {}", process.pid.as_raw_nonzero()));
            orphans.processes.push(named);
        }
    }
    for folder in folders {
        match folder.remove() {
            Ok(()) => orphans.folders.push(folder.path),
            Err(error) => orphans.left.push(format!("{}: {error}", folder.path.display())),
        }
    }
    orphans
}

/// Kills every process of the node with this folder, after its supervisor was killed.
pub(super) fn kill_node(folder: &Path) {
    for process in processes().iter().filter(|one| one.belongs_to(folder) && one.pid != getpid()) {
        // It may have ended since.
        let _ = kill_process(process.pid, Signal::KILL);
    }
}

/// What a process tells of itself.
#[derive(Debug)]
struct Process {
    pid: Pid,
    owner: Option<Owner>,
    node: Option<String>,
    /// The folder that it was told is its node's.
    folder: Option<PathBuf>,
    /// The folder that it is in, if its environment cannot be read any more: a process that changes
    /// its title, as databases do, writes over it.
    works_in: Option<PathBuf>,
    is_supervisor: bool,
}

impl Process {
    fn read(pid: Pid) -> Option<Self> {
        let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
        // Those of other users cannot be read, and are none of labctl's.
        let environment = fs::read(process.join("environ")).ok()?;
        let variable = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0).filter_map(|one| str::from_utf8(one).ok());
            variables.find_map(|variable| variable.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        Some(Self {
            pid,
            owner: variable(OWNER).map(|owner| Owner::from(owner.as_str())),
            node: variable(NODE),
            folder: variable(FOLDER).map(PathBuf::from),
            works_in: fs::read_link(process.join("cwd")).ok().filter(|_| variable("PATH").is_none()),
            is_supervisor: command.split(|byte| *byte == 0).nth(1) == Some(COMMAND.as_bytes()),
        })
    }

    fn is_orphan(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.fate() == Fate::Gone)
    }

    fn belongs_to(&self, folder: &Path) -> bool {
        [&self.folder, &self.works_in].into_iter().flatten().any(|own| own.starts_with(folder))
    }
}

/// Every process that can be looked at.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    pids.filter_map(Process::read).collect()
}
