//! Which exit code an error ends labctl with, and how it is told.

use std::error::Error;
use std::io;

use rustix::io::Errno;

use super::descriptors::LimitError;
use crate::cli::Exit;
use crate::cluster::ClusterError;
use crate::data::DataError;
use crate::load::RecordError;
use crate::sim::SimError;
use crate::system::SessionError;

/// The code an error ends labctl with. A limit of this machine decides wherever it is in the
/// chain of causes, otherwise the first known cause.
#[must_use]
pub fn code(error: &anyhow::Error) -> Exit {
    if error.chain().any(is_limit_of_this_machine) {
        return Exit::Machine;
    }
    let decide = |cause: &(dyn Error + 'static)| {
        if let Some(error) = cause.downcast_ref::<ClusterError>() {
            Some(match error {
                ClusterError::Interrupted => Exit::Interrupted,
                ClusterError::Temporary { .. } => Exit::Machine,
                _ => Exit::Cluster,
            })
        } else if let Some(error) = cause.downcast_ref::<SimError>() {
            Some(match error {
                SimError::Interrupted => Exit::Interrupted,
                SimError::System(_) => Exit::Usage,
                _ => Exit::Cluster,
            })
        } else if cause.is::<SessionError>() || cause.is::<RecordError>() {
            Some(Exit::Cluster)
        } else {
            let error = cause.downcast_ref::<DataError>()?;
            Some(if matches!(error, DataError::Missing { .. } | DataError::NoRuns { .. }) {
                Exit::Incomplete
            } else {
                Exit::Usage
            })
        }
    };
    error.chain().find_map(decide).unwrap_or(Exit::Usage)
}

/// Whether an error is, or wraps, an I/O error that this machine is to blame for and not what
/// the user asked for or what a file says.
fn is_limit_of_this_machine(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // `io::Error::source` skips the error it wraps, so that one is looked at here.
        return is_machine_kind(error) || error.get_ref().is_some_and(|inner| is_limit_of_this_machine(inner));
    }
    if let Some(error) = error.downcast_ref::<csv::Error>() {
        return matches!(error.kind(), csv::ErrorKind::Io(error) if is_machine_kind(error));
    }
    error.is::<LimitError>()
}

fn is_machine_kind(error: &io::Error) -> bool {
    use io::ErrorKind;
    let by_kind = matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
            | ErrorKind::OutOfMemory
    );
    // The standard library has no kind for these: descriptors of the process and of the system,
    // threads and processes, and a disk that fails.
    let by_number = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::IO, Errno::NOBUFS];
    by_kind || error.raw_os_error().is_some_and(|number| by_number.iter().any(|errno| errno.raw_os_error() == number))
}

/// An error and its causes on one line. Some errors tell their cause themselves; it is not told again.
#[must_use]
pub fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::model::{NodeId, SystemName};

    #[test]
    fn the_cause_decides_and_context_does_not_hide_it() {
        let of = |error: anyhow::Error| code(&error);
        let missing = DataError::Missing { path: "data".into(), what: "no runs".into() };
        assert_eq!(of(anyhow::Error::from(missing).context("reading")), Exit::Incomplete);
        assert_eq!(of(ClusterError::Interrupted.into()), Exit::Interrupted);
        assert_eq!(of(SimError::Interrupted.into()), Exit::Interrupted);
        assert_eq!(of(SimError::System(SystemName::default()).into()), Exit::Usage);
        assert_eq!(of(SimError::UnknownNode(NodeId::Leader).into()), Exit::Cluster);
        let cluster = Err::<(), _>(ClusterError::Setup("no engine".into())).context("starting W = 3");
        assert_eq!(cluster.map_err(of), Err(Exit::Cluster));
        assert_eq!(of(anyhow::anyhow!("anything else")), Exit::Usage);
        let full = std::io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
        assert_eq!(of(DataError::Io { path: "data".into(), action: "write", source: full }.into()), Exit::Machine);
        let files = std::io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        assert_eq!(of(ClusterError::Spawn { command: "labctl node".into(), source: files }.into()), Exit::Machine);
        let met = LimitError::Met { who: "f1".into(), what: "accepting a connection".into() };
        assert_eq!(of(anyhow::Error::from(met).context("W = 1")), Exit::Machine);
    }

    #[test]
    fn limits_of_this_machine_are_found_wherever_they_are_in_the_chain() {
        let machine = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let write = |source| DataError::Io { path: "data/W1/writes.csv".into(), action: "write", source };
        for errno in [
            Errno::NOSPC,
            Errno::DQUOT,
            Errno::FBIG,
            Errno::ROFS,
            Errno::ACCESS,
            Errno::PERM,
            Errno::NOMEM,
            Errno::MFILE,
            Errno::NFILE,
            Errno::AGAIN,
            Errno::IO,
        ] {
            let wrapped = [
                machine(errno),
                io::Error::other(machine(errno)),
                io::Error::from(csv::Error::from(machine(errno))),
                io::Error::from(serde_json::Error::io(machine(errno))),
            ];
            for source in wrapped {
                let error = anyhow::Error::from(write(source)).context("W = 1").context("experiment quorum");
                assert_eq!(code(&error), Exit::Machine, "{errno}");
            }
            let spawn = ClusterError::Spawn { command: "labctl node".into(), source: machine(errno) };
            assert_eq!(code(&spawn.into()), Exit::Machine, "{errno}");
        }
        // What the user named wrongly, and data that is damaged.
        for errno in [Errno::NOENT, Errno::NOTDIR, Errno::ISDIR, Errno::EXIST] {
            assert_eq!(code(&write(machine(errno)).into()), Exit::Usage, "{errno}");
        }
        let damaged = DataError::Invalid { path: "data".into(), line: 3, message: "no number".into() };
        assert_eq!(code(&damaged.into()), Exit::Usage);
    }

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("disk on fire");
        let error = DataError::Io { path: "data".into(), action: "write", source };
        let told = message(&anyhow::Error::from(error).context("W = 1"));
        assert_eq!(told, "W = 1: data: cannot write: disk on fire");
    }
}
