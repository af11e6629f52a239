//! Limits of the machine: too few descriptors, ports or buffers, too little memory, a full disk.
//!
//! An error that comes from one of them says nothing about the network or the peer. A process
//! notes the first limit that it meets, so that a measurement can tell the two apart. The limits
//! are those of the process, so there is one note for all of it.

use std::error::Error;
use std::io;
use std::sync::OnceLock;

use rustix::io::Errno;
use tracing::error;

/// What stands in a process's log before the first limit that it met: a process that is out of
/// descriptors can no longer be asked.
pub const MARK: &str = "this machine is short of something: ";

static MET: OnceLock<String> = OnceLock::new();

/// The limit behind an error, if it is one of the machine.
pub fn limit_of(error: &io::Error) -> Option<&'static str> {
    let limit = match Errno::from_raw_os_error(error.raw_os_error()?) {
        Errno::MFILE => "this process has no file descriptor left (EMFILE)",
        Errno::NFILE => "the system has no file descriptor left (ENFILE)",
        Errno::NOMEM => "there is no memory left (ENOMEM)",
        Errno::NOBUFS => "there is no buffer left for the network (ENOBUFS)",
        Errno::ADDRNOTAVAIL => "there is no local port left (EADDRNOTAVAIL)",
        Errno::NOSPC => "the disk is full (ENOSPC)",
        Errno::DQUOT => "the disk quota is used up (EDQUOT)",
        _ => return None,
    };
    Some(limit)
}

/// The limit behind an error or one of its causes.
pub fn limit_behind(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let limit = error.downcast_ref::<io::Error>().and_then(limit_of);
    limit.or_else(|| limit_behind(error.source()?))
}

/// Notes that an error, met while doing `what`, came from a limit of the machine, if it did.
pub fn note(what: &str, error: &(dyn Error + 'static)) {
    if let Some(limit) = limit_behind(error) {
        MET.get_or_init(|| {
            let met = format!("{what}: {limit}");
            error!("{MARK}{met}");
            met
        });
    }
}

/// The first limit that this process met.
pub fn met() -> Option<&'static str> {
    MET.get().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no answer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn only_what_the_machine_lacks_is_a_limit() {
        let behind = |errno: Errno| limit_behind(&Outer(io::Error::from_raw_os_error(errno.raw_os_error())));
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL, Errno::NOSPC] {
            assert!(behind(errno).is_some(), "{errno:?}");
        }
        for errno in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::TIMEDOUT, Errno::PIPE, Errno::HOSTUNREACH] {
            assert_eq!(behind(errno), None, "{errno:?}");
        }
        assert_eq!(limit_behind(&Outer(io::Error::other("too many open files"))), None);
    }
}
