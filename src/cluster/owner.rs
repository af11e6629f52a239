//! The process that started something, told apart from every other: from a later one with the
//! same id, and from those of other containers and machines that use the same engine.

use std::fmt;
use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// The process id namespace of a machine outside of any container (`PROC_PID_INIT_INO` in the
/// kernel's include/linux/proc_ns.h).
const OUTERMOST: &str = "4026531836";

/// A process of some machine; its text is what containers are labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `None` where the text named none.
    pid: Option<u32>,
    /// When it was started, in clock ticks since the machine was; `None` where the system does
    /// not tell. Ids are used again: in a container that labctl is started in, at once.
    started: Option<u64>,
    place: Place,
}

/// Where a process id means something.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// The id namespace; empty where the system has none.
    namespace: String,
    /// This start of the machine, `/proc/sys/kernel/random/boot_id`; empty where there is none.
    boot: String,
    /// The machine, from one start to the next: `/etc/machine-id`, or else its name.
    machine: String,
}

/// What became of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It runs.
    Running,
    /// It does not run any more.
    Gone,
    /// Nobody here can tell: it is, or was, in another container or on another machine.
    Unknown,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self { pid: Some(pid), started: started(pid), place: Place::here() }
    }

    /// What became of this very process.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.fate_seen_from(&Place::here())
    }

    fn fate_seen_from(&self, here: &Place) -> Fate {
        let Some(pid) = self.pid else { return Fate::Unknown };
        let there = &self.place;
        if (&there.boot, &there.namespace) == (&here.boot, &here.namespace)
            && (!here.boot.is_empty() || there.machine == here.machine)
        {
            return if is_running(pid, self.started) { Fate::Running } else { Fate::Gone };
        }
        // The machine has been started again since. In a container its id says little: every
        // container of the same image has the same one.
        let same_machine = !there.machine.is_empty() && there.machine == here.machine;
        let outermost = there.namespace == OUTERMOST && here.namespace == OUTERMOST;
        if same_machine && outermost && there.boot != here.boot { Fate::Gone } else { Fate::Unknown }
    }
}

impl Place {
    fn here() -> Self {
        let read = |path| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
        // `pid:[4026531836]`
        let number = |link: String| link.chars().filter(char::is_ascii_digit).collect();
        let machine = Some(read("/etc/machine-id")).filter(|id| !id.is_empty());
        let name = || rustix::system::uname().nodename().to_string_lossy().replace('/', "-");
        Self {
            namespace: namespace.map(number).unwrap_or_default(),
            boot: read("/proc/sys/kernel/random/boot_id"),
            machine: machine.unwrap_or_else(name),
        }
    }
}

/// Whether the process of this id that was started then is there.
fn is_running(pid: u32, when: Option<u64>) -> bool {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // Another user's process may not be signalled, but it is there.
    let is_there = matches!(test_kill_process(raw), Ok(()) | Err(Errno::PERM));
    is_there && (when.is_none() || started(pid).is_none_or(|now| Some(now) == when))
}

/// The 22nd field of `/proc/PID/stat` (proc_pid_stat(5)). The second, the program's name, may
/// hold spaces and parentheses.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// `PID@STARTED/NAMESPACE/BOOT/MACHINE`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { namespace, boot, machine } = &self.place;
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        write!(f, "{}@{}/{namespace}/{boot}/{machine}", number(self.pid.map(u64::from)), number(self.started))
    }
}

impl From<&str> for Owner {
    fn from(text: &str) -> Self {
        let mut parts = text.splitn(4, '/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let process = part();
        let (pid, started) = process.split_once('@').unwrap_or((&process, ""));
        let (pid, started) = (pid.parse().ok(), started.parse().ok());
        Self { pid, started, place: Place { namespace: part(), boot: part(), machine: part() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(change: impl FnOnce(&mut Owner)) -> Owner {
        let mut owner = Owner::this();
        change(&mut owner);
        owner
    }

    #[test]
    fn this_process_runs_and_its_text_names_it() {
        let this = Owner::this();
        assert_eq!(this.fate(), Fate::Running);
        assert_eq!(Owner::from(this.to_string().as_str()), this);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_later_process_of_the_same_id_is_another() {
        let later = owner(|owner| owner.started = owner.started.map(|ticks| ticks + 1));
        assert_eq!(later.fate(), Fate::Gone);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_owner_in_another_container_or_on_another_machine_cannot_be_judged() {
        // No process here has this id: judged as an owner on this machine it would count as gone.
        let nobody = |owner: &mut Owner| owner.pid = Some(4_194_304);
        assert_eq!(owner(nobody).fate(), Fate::Gone);
        let elsewhere: [fn(&mut Place); 3] = [
            |place| place.namespace = "4026532999".into(),
            |place| place.boot = "another".into(),
            |place| *place = Place { namespace: String::new(), boot: String::new(), machine: String::new() },
        ];
        for change in elsewhere {
            let there = owner(|owner| {
                nobody(owner);
                change(&mut owner.place);
                owner.place.machine.push('x');
            });
            assert_eq!(there.fate(), Fate::Unknown, "{there}");
        }
    }

    #[test]
    fn a_machine_that_was_started_again_has_none_of_its_processes_left() {
        let place =
            |namespace: &str, boot: &str| Place { namespace: namespace.into(), boot: boot.into(), machine: "m".into() };
        let before = Owner { pid: Some(1), started: Some(1), place: place(OUTERMOST, "first") };
        assert_eq!(before.fate_seen_from(&place(OUTERMOST, "second")), Fate::Gone);
        // In containers the machine's id may be the image's.
        assert_eq!(before.fate_seen_from(&place("4026532999", "second")), Fate::Unknown);
    }

    #[test]
    fn text_that_names_no_place_cannot_be_judged() {
        let nowhere =
            owner(|owner| owner.place = Place { namespace: "1".into(), boot: "2".into(), machine: "3".into() });
        for text in ["", "0", "-1", "x@y", "12@34", "99999999999999", &nowhere.to_string()] {
            assert_eq!(Owner::from(text).fate(), Fate::Unknown, "{text}");
        }
    }
}
