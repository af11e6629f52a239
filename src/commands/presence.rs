//! Whether a system is there before its nodes are started.

use crate::cluster::ClusterError;
use crate::config::{BackendChoice, Experiment};
use crate::system::{Presence, presence_of};

/// Refuses to start local processes of a system that this machine does not have. In containers the image
/// is looked for instead, and `auto` looks for the program once it has found no Docker.
///
/// # Errors
/// What is missing and how to get it.
pub(super) fn check(experiment: &Experiment) -> Result<(), ClusterError> {
    if experiment.backend != BackendChoice::Process {
        return Ok(());
    }
    match presence_of(experiment) {
        Presence::Found(_) => Ok(()),
        Presence::Missing { what, advice } => Err(ClusterError::Setup(format!("{what}: {advice}"))),
    }
}
