//! `check-consistency`, and what damaged or missing data end with.

use std::fs;

use crate::lab::{Lab, SMALL};

#[test]
fn without_data_it_says_what_makes_them() {
    let lab = Lab::new(SMALL);
    for command in ["check-consistency", "report"] {
        let ended = lab.run(&[command]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert_eq!(ended.stderr, "labctl: data: there are no runs here; `labctl run all` makes them\n");
        let ended = lab.run(&[command, "-e", "versioned"]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains("`labctl run all -e versioned` makes them"), "{}", ended.stderr);
    }
}

#[test]
fn a_missing_quorum_is_named_after_the_others_are_judged() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    let ended = lab.run(&["check-consistency"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("W=1  "), "{}", ended.stdout);
    assert!(ended.stderr.contains("there is no run at W = 3; `labctl run 3 -e small`"), "{}", ended.stderr);
}

#[test]
fn expectations_decide_the_exit_code() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "-e", "versioned"]);
    assert!(lab.ok(&["check-consistency", "-e", "versioned"]).contains("consistent: all 6 pairs match"));
    let leader: serde_json::Value = serde_json::from_str(&lab.read("data/versioned/W1/leader.json")).unwrap();
    let held = leader["store"]["k1"].to_string();
    lab.edit("data/versioned/W1/f2.json", |text| text.replacen(&held, "\"v1\"", 1));
    let ended = lab.run(&["check-consistency", "-e", "versioned"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("inconsistent: 1 of 6 pairs diverged"), "{}", ended.stdout);
    assert!(ended.stderr.contains("expects W = 1 to end consistent, and it did not"), "{}", ended.stderr);
}

#[test]
fn what_never_settled_is_unknown_and_never_consistent() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "-e", "versioned"]);
    lab.edit("data/versioned/W1/manifest.json", |text| text.replace("\"settled\": true", "\"settled\": false"));
    let ended = lab.run(&["check-consistency", "-e", "versioned"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("unknown: not settled"), "{}", ended.stdout);
}

#[test]
fn json_has_the_counts_of_both_moments() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all"]);
    let runs: serde_json::Value = serde_json::from_str(&lab.ok(&["check-consistency", "--format", "json"])).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    for run in runs.as_array().unwrap() {
        for moment in ["at_last_ack", "settled"] {
            let total = &run[moment]["total"];
            let sum: u64 = ["match", "stale", "missing", "foreign"].iter().map(|s| total[s].as_u64().unwrap()).sum();
            assert_eq!(sum, 12, "{run}");
            assert_eq!(run[moment]["followers"].as_array().unwrap().len(), 3);
        }
    }
}

#[test]
fn damage_is_one_line_with_file_and_line_and_exit_code_two() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    lab.edit("data/W1/writes.csv", |text| text.replacen("\n3,", "\nthree,", 1));
    for command in ["check-consistency", "report"] {
        let ended = lab.run(&[command]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.starts_with("labctl: data/W1/writes.csv:5: "), "{}", ended.stderr);
    }
}

#[test]
fn a_run_in_the_wrong_place_is_refused() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    fs::rename(lab.path("data/W1"), lab.path("data/W2")).unwrap();
    let ended = lab.run(&["check-consistency"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("this is W = 1 of experiment small, in the place of W = 2"), "{}", ended.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = lab.command(&["report"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "only W = 3 is missing");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
}
