//! `run` and `report`.

use std::collections::BTreeSet;
use std::fs;

use crate::lab::{Lab, SMALL, files};

/// The `delay_us` column by write and follower.
fn delays(lab: &Lab, run: &str) -> Vec<String> {
    let csv = lab.read(&format!("{run}/replication.csv"));
    csv.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().to_owned()).collect()
}

#[test]
fn run_all_writes_every_database_and_a_report() {
    let lab = Lab::new(SMALL);
    let printed = lab.ok(&["run", "all"]);
    for quorum in [1, 3] {
        assert!(printed.contains(&format!("W={quorum}  20 ok  mean ")), "{printed}");
        for node in ["leader", "f1", "f2", "f3"] {
            for moment in ["", "at-last-ack/"] {
                assert!(lab.path(&format!("data/W{quorum}/{moment}{node}.json")).is_file());
            }
            assert!(lab.path(&format!("data/W{quorum}/logs/{node}.log")).is_file());
        }
        assert_eq!(lab.read(&format!("data/W{quorum}/writes.csv")).lines().count(), 21);
        assert_eq!(lab.read(&format!("data/W{quorum}/replication.csv")).lines().count(), 61);
        assert_eq!(lab.read(&format!("data/W{quorum}/arrivals.csv")).lines().count(), 61);
    }
    for file in ["report.md", "report.html", "summary.csv", "summary.json", "quorum_vs_latency_full.png"] {
        assert!(printed.contains(&format!("report/{file}")), "{printed}");
        assert!(lab.path("report").join(file).is_file(), "{file}");
    }
    let delays = [delays(&lab, "data/W1"), delays(&lab, "data/W3")];
    assert_eq!(delays[0], delays[1], "W does not enter the draw");
    assert!(delays[0].iter().collect::<BTreeSet<_>>().len() > 50, "delays are drawn one by one");
}

#[test]
fn the_same_data_give_the_same_report() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all"]);
    let first = files(&lab.path("report"));
    lab.ok(&["report", "--report", "again"]);
    assert_eq!(first, files(&lab.path("again")));
}

#[test]
fn one_seed_draws_the_same_delays_and_another_does_not() {
    let lab = Lab::new(SMALL);
    for (seed, folder) in [("7", "a"), ("7", "b"), ("8", "c")] {
        lab.ok(&["run", "1", "--seed", seed, "--data", folder, "--report", "r"]);
    }
    assert_eq!(delays(&lab, "a/W1"), delays(&lab, "b/W1"));
    assert_ne!(delays(&lab, "a/W1"), delays(&lab, "c/W1"));
}

#[test]
fn another_experiment_has_folders_of_its_own() {
    let lab = Lab::new(SMALL);
    let printed = lab.ok(&["run", "all", "-e", "versioned"]);
    assert!(printed.contains("  0 of ") && printed.contains("copies diverged"), "{printed}");
    assert!(lab.path("data/versioned/W1/writes.csv").is_file());
    assert!(lab.path("report/versioned/report.md").is_file());
    assert!(!lab.path("data/W1").exists());
}

#[test]
fn an_impossible_quorum_is_run_with_a_warning_and_reported() {
    let lab = Lab::new(SMALL);
    let ended = lab.run(&["run", "4"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("W = 4 can never be reached by 3 followers"), "{}", ended.stderr);
    assert!(ended.stdout.contains("W=4  0 ok, 20 failed"), "{}", ended.stdout);
    assert!(!lab.read("report/report.md").contains("NaN"));
}

#[test]
fn json_is_one_value_and_the_only_thing_on_stdout() {
    let lab = Lab::new(SMALL);
    let printed: serde_json::Value = serde_json::from_str(&lab.ok(&["run", "3", "--format", "json"])).unwrap();
    assert_eq!(printed[0]["experiment"], "small");
    assert_eq!(printed[0]["runs"][0]["quorum"], 3);
    assert_eq!(printed[0]["runs"][0]["n"], 20);
}

#[test]
fn resume_keeps_what_is_there_and_makes_what_is_missing() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    let before = lab.read("data/W1/manifest.json");
    let printed = lab.ok(&["run", "all", "--resume"]);
    assert!(printed.lines().next().unwrap().ends_with("(kept)"), "{printed}");
    assert_eq!(lab.read("data/W1/manifest.json"), before);
    assert!(lab.path("data/W3").is_dir());
    let ended = lab.run(&["run", "all", "--resume", "--seed", "1"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("data/W1: this run was made with another seed"), "{}", ended.stderr);
}

/// When a run began and ended, by its manifest.
fn began_and_ended(lab: &Lab, run: &str) -> [jiff::Timestamp; 2] {
    let manifest: serde_json::Value = serde_json::from_str(&lab.read(&format!("{run}/manifest.json"))).unwrap();
    ["started", "finished"].map(|moment| manifest[moment].as_str().unwrap().parse().unwrap())
}

#[test]
fn quorums_are_measured_side_by_side_if_asked_and_meet_the_same_delays() {
    let lab = Lab::new(SMALL);
    let printed = lab.ok(&["run", "all", "--jobs", "2"]);
    let lines: Vec<&str> = printed.lines().take(2).map(|line| &line[..3]).collect();
    assert_eq!(lines, ["W=1", "W=3"], "{printed}");
    let [[_, first_ended], [second_began, _]] = ["data/W1", "data/W3"].map(|run| began_and_ended(&lab, run));
    assert!(second_began < first_ended);
    assert_eq!(delays(&lab, "data/W1"), delays(&lab, "data/W3"));
    assert!(lab.read("data/W3/manifest.json").contains("\"jobs\": 2"));
    assert!(lab.read("report/report.md").contains("| runs at a time | 2 |"));
}

#[test]
fn nodes_start_while_those_of_the_run_before_stop_and_not_sooner() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all"]);
    // `finished` is before the nodes stop.
    let [[_, first_ended], [second_began, _]] = ["data/W1", "data/W3"].map(|run| began_and_ended(&lab, run));
    assert!(second_began >= first_ended);
    assert!(!lab.read("data/W3/manifest.json").contains("\"jobs\""));
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let lab = Lab::new(SMALL);
    let printed = lab.ok(&["run", "all", "--dry-run", "-e", "all"]);
    assert!(printed.contains("W=3 -> data/W3"), "{printed}");
    assert!(printed.contains("report -> report/versioned"), "{printed}");
    assert_eq!(fs::read_dir(lab.path(".")).unwrap().count(), 1);
}

#[test]
fn a_node_that_cannot_start_is_named_with_its_log() {
    let lab = Lab::new(&SMALL.replace("followers = 3", "followers = 3\nseed = 5"));
    // The port of the leader of `labctl up` is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:8080");
    let ended = lab.run(&["up", "1", "--backend", "process"]);
    drop(taken);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let told = "leader: another program listens on its port, 127.0.0.1:8080";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains("labnode: cannot listen on 127.0.0.1:8080"), "{}", ended.stderr);
}

#[test]
fn folders_that_cannot_be_written_are_told_before_anything_runs() {
    let lab = Lab::new(SMALL);
    fs::write(lab.path("file"), "").unwrap();
    for (args, told) in [
        (["run", "1", "--report", "file"], "file: cannot write the report here: "),
        (["run", "1", "--data", "file"], "file: cannot make the folder: "),
    ] {
        let ended = lab.run(&args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("os error").count(), 1, "{}", ended.stderr);
    }
}
