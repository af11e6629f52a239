//! Containers and networks of a labctl that is gone.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::cluster::{ClusterError, Docker, PLAY_PROJECT, projects_left, remove_project};

/// What is no leftover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The cluster of `labctl up` stays.
    ClusterToPlayWith,
    /// That one goes too.
    Nothing,
}

/// Removes every project whose labctl is not running any more; returns their names.
///
/// # Errors
/// When the engine cannot be asked, or a project cannot be removed.
pub(super) fn remove(
    docker: &Docker,
    root: &Path,
    keep: Keep,
    cancel: &CancellationToken,
) -> Result<Vec<String>, ClusterError> {
    let mut removed = Vec::new();
    for project in projects_left(docker, cancel)? {
        let stays =
            if project.name == PLAY_PROJECT { keep == Keep::ClusterToPlayWith } else { project.owner.is_running() };
        if !stays {
            remove_project(docker, root, &project.name)?;
            removed.push(project.name);
        }
    }
    Ok(removed)
}
