//! Orphans: containers and networks whose labctl is gone.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::cluster::{
    ClusterError, Docker, Fate, Orphans, PLAY_PROJECT, ProjectLeft, checkout_around, end_orphans, projects_left,
    remove_project,
};
use crate::model::ContainerSpec;
use crate::system::System as _;
use crate::system::labnode::LabNode;

/// What is not to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The cluster of `labctl up` stays.
    ClusterToPlayWith,
    /// That one goes too.
    Nothing,
}

/// What became of the projects on the engine.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Names of those that were removed.
    pub(super) removed: Vec<String>,
    /// Those that are left alone, each with the reason.
    pub(super) left_alone: Vec<String>,
}

/// What is to be done about a project.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Remove,
    /// It is in use.
    Keep,
    /// It is another's, or may be; why.
    LeaveAlone(String),
}

/// Ends the processes and removes the folders of labctls that were killed. Says what was done, a line each.
pub(super) fn end_processes() -> Vec<String> {
    let Orphans { processes, folders, left } = end_orphans();
    let ended = processes.iter().map(|name| format!("ended {name}, a process"));
    let removed = folders.iter().map(|folder| format!("removed {}, a folder", folder.display()));
    let done = ended.chain(removed).map(|what| format!("{what} which a labctl that was killed had left behind"));
    done.chain(left.iter().map(|folder| format!("cannot remove the folder {folder}"))).collect()
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
            Judgement::Remove => {
                remove_project(docker, &project.name)?;
                cleared.removed.push(project.name);
            }
            Judgement::Keep => {}
            Judgement::LeaveAlone(why) => cleared.left_alone.push(format!("{}: {why}", project.name)),
        }
    }
    Ok(cleared)
}

/// What a labctl that runs in the folder `here` may do about a project.
pub(super) fn judge(project: &ProjectLeft, here: &Path, keep: Keep) -> Judgement {
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
    let checkout = checkout_around(&containers(), here);
    there == here || !there.exists() || (checkout.is_some() && checkout_around(&containers(), there) == checkout)
}

/// How the lab's node runs in containers: its files mark a checkout of labctl's repository.
fn containers() -> ContainerSpec {
    LabNode.containers()
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
