//! Faults on real containers, with labctl as its user runs it: they happen, the run's files tell
//! of them, and nothing is left on the engine; nor after a labctl that was killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::broken::{self, Row};
use crate::engine::deployment;
use crate::engine_left::{assert_nothing_left, folder_label, left};

/// A working folder with an experiment on containers.
struct Lab(TempDir);

impl Lab {
    /// A hundred and fifty writes to three followers, with delays of up to 100 ms. `None` if there is no engine.
    fn new(quorums: &str, fault: &str) -> Option<Self> {
        deployment()?;
        let folder = tempfile::tempdir().unwrap();
        let config = broken::config("compose", quorums, 150, 2.0, fault);
        fs::write(folder.path().join("experiments.toml"), config).unwrap();
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labctl"));
        command.args(args).current_dir(self.0.path());
        command
    }

    /// Runs labctl, which has to succeed.
    fn run(&self, args: &[&str]) {
        let Output { status, stderr, .. } = self.command(args).output().unwrap();
        assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    }

    fn rows(&self, file: &str) -> Vec<Row> {
        broken::rows(&fs::read_to_string(self.path(file)).unwrap())
    }

    /// What was done, as `kind node`.
    fn done(&self) -> Vec<String> {
        let rows = self.rows("data/W3/faults.csv");
        let us = |row: &Row, column: &str| row[column].parse::<i64>().unwrap();
        assert!(rows.iter().all(|row| us(row, "begun_us") <= us(row, "ended_us")), "{rows:?}");
        broken::done(&rows)
    }

    /// The writes' latencies by outcome, in milliseconds.
    fn latencies(&self) -> BTreeMap<String, Vec<u64>> {
        let mut latencies: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for row in self.rows("data/W3/writes.csv") {
            latencies.entry(row["outcome"].clone()).or_default().push(row["latency_us"].parse::<u64>().unwrap() / 1000);
        }
        latencies
    }

    /// How many copies to a follower ended like this.
    fn copies(&self, follower: &str, outcome: &str) -> usize {
        let rows = self.rows("data/W3/replication.csv");
        rows.iter().filter(|row| row["follower"] == follower && row["outcome"] == outcome).count()
    }

    /// The label of what was started from this folder.
    fn label(&self) -> String {
        folder_label(self.0.path())
    }
}

#[test]
fn a_follower_that_is_killed_and_restarted() {
    let fault = "[[experiment.broken.fault]]\nat = 20\nnode = \"f3\"\nkind = \"kill\"\nuntil = 100";
    let Some(lab) = Lab::new("[3]", fault) else { return };
    lab.run(&["run", "all"]);
    assert_eq!(lab.done(), ["kill f3", "restart f3"]);
    let latencies = lab.latencies();
    assert!(latencies["failed"].len() >= 10 && latencies["ok"].len() >= 20, "{latencies:?}");
    assert!(!latencies.contains_key("unknown"), "{latencies:?}");
    assert!(lab.copies("f3", "failed") + lab.copies("f3", "timeout") >= 10);
    assert_eq!((lab.copies("f1", "acked"), lab.copies("f2", "acked")), (150, 150));
    assert_nothing_left(&lab.label());
}

#[test]
fn a_follower_that_is_paused_and_resumed() {
    let fault = "[[experiment.broken.fault]]\nat = 20\nnode = \"f1\"\nkind = \"pause\"\nuntil = \"3s\"";
    let Some(lab) = Lab::new("[3]", fault) else { return };
    lab.run(&["run", "all"]);
    assert_eq!(lab.done(), ["pause f1", "resume f1"]);
    // A frozen follower refuses nothing: what needs it waits for the replication timeout.
    let latencies = lab.latencies();
    assert!(latencies["failed"].iter().all(|ms| *ms >= 400), "{latencies:?}");
    assert!(lab.copies("f1", "timeout") > 0 && lab.copies("f1", "failed") == 0);
    assert_nothing_left(&lab.label());
}

#[test]
fn a_follower_that_is_cut_off_from_all_and_healed() {
    let fault =
        "[[experiment.broken.fault]]\nat = 20\nnode = \"f2\"\nkind = \"partition\"\nfrom = \"all\"\nuntil = \"3s\"";
    let Some(lab) = Lab::new("[3]", fault) else { return };
    lab.run(&["run", "all"]);
    assert_eq!(lab.done(), ["partition f2", "heal f2"]);
    assert!(lab.copies("f2", "timeout") > 0 && lab.copies("f2", "acked") >= 15);
    // It was reached again in the end, and by another port.
    assert!(lab.path("data/W3/f2.json").exists());
    assert_nothing_left(&lab.label());
}

#[test]
fn a_follower_that_is_mute_and_heard_again() {
    let fault = "[[experiment.broken.fault]]\nat = 20\nnode = \"f2\"\nkind = \"mute\"\nuntil = \"3s\"";
    let Some(lab) = Lab::new("[3]", fault) else { return };
    lab.run(&["run", "all"]);
    assert_eq!(lab.done(), ["mute f2", "heal f2"]);
    assert!(lab.copies("f2", "timeout") > 0 && lab.copies("f2", "acked") >= 15);
    let arrivals = lab.rows("data/W3/arrivals.csv");
    assert_eq!(arrivals.iter().filter(|row| row["follower"] == "f2").count(), 150);
    assert_nothing_left(&lab.label());
}

#[test]
fn a_leader_that_is_killed_leaves_writes_without_an_answer() {
    let fault = "[[experiment.broken.fault]]\nat = 30\nnode = \"leader\"\nkind = \"kill\"";
    let Some(lab) = Lab::new("[3]", fault) else { return };
    lab.run(&["run", "all"]);
    assert_eq!(lab.done(), ["kill leader"]);
    let latencies = lab.latencies();
    assert!(latencies["unknown"].len() >= 10 && !latencies.contains_key("failed"), "{latencies:?}");
    assert_eq!(lab.rows("data/W3/writes.csv")[149]["outcome"], "unknown");
    assert!(lab.path("data/W3/f1.json").exists() && !lab.path("data/W3/leader.json").exists());
    assert_nothing_left(&lab.label());
}

#[test]
fn what_a_killed_labctl_leaves_is_cleared_by_the_next_and_finished_runs_stay() {
    let Some(lab) = Lab::new("[1, 3]", "") else { return };
    lab.run(&["run", "1"]);
    let before = fs::read(lab.path("data/W1/writes.csv")).unwrap();
    let mut child = lab.command(&["run", "3"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while left(&lab.label()).len() < 5 {
        assert!(started.elapsed() < Duration::from_secs(120), "the nodes do not start");
        assert!(child.try_wait().unwrap().is_none(), "labctl ended before it could be killed");
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!lab.path("data/W3").exists());
    lab.run(&["run", "all", "--resume"]);
    assert_nothing_left(&lab.label());
    assert_eq!(fs::read(lab.path("data/W1/writes.csv")).unwrap(), before, "W1 was run again");
    assert!(lab.path("data/W3/manifest.json").exists());
    assert!(unfinished(&lab.path("data")).is_empty());
}

/// Names of folders in which runs are being written.
fn unfinished(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".W")).collect()
}
