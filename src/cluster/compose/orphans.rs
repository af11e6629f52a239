//! Orphans: containers and networks whose labctl is gone.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::PLAY_PROJECT;
use super::deployment::checkout_around;
use super::project::{ProjectLeft, Removal, projects_left, remove_project};
use crate::cluster::backend::{Cleared, REPLACE_ADVICE};
use crate::cluster::docker::Docker;
use crate::cluster::{ClusterError, Fate, Tell};

/// Why an empty network is still there.
const NETWORK_KEPT: &str =
    "its network is empty, and the engine takes it to be in use; it can be removed once the engine has been restarted";

/// What is not to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The cluster of `labctl up` stays.
    ClusterToPlayWith,
    /// That one goes too.
    Nothing,
}

/// What is to be done about a project.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Remove,
    /// It is in use.
    Keep,
    /// It is another's, or may be; why.
    LeaveAlone(String),
}

/// Removes every project whose labctl is known not to run any more.
///
/// # Errors
/// When the engine cannot be asked, or a project cannot be removed.
pub(super) fn remove(
    docker: &Docker,
    here: &Path,
    keep: Keep,
    cancel: &CancellationToken,
) -> Result<Cleared, ClusterError> {
    let mut cleared = Cleared::default();
    for project in projects_left(docker, cancel)? {
        match judge(&project, here, keep) {
            Judgement::Remove => match remove_project(docker, &project.name)? {
                Removal::Complete => cleared.removed.push(project.name),
                // A run can do without it, and `labctl down` tells of it.
                Removal::NetworkKept(_) if keep == Keep::ClusterToPlayWith => {}
                Removal::NetworkKept(_) => cleared.left_alone.push(format!("{}: {NETWORK_KEPT}", project.name)),
            },
            Judgement::Keep => {}
            Judgement::LeaveAlone(why) => cleared.left_alone.push(format!("{}: {why}", project.name)),
        }
    }
    Ok(cleared)
}

/// Makes room for the cluster to play with where another one is on the engine, if `replace` says so.
///
/// # Errors
/// When it may not be removed, or cannot.
pub(super) fn replace(
    docker: &Docker,
    here: &Path,
    replace: bool,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<(), ClusterError> {
    let there = projects_left(docker, cancel)?.into_iter().find(|project| project.name == PLAY_PROJECT);
    let Some(there) = there else { return Ok(()) };
    match judge(&there, here, Keep::Nothing) {
        Judgement::LeaveAlone(why) => {
            Err(ClusterError::Setup(format!("there is a cluster of another `labctl up`, {PLAY_PROJECT}: {why}")))
        }
        _ if !replace => {
            Err(ClusterError::Setup(format!("a cluster of `labctl up` is there, {PLAY_PROJECT}: {REPLACE_ADVICE}")))
        }
        _ => {
            remove_project(docker, PLAY_PROJECT)?;
            tell(&format!("removed {PLAY_PROJECT}, the cluster of an earlier `labctl up`"));
            Ok(())
        }
    }
}

/// What a labctl that runs in the folder `here` may do about a project.
fn judge(project: &ProjectLeft, here: &Path, keep: Keep) -> Judgement {
    let is_play = project.name == PLAY_PROJECT;
    if is_play && keep == Keep::ClusterToPlayWith {
        return Judgement::Keep;
    }
    let folder = project.folder.display();
    match project.owner.fate() {
        Fate::Unknown => Judgement::LeaveAlone(format!(
            "it was started in {folder} of another machine or container, by process {}; `docker compose -p {} down` \
             removes it",
            project.owner, project.name
        )),
        // The labctl that starts the cluster to play with ends, and the cluster stays its folder's.
        _ if is_play && !is_same_place(&project.folder, here) => {
            Judgement::LeaveAlone(format!("it was started in {folder}; `labctl down` there removes it"))
        }
        Fate::Running if !is_play => Judgement::Keep,
        Fate::Running | Fate::Gone => Judgement::Remove,
    }
}

/// Whether both folders are one, or belong to one checkout; or `there` does not exist any more.
fn is_same_place(there: &Path, here: &Path) -> bool {
    let checkout = checkout_around(here);
    there == here || !there.exists() || (checkout.is_some() && checkout_around(there) == checkout)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::cluster::Owner;

    fn project(name: &str, owner: Owner, folder: &Path) -> ProjectLeft {
        ProjectLeft { name: name.to_owned(), owner, folder: folder.to_owned() }
    }

    #[test]
    fn a_run_is_removed_only_if_its_labctl_is_known_to_be_gone() {
        let here = Path::new("/");
        let judged = |owner: &str| judge(&project("labctl-a", Owner::from(owner), here), here, Keep::Nothing);
        let this = Owner::this().to_string();
        assert_eq!(judged(&this), Judgement::Keep);
        let (_, place) = this.split_once('/').unwrap();
        assert_eq!(judged(&format!("4194304@1/{place}")), Judgement::Remove);
        let elsewhere = judged("4194304@1/1/elsewhere/other");
        let is_told = |why: &str| why.contains("4194304@1/1/elsewhere/other") && why.contains("-p labctl-a down");
        assert!(matches!(&elsewhere, Judgement::LeaveAlone(why) if is_told(why)), "{elsewhere:?}");
    }

    #[test]
    fn the_cluster_to_play_with_is_its_folders() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let judged = |owner: Owner, folder: &Path, keep| judge(&project(PLAY_PROJECT, owner, folder), one.path(), keep);
        let this = Owner::this;
        assert_eq!(judged(this(), one.path(), Keep::Nothing), Judgement::Remove);
        assert_eq!(judged(this(), one.path(), Keep::ClusterToPlayWith), Judgement::Keep);
        assert!(matches!(judged(this(), other.path(), Keep::Nothing), Judgement::LeaveAlone(_)));
        assert_eq!(judged(this(), &other.path().join("gone"), Keep::Nothing), Judgement::Remove);
        assert!(matches!(judged(Owner::from("1@1/1/2/3"), one.path(), Keep::Nothing), Judgement::LeaveAlone(_)));
    }
}
