//! What the user's shell has exported, which is not the experiment's.

use std::process::Command;

use crate::lab::{Ended, Lab, SMALL};

#[test]
fn what_the_user_exports_reaches_no_node() {
    let lab = Lab::new(SMALL);
    let mut command = lab.command(&["run", "1"]);
    let ended: Ended = command.env("TRACE_CAPACITY", "10").env("WRITE_QUORUM", "3").output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("ignored: TRACE_CAPACITY, WRITE_QUORUM ("), "{}", ended.stderr);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W1/manifest.json")).unwrap();
    assert_eq!(manifest["trace_dropped"], 0);
    assert_eq!(lab.read("data/W1/replication.csv").lines().count(), 1 + 20 * 3);
}

#[test]
fn the_commit_is_that_of_the_folder_whatever_git_variables_say() {
    let lab = Lab::new(SMALL);
    let git = |args: &[&str]| {
        let options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(options).args(args).current_dir(lab.path("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "experiments.toml"]);
    git(&["commit", "--quiet", "--message", "one"]);
    let mut command = lab.command(&["run", "1"]);
    let ended: Ended = command.env("GIT_DIR", "/nowhere").env("GIT_WORK_TREE", "/").output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let manifest: serde_json::Value = serde_json::from_str(&lab.read("data/W1/manifest.json")).unwrap();
    assert_eq!(manifest["git"]["commit"], git(&["rev-parse", "HEAD"]));
}
