//! The process that started something, told apart from a later one with the same id.

use std::fmt;
use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// A process of this machine; its text is what containers are labelled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// 0 where the text named none, and so no process that runs.
    pid: u32,
    /// When it was started, in clock ticks since the machine was; none where the system does
    /// not tell. Ids are used again: in a container that labctl is started in, at once.
    started: Option<u64>,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid) }
    }

    /// Whether that very process still runs.
    #[must_use]
    pub fn is_running(self) -> bool {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return false;
        };
        // Another user's process may not be signalled, but it is there.
        let is_there = matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM));
        is_there && (self.started.is_none() || started(self.pid).is_none_or(|now| Some(now) == self.started))
    }
}

/// The 22nd field of `/proc/PID/stat` (proc_pid_stat(5)). The second, the program's name, may
/// hold spaces and parentheses.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)?;
        self.started.map_or(Ok(()), |started| write!(f, "@{started}"))
    }
}

impl From<&str> for Owner {
    fn from(text: &str) -> Self {
        let (pid, started) = text.split_once('@').unwrap_or((text, ""));
        Self { pid: pid.parse().unwrap_or(0), started: started.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_its_text_names_it() {
        let this = Owner::this();
        assert!(this.is_running());
        assert_eq!(Owner::from(this.to_string().as_str()), this);
        assert!(Owner::from(std::process::id().to_string().as_str()).is_running());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_later_process_of_the_same_id_is_another() {
        let later = Owner { started: Owner::this().started.map(|ticks| ticks + 1), ..Owner::this() };
        assert!(!later.is_running());
    }

    #[test]
    fn nobody_runs_by_an_id_that_cannot_be() {
        for text in ["", "0", "-1", "x@y", "4294967295", "99999999999999"] {
            assert!(!Owner::from(text).is_running(), "{text}");
        }
    }
}
