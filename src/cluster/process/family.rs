//! The processes that descend from one, however they were started.
//!
//! A process whose parent has ended is inherited by its nearest ancestor that asked for that, so
//! that neither a session of its own nor a double fork takes a process out of the family.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

/// How long it may take until all stand still.
const FREEZE_LIMIT: Duration = Duration::from_secs(5);
/// The pause between two looks at the family.
const PAUSE: Duration = Duration::from_millis(1);

/// Has this process inherit every descendant whose parent ends. Only Linux can do that.
///
/// # Errors
/// When the kernel refuses.
#[cfg(target_os = "linux")]
pub(super) fn adopt() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(getpid()))?)
}

/// Elsewhere the descendants of a process that has ended are out of reach.
#[cfg(not(target_os = "linux"))]
pub(super) fn adopt() -> io::Result<()> {
    Ok(())
}

/// A process of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    pid: Pid,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Moving,
    Stopped,
    /// It has ended, and its parent has not taken notice yet.
    Ended,
}

/// Sends SIGKILL to every process of the family; `child` is the one that this process started. Those
/// that are started meanwhile are missed: to be called again until none is left.
pub(super) fn kill(child: Pid) {
    for member in members(child) {
        // It may have ended since.
        let _ = kill_process(member.pid, Signal::KILL);
    }
    if cfg!(not(target_os = "linux")) {
        // Most of the family is in the child's group.
        let _ = kill_process_group(child, Signal::KILL);
    }
}

/// Freezes every process of the family.
///
/// # Errors
/// When one does not stand still in time.
pub(super) fn freeze(child: Pid) -> io::Result<()> {
    let deadline = Instant::now() + FREEZE_LIMIT;
    let mut still_in_a_row = 0;
    // A process that was started during one look, by one that was frozen after it, is seen by the next.
    while still_in_a_row < 2 {
        let moving: Vec<Pid> =
            members(child).iter().filter(|one| one.state == State::Moving).map(|one| one.pid).collect();
        still_in_a_row = if moving.is_empty() { still_in_a_row + 1 } else { 0 };
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("these processes do not stand still: {}", listed(&moving))));
        }
        for pid in &moving {
            let _ = kill_process(*pid, Signal::STOP);
        }
        if !moving.is_empty() {
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// Thaws every process of the family.
///
/// # Errors
/// When one stays frozen.
pub(super) fn thaw(child: Pid) -> io::Result<()> {
    let deadline = Instant::now() + FREEZE_LIMIT;
    loop {
        let stopped: Vec<Pid> =
            members(child).iter().filter(|one| one.state == State::Stopped).map(|one| one.pid).collect();
        if stopped.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("these processes stay frozen: {}", listed(&stopped))));
        }
        for pid in &stopped {
            let _ = kill_process(*pid, Signal::CONT);
        }
        thread::sleep(PAUSE);
    }
}

/// The ids of those that have not ended.
pub(super) fn left(child: Pid) -> String {
    let running: Vec<Pid> = members(child).iter().filter(|one| one.state != State::Ended).map(|one| one.pid).collect();
    listed(&running)
}

fn listed(pids: &[Pid]) -> String {
    pids.iter().map(|pid| pid.as_raw_nonzero().to_string()).collect::<Vec<_>>().join(" ")
}

/// Every process below this one. Where there is no `/proc`, the child alone.
fn members(child: Pid) -> Vec<Member> {
    let stats = stats();
    if stats.is_empty() {
        return vec![Member { pid: child, state: State::Moving }];
    }
    below(getpid(), stats.into_iter())
}

/// Every process that descends from another one. Empty on systems without `/proc`.
pub(super) fn descendants(root: Pid) -> Vec<Pid> {
    below(root, stats().into_iter()).iter().map(|member| member.pid).collect()
}

/// Every process of the machine and its parent.
fn stats() -> Vec<(Member, Pid)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|process| {
        process.file_name().to_str()?.parse::<i32>().ok()?;
        parse(&fs::read_to_string(process.path().join("stat")).ok()?)
    });
    stats.collect()
}

/// Those processes that descend from one.
fn below(root: Pid, processes: impl Iterator<Item = (Member, Pid)>) -> Vec<Member> {
    let mut children: BTreeMap<i32, Vec<Member>> = BTreeMap::new();
    for (member, parent) in processes {
        children.entry(parent.as_raw_nonzero().get()).or_default().push(member);
    }
    let (mut found, mut open, mut seen) = (Vec::new(), vec![root], BTreeSet::new());
    while let Some(parent) = open.pop() {
        // Ids may be given out anew while they are read.
        if seen.insert(parent.as_raw_nonzero()) {
            let members = children.remove(&parent.as_raw_nonzero().get()).unwrap_or_default();
            open.extend(members.iter().map(|member| member.pid));
            found.extend(members);
        }
    }
    found
}

/// A process and its parent, by its `/proc/PID/stat` (proc_pid_stat(5)): id, name in parentheses,
/// state, parent. The name may hold spaces and parentheses.
fn parse(stat: &str) -> Option<(Member, Pid)> {
    let (before, after) = stat.rsplit_once(')')?;
    let pid = before.split_once(' ')?.0.parse().ok().and_then(Pid::from_raw)?;
    let mut fields = after.split_whitespace();
    let state = match fields.next()? {
        "T" | "t" => State::Stopped,
        "Z" | "X" | "x" => State::Ended,
        _ => State::Moving,
    };
    let parent = fields.next()?.parse().ok().and_then(Pid::from_raw)?;
    Some((Member { pid, state }, parent))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn pid(raw: i32) -> Pid {
        Pid::from_raw(raw).unwrap()
    }

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let read = |text| parse(text).map(|(member, parent)| (member.pid, member.state, parent));
        assert_eq!(read("12 (a b) c) S 7 12 12 0"), Some((pid(12), State::Moving, pid(7))));
        assert_eq!(read("12 (x) T 7 12"), Some((pid(12), State::Stopped, pid(7))));
        assert_eq!(read("12 (x) Z 7 12"), Some((pid(12), State::Ended, pid(7))));
        // The first process, and the kernel's own, have no parent.
        assert_eq!(read("1 (init) S 0 1"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_family_is_every_descendant_and_nobody_else() {
        let process = |own, parent| (Member { pid: pid(own), state: State::Moving }, pid(parent));
        let all = [process(2, 1), process(3, 2), process(4, 3), process(9, 8), process(8, 9), process(5, 2)];
        let mut found: Vec<i32> =
            below(pid(2), all.into_iter()).iter().map(|member| member.pid.as_raw_nonzero().get()).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5]);
    }
}
