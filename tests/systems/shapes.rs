//! The labs in `examples/shapes`, each with nothing but its experiments.toml: three quorums, and a report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::adapter::is_installed;
use crate::lab::Ended;
use crate::redis::column;

const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shapes");
const WRITES: usize = 20;
const FOLLOWERS: [&str; 3] = ["f1", "f2", "f3"];

/// A shape in a fresh folder outside the checkout.
pub(crate) struct Shape {
    folder: TempDir,
    name: &'static str,
}

impl Shape {
    fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(name)).unwrap();
        for file in ["lab.py", &format!("{name}/node.py"), &format!("{name}/experiments.toml")] {
            fs::copy(Path::new(SHAPES).join(file), folder.path().join(file)).unwrap();
        }
        Self { folder, name }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(self.name).join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn labctl(&self, args: &[&str]) -> Ended {
        Command::new(env!("CARGO_BIN_EXE_labctl")).args(args).current_dir(self.path("")).output().unwrap().into()
    }

    /// Runs its three quorums. All writes have to be acknowledged, and the report has to be there.
    fn measure(&self) {
        let ended = self.labctl(&["run", "all", "--backend", "process"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for quorum in 1..=3 {
            let writes = self.read(&format!("data/W{quorum}/writes.csv"));
            assert_eq!(column(&writes, "outcome"), ["ok"; WRITES], "W = {quorum}");
            let manifest: Value = serde_json::from_str(&self.read(&format!("data/W{quorum}/manifest.json"))).unwrap();
            assert_eq!(manifest["settled"], true, "W = {quorum}");
        }
        assert!(self.read("report/report.md").contains("## "));
    }

    /// Each key was written four times, and its writes have the versions 1 to 4.
    fn assert_counts_each_key(&self) {
        for quorum in 1..=3 {
            let writes = self.read(&format!("data/W{quorum}/writes.csv"));
            let mut versions = column(&writes, "key").into_iter().zip(column(&writes, "version")).collect::<Vec<_>>();
            versions.sort();
            let expected = (0..5).flat_map(|key| (1..=4).map(move |version| (format!("k{key}"), version.to_string())));
            assert_eq!(versions, expected.collect::<Vec<_>>(), "W = {quorum}");
            let leader: Value = serde_json::from_str(&self.read(&format!("data/W{quorum}/leader.json"))).unwrap();
            assert!((0..5).all(|key| leader["versions"][format!("k{key}")] == 4), "{leader}");
        }
    }

    fn latencies_us(&self, quorum: u32) -> Vec<u64> {
        let writes = self.read(&format!("data/W{quorum}/writes.csv"));
        column(&writes, "latency_us").iter().map(|latency| latency.parse().unwrap()).collect()
    }

    /// How many entries a node held once the run had settled.
    fn entries(&self, quorum: u32, node: &str) -> usize {
        let dump: Value = serde_json::from_str(&self.read(&format!("data/W{quorum}/{node}.json"))).unwrap();
        dump["store"].as_object().unwrap().len()
    }
}

/// Runs a shape where there is Python.
pub(crate) fn measured(name: &'static str) -> Option<Shape> {
    is_installed().then(|| {
        let shape = Shape::new(name);
        shape.measure();
        shape
    })
}

#[test]
fn every_shape_has_a_test() {
    let source = include_str!("shapes.rs");
    let folders = fs::read_dir(SHAPES).unwrap().map(|entry| entry.unwrap());
    let names = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| !name.starts_with("__")).collect();
    assert_eq!(names.len(), 12);
    names.iter().for_each(|name| assert!(source.contains(&format!("measured(\"{name}\")")), "{name}"));
}

#[test]
fn a_quorum_that_is_capped() {
    if let Some(shape) = measured("01-capped-quorum") {
        FOLLOWERS.iter().for_each(|follower| assert_eq!(shape.entries(3, follower), 5, "{follower}"));
        // One more than there are followers, which experiments.toml cannot say: the node takes it for three.
        let capped = shape.labctl(&["run", "4", "--backend", "process"]);
        assert_eq!(capped.code, Some(0), "{}", capped.stderr);
        assert_eq!(column(&shape.read("data/W4/writes.csv"), "outcome"), ["ok"; WRITES]);
        let told = "20 writes were acknowledged, though 3 followers can never acknowledge one 4 times";
        assert!(capped.stderr.contains(told), "{}", capped.stderr);
        assert!(shape.read("report/report.md").contains("though 20 writes were acknowledged"));
    }
}

#[test]
fn a_quorum_that_is_set_by_a_request_and_copies_that_are_cancelled() {
    if let Some(shape) = measured("02-quorum-by-request") {
        // At W = 3 nothing is left to cancel.
        FOLLOWERS.iter().for_each(|follower| assert_eq!(shape.entries(3, follower), 5, "{follower}"));
    }
}

#[test]
fn a_quorum_that_counts_the_leader() {
    if let Some(shape) = measured("03-counts-the-leader") {
        // It is told 4 at W = 3, and waits for all three followers.
        FOLLOWERS.iter().for_each(|follower| assert_eq!(shape.entries(3, follower), 5, "{follower}"));
    }
}

#[test]
fn versions_of_each_key_and_a_reset() {
    if let Some(shape) = measured("04-versions-and-reset") {
        shape.assert_counts_each_key();
    }
}

#[test]
fn writes_that_are_all_answered_with_200() {
    measured("05-always-200");
}

#[test]
fn answers_in_prose_and_followers_alone_that_tell_what_they_hold() {
    if let Some(shape) = measured("06-prose") {
        assert_eq!(shape.entries(1, "leader"), 5);
    }
}

#[test]
fn delays_in_seconds_and_partial_success() {
    if let Some(shape) = measured("07-partial-success") {
        // 40 ms, and not 40 s.
        assert!(shape.latencies_us(3).iter().all(|latency| *latency < 5_000_000));
    }
}

#[test]
fn delays_in_seconds_and_partial_failure() {
    if let Some(shape) = measured("08-partial-failure") {
        shape.assert_counts_each_key();
    }
}

#[test]
fn a_quorum_in_each_write() {
    measured("09-quorum-per-write");
}

#[test]
fn one_delay_a_follower_that_never_changes() {
    if let Some(shape) = measured("10-fixed-delay") {
        for (quorum, least_us) in [(1, 10_000), (2, 20_000), (3, 30_000)] {
            assert!(shape.latencies_us(quorum).iter().all(|latency| *latency >= least_us), "W = {quorum}");
        }
    }
}

#[test]
fn one_follower_after_the_other_and_no_dump() {
    if let Some(shape) = measured("11-one-after-the-other") {
        for quorum in 1..=3 {
            let least_us = 200_000 * u64::from(quorum);
            assert!(shape.latencies_us(quorum).iter().all(|latency| *latency >= least_us), "W = {quorum}");
            let held = FOLLOWERS.map(|follower| shape.entries(quorum, follower));
            let expected = [1, 2, 3].map(|follower| if follower <= quorum { 5 } else { 0 });
            assert_eq!(held, expected, "W = {quorum}: the others never get it");
        }
    }
}

#[test]
fn an_append_log_whose_order_is_the_state() {
    if let Some(shape) = measured("12-append-log") {
        ["leader", "f1", "f2", "f3"].iter().for_each(|node| assert_eq!(shape.entries(3, node), WRITES, "{node}"));
    }
}

#[test]
fn a_probe_of_a_sound_mapping_ends_with_0_and_of_a_wrong_one_names_the_rule_and_its_place() {
    if !is_installed() {
        return;
    }
    let shape = Shape::new("05-always-200");
    let sound = shape.labctl(&["probe", "always-200", "--backend", "process"]);
    assert_eq!(sound.code, Some(0), "{}{}", sound.stdout, sound.stderr);
    assert!(
        sound.stdout.contains("  matched  write.ok      .success -> true  (experiments.toml:39:6)"),
        "{}",
        sound.stdout
    );
    assert!(sound.stdout.ends_with("every answer is as the mapping says: labctl can measure this system\n"));
    let file = shape.path("experiments.toml");
    fs::write(&file, shape.read("experiments.toml").replace("\".success\"", "\".sucess\"")).unwrap();
    let wrong = shape.labctl(&["probe", "always-200", "--backend", "process", "--format", "json"]);
    assert_eq!(wrong.code, Some(2), "{}{}", wrong.stdout, wrong.stderr);
    let told: Value = serde_json::from_str(&wrong.stdout).unwrap();
    let rule = &told["steps"][0]["rules"][1];
    assert_eq!((&rule["key"], &rule["matched"]), (&"write.ok".into(), &false.into()), "{rule}");
    assert_eq!(rule["place"], "experiments.toml:39:6");
    assert!(rule["gave"].as_str().unwrap().contains("null"), "{rule}");
    assert_eq!(told["problems"].as_array().unwrap().len(), 1, "{told}");
}

#[test]
fn a_probe_accepts_versions_that_count_each_key_and_finds_one_that_never_grows() {
    if !is_installed() {
        return;
    }
    let shape = Shape::new("04-versions-and-reset");
    let probe = || shape.labctl(&["probe", "versions-and-reset", "--backend", "process"]);
    let sound = probe();
    assert_eq!(sound.code, Some(0), "{}{}", sound.stdout, sound.stderr);
    let file = shape.path("experiments.toml");
    let text = shape.read("experiments.toml").replacen("version = \".version\"", "version = \"7\"", 1);
    fs::write(&file, text).unwrap();
    let wrong = probe();
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    let told = "problem: write.version: at probe-b version 7 came after version 7, and a version has to grow";
    assert!(wrong.stdout.contains(told), "{}", wrong.stdout);
}
