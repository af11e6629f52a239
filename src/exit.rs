//! The exit codes, which are public interface (DESIGN, section 6).

use std::process::ExitCode;

use crate::client::ClientError;
use crate::cluster::ClusterError;
use crate::data::DataError;
use crate::load::RecordError;

/// How labctl ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, and every expectation held.
    Success = 0,
    /// An expectation of the experiment did not hold.
    Expectation = 1,
    /// Bad usage, configuration or data.
    Usage = 2,
    /// The cluster could not be started or failed.
    Cluster = 3,
    /// Data is incomplete.
    Incomplete = 4,
    /// This machine: disk, memory, descriptors, permission, output that could not be written.
    Machine = 5,
    /// Interrupted; the cluster is down and earlier data intact.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The code an error ends labctl with: the first known cause decides.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        let decide = |cause: &(dyn std::error::Error + 'static)| {
            if let Some(error) = cause.downcast_ref::<ClusterError>() {
                Some(if matches!(error, ClusterError::Interrupted) { Self::Interrupted } else { Self::Cluster })
            } else if cause.is::<ClientError>() || cause.is::<RecordError>() {
                Some(Self::Cluster)
            } else {
                let error = cause.downcast_ref::<DataError>()?;
                Some(if matches!(error, DataError::Missing { .. }) { Self::Incomplete } else { Self::Usage })
            }
        };
        error.chain().find_map(decide).unwrap_or(Self::Usage)
    }
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

    #[test]
    fn the_cause_decides_and_context_does_not_hide_it() {
        let of = |error: anyhow::Error| Exit::of(&error);
        let missing = DataError::Missing { path: "data".into(), what: "no runs".into() };
        assert_eq!(of(anyhow::Error::from(missing).context("reading")), Exit::Incomplete);
        assert_eq!(of(ClusterError::Interrupted.into()), Exit::Interrupted);
        let cluster = Err::<(), _>(ClusterError::Setup("no engine".into())).context("starting W = 3");
        assert_eq!(cluster.map_err(of), Err(Exit::Cluster));
        assert_eq!(of(anyhow::anyhow!("anything else")), Exit::Usage);
    }

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("disk on fire");
        let error = DataError::Io { path: "data".into(), action: "write", source };
        let told = message(&anyhow::Error::from(error).context("W = 1"));
        assert_eq!(told, "W = 1: data: cannot write: disk on fire");
    }
}
