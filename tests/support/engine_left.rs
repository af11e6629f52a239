//! What a labctl has left on the Docker engine.

use std::path::Path;
use std::process::Command;

/// The label of what a labctl that ran in this folder has started.
pub(crate) fn folder_label(folder: &Path) -> String {
    format!("labctl.folder={}", folder.canonicalize().unwrap().display())
}

/// The label of what belongs to this Compose project.
#[allow(dead_code, reason = "not every program of tests knows its projects")]
pub(crate) fn project_label(project: &str) -> String {
    format!("com.docker.compose.project={project}")
}

/// Containers, networks and volumes with this label.
pub(crate) fn left(label: &str) -> Vec<String> {
    let listed = [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]].map(|what| {
        let filter = format!("label={label}");
        let listed = Command::new("docker").args(what).args(["--quiet", "--filter", &filter]).output().unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        String::from_utf8(listed.stdout).unwrap()
    });
    listed.iter().flat_map(|ids| ids.lines()).map(str::to_owned).collect()
}

/// Asserts that nothing has this label, except a network that the engine takes to be in use: Docker 20.10 sometimes counts one
/// endpoint too many until it is started anew.
pub(crate) fn assert_nothing_left(label: &str) {
    let mut left = left(label);
    left.retain(|id| {
        let removed = Command::new("docker").args(["network", "rm", id]).output().unwrap();
        !String::from_utf8_lossy(&removed.stderr).contains("has active endpoints")
    });
    assert_eq!(left, Vec::<String>::new(), "{label}");
}
