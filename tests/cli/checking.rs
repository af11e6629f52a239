//! `check-consistency`, and what damaged or missing data end with.

use std::fs;

use crate::lab::{Lab, SMALL, files};

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
        let ended = lab.run(&[command, "-e", "all", "--data", "mine", "--config", "other.toml"]);
        let told = "labctl: mine: there are no runs here; `labctl run all -e all --config other.toml --data mine` makes them\n";
        assert_eq!(ended.stderr, told);
    }
}

#[test]
fn a_missing_quorum_is_named_after_the_others_are_judged() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1"]);
    let ended = lab.run(&["check-consistency"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("W=1  "), "{}", ended.stdout);
    assert!(ended.stderr.contains("there is no run at W = 3; `labctl run 3 -e small` makes them"), "{}", ended.stderr);
}

#[test]
fn expectations_decide_the_exit_code() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "-e", "versioned"]);
    assert!(lab.ok(&["check-consistency", "-e", "versioned"]).contains("consistent: all 6 copies match"));
    lab.edit("experiments.toml", |text| text.replacen("order = \"version\"", "order = \"arrival\"", 1));
    let run = lab.run(&["run", "all", "-e", "versioned", "--backend", "sim"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let ended = lab.run(&["check-consistency", "-e", "versioned"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("inconsistent: ") && ended.stdout.contains(" of 6 copies diverged"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("expects W = 1 to end consistent, and it did not"), "{}", ended.stderr);
}

#[test]
fn what_never_settled_is_unknown_and_never_consistent() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "-e", "versioned"]);
    lab.edit("data/versioned/W1/manifest.json", |text| text.replace("\"settled\": true", "\"settled\": false"));
    let ended = lab.run(&["check-consistency", "-e", "versioned"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("unknown: the run did not settle"), "{}", ended.stdout);
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
    assert!(
        ended.stderr.contains("this is W = 1 of experiment small; in this folder it must be W = 2"),
        "{}",
        ended.stderr
    );
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

/// The simulated runs of `small`, at W = 1 and 3.
fn simulated() -> Lab {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    lab
}

#[test]
fn a_database_that_contradicts_the_trace_is_no_verdict_in_any_command() {
    let lab = simulated();
    fs::copy(lab.path("data/W1/leader.json"), lab.path("data/W1/f2.json")).unwrap();
    let told = "data/W1/f2.json: f2: this is the dump of `leader`";
    for args in [
        &["check-consistency"][..],
        &["staleness"],
        &["report"],
        &["compare", "data", "data"],
        &["compare", "data", "--sim"],
    ] {
        let ended = lab.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(!ended.stdout.is_empty(), "{args:?}: what can be said is said");
        assert!(ended.stderr.contains(told), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.lines().last().unwrap().contains("contradict each other"), "{}", ended.stderr);
    }
    let ended = lab.run(&["check-consistency"]);
    assert!(ended.stdout.contains("W=1  unknown: the files of this run contradict each other"), "{}", ended.stdout);
    assert!(ended.stdout.contains("W=3  inconsistent") || ended.stdout.contains("W=3  consistent"));
    let json = lab.run(&["check-consistency", "--format", "json"]).stdout;
    let runs: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&runs[0]["verdict"], &runs[0]["contradictions"][0]["file"]), (&"unknown".into(), &"f2.json".into()));
    assert_eq!(runs[1]["contradictions"].as_array().unwrap().len(), 0);
    let csv = lab.read("report/summary.csv");
    assert!(csv.lines().nth(1).unwrap().contains(",,,"), "neither count of pairs is given: {csv}");
    let report = lab.read("report/report.md");
    assert!(report.contains("At W = 1 the files of the run contradict each other"), "{report}");
    assert!(!report.contains("did not answer at the end"), "{report}");
}

#[test]
fn a_run_whose_writes_are_contradicted_is_left_out_by_name() {
    let lab = simulated();
    let one_ack_less = |text: String| text.replacen(",ok,200,1,3,", ",ok,200,1,2,", 1);
    lab.edit("data/W3/writes.csv", one_ack_less);
    let ended = lab.run(&["report"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let told = "writes.csv:2: k0: write 0 is `ok` with 2 acknowledgements where W = 3";
    assert!(ended.stderr.contains(&format!("data/W3/{told}")), "{}", ended.stderr);
    let report = lab.read("report/report.md");
    assert!(report.contains(&format!("W = 3 is left out: its files contradict each other: {told}.")), "{report}");
    assert_eq!(lab.read("report/summary.csv").lines().count(), 2, "W = 1 alone");
    // With nothing sound left there is no report.
    fs::remove_dir_all(lab.path("data/W1")).unwrap();
    assert_eq!(lab.run(&["report"]).code, Some(2));
    assert_eq!(lab.run(&["compare", "data", "--sim"]).code, Some(2));
    assert!(lab.run(&["check-consistency"]).stdout.contains("W=3  unknown"));
}

#[test]
fn writes_that_were_answered_too_early_are_told_in_every_section() {
    let lab = simulated();
    lab.edit("data/W3/writes.csv", |text| {
        let line = |line: &str| {
            let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            if fields[0] == "4" {
                fields[4] = "1".to_owned();
            }
            fields.join(",")
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
    });
    lab.ok(&["report"]);
    let report = lab.read("report/report.md");
    let told = "1 of the 20 acknowledged writes that could be checked had reached fewer than W = 3 followers when acknowledged";
    assert!(report.matches(told).count() >= 2, "{report}");
    assert!(report.contains("or writes.csv is not of the same run as the trace"), "{report}");
    assert!(!report.contains("The figures show no sign"), "{report}");
}

#[test]
fn runs_under_other_conditions_are_told_beforehand_and_never_mixed() {
    let lab = simulated();
    let ended = lab.run(&["run", "3", "--backend", "sim", "--seed", "8"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("data/W3 will be replaced"), "{}", ended.stderr);
    let told = "data/W1 was made under other conditions (seed 42 instead of 8)";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stderr.contains("data/W1 is now data/W1.aside-1"), "{}", ended.stderr);
    assert_eq!(lab.read("report/summary.csv").lines().count(), 2, "W = 3 alone");
    // Mixed by hand, one of the two is left out by name, in every command.
    fs::rename(lab.path("data/W1.aside-1"), lab.path("data/W1")).unwrap();
    for args in [&["check-consistency"][..], &["staleness"], &["report"], &["compare", "data", "--sim"]] {
        let ended = lab.run(args);
        assert!(ended.stderr.contains("In data W = "), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("is left out: made under other conditions than W = "), "{}", ended.stderr);
    }
    assert_eq!(lab.read("report/summary.csv").lines().count(), 2);
    assert!(lab.read("report/report.md").contains("is left out: made under other conditions"));
}

#[test]
fn the_newest_of_runs_mixed_by_hand_are_reported() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1", "--seed", "50"]);
    lab.ok(&["run", "3", "--seed", "8", "--data", "b"]);
    fs::rename(lab.path("b/W3"), lab.path("data/W3")).unwrap();
    let ended = lab.run(&["check-consistency"]);
    let told = "In data W = 1 is left out: made under other conditions than W = 3 (seed 50 instead of 8)";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(!ended.stdout.contains("W=1"), "{}", ended.stdout);
}

#[test]
fn a_quorum_out_of_reach_does_not_stay_in_later_reports() {
    let lab = simulated();
    let ended = lab.run(&["run", "4", "--backend", "sim"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("W = 4: every write failed, since 3 followers"), "{}", ended.stderr);
    let summary = lab.read("report/summary.csv");
    let quorums: Vec<&str> = summary.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(quorums, ["1", "3"]);
    assert!(lab.read("report/report.md").contains("W = 4 is left out of the report: 3 followers can never"));
    assert!(lab.ok(&["check-consistency"]).contains("W=4  "), "its databases are there to be compared");
}

#[test]
fn what_is_in_a_runs_place_is_told_beforehand_and_kept() {
    let lab = Lab::new(SMALL);
    fs::create_dir(lab.path("data")).unwrap();
    fs::write(lab.path("data/W1"), "mine").unwrap();
    let ended = lab.run(&["run", "1", "--backend", "sim"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("data/W1: a run is to be saved here, and this is no folder"), "{}", ended.stderr);
    assert_eq!((lab.read("data/W1").as_str(), ended.stdout.as_str()), ("mine", ""));
    fs::remove_file(lab.path("data/W1")).unwrap();
    lab.ok(&["run", "1", "--backend", "sim"]);
    fs::write(lab.path("data/W1/note.txt"), "mine").unwrap();
    let ended = lab.run(&["run", "1", "--backend", "sim"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = "data/W1 holds note.txt, which labctl did not write: it will be kept as data/W1.aside-1";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(lab.read("data/W1.aside-1/note.txt"), "mine");
    assert!(!lab.path("data/W1/note.txt").exists());
}

#[test]
fn a_second_labctl_in_a_folder_of_reports_names_the_first() {
    let lab = simulated();
    let before = files(&lab.path("report"));
    let _held = labctl::data::Lock::take(&lab.path("report"), ".report.lock").unwrap();
    for args in [&["run", "1", "--backend", "sim", "--data", "b"][..], &["report"]] {
        let ended = lab.run(args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let told = format!("report: another labctl is running in this folder: process {}", std::process::id());
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    }
    assert_eq!(files(&lab.path("report")), before);
    assert!(!lab.path("b/W1").exists());
    // One folder for both is not two labctl.
    lab.ok(&["run", "1", "--backend", "sim", "--data", "both", "--report", "both"]);
}

#[test]
fn the_recipe_of_ones_own_experiment_runs() {
    let lab = Lab::new(&SMALL.replace("small", "mine"));
    lab.ok(&["run", "all", "--backend", "sim"]);
    let report = lab.read("report/report.md");
    let block = |language: &str| {
        let after = report.split(&format!("```{language}\n")).last().unwrap();
        after.split("\n```").next().unwrap().to_owned()
    };
    let (command, recipe) = (block("sh"), block("toml"));
    let elsewhere = Lab::new("");
    fs::write(elsewhere.path("recipe.toml"), recipe).unwrap();
    let args: Vec<&str> = command.lines().last().unwrap().strip_prefix("labctl ").unwrap().split(' ').collect();
    elsewhere.ok(&args);
    assert_eq!(files(&elsewhere.path("data/W3")), files(&lab.path("data/W3")));
}
