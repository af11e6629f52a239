//! Orphans: nodes and relays whose labctl is gone.
//!
//! They end by themselves once their labctl has, by the end of their standard input. A frozen
//! one cannot notice, and the kernel wakes it only if its session has no other process that
//! could.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::{Fate, Owner};

/// The variable that tells which labctl has started a process.
pub(super) const OWNER: &str = "LABCTL_OWNER";
/// The variable that tells which node or relay of labctl's a process is.
pub(super) const NODE: &str = "LABCTL_NODE";

/// Kills every node and relay whose labctl is known not to run any more, and returns their names:
/// those of containers are seen from outside too, but not their owners.
/// Where the system has no `/proc` none can be found.
#[must_use]
pub fn end_orphans() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let end = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let name = orphan(&entry.path())?;
        kill_process(pid, Signal::KILL).ok()?;
        Some(name)
    };
    processes.filter_map(end).collect()
}

/// A node's name, if the process is an orphan. Its environment is all
/// labctl's, see `child`.
fn orphan(process: &Path) -> Option<String> {
    let command = fs::read(process.join("cmdline")).ok()?;
    let is_ours = command.split(|byte| *byte == 0).nth(1).is_some_and(|verb| matches!(verb, b"node" | b"relay"));
    let environment = fs::read(process.join("environ")).ok().filter(|_| is_ours)?;
    let variable = |name: &str| {
        let mut variables = environment.split(|byte| *byte == 0).filter_map(|variable| str::from_utf8(variable).ok());
        variables.find_map(|variable| variable.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let owner = Owner::from(variable(OWNER)?.as_str());
    (owner.fate() == Fate::Gone).then(|| variable(NODE))?
}
