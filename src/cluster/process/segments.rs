//! Shared memory that outlives the processes of a node (shm_overview(7), System V): databases have some, and only their
//! orderly end removes it.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Pid;

/// The kernel's list of segments (proc_sysvipc_shm(5)).
const SEGMENTS: &str = "/proc/sysvipc/shm";

/// Removes every segment that one of these processes has made, and that no process uses.
pub(super) fn remove(creators: &[Pid]) {
    let segments = fs::read_to_string(SEGMENTS).unwrap_or_default();
    let creators: Vec<i32> = creators.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    for id in segments.lines().filter_map(|line| unused(line, &creators)) {
        // There is no call for it without `unsafe`. What cannot be removed is a few bytes until the machine ends.
        let mut command = Command::new("ipcrm");
        command.args(["--shmem-id", &id.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    }
}

/// The id in a line of the list, `key shmid perms size cpid lpid nattch ...`, if one of these processes has made the segment
/// and none uses it.
fn unused(line: &str, creators: &[i32]) -> Option<i64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let is_theirs = creators.contains(&fields.get(4)?.parse().ok()?) && *fields.get(6)? == "0";
    is_theirs.then(|| fields.get(1)?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_of_the_process_is_found_once_nobody_uses_it() {
        let line = "   2359 32768   600   56  4321  4399      0   101   104   101   104 1 2 3 4096 0";
        assert_eq!(unused(line, &[1, 4321]), Some(32_768));
        assert_eq!(unused(line, &[432]), None);
        assert_eq!(unused(&line.replace("4399      0", "4399      1"), &[4321]), None);
        assert_eq!(unused("       key      shmid perms       size  cpid  lpid nattch", &[4321]), None);
    }
}
