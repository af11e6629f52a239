//! `compare`.

use crate::lab::{Lab, SMALL};

#[test]
fn two_runs_of_one_seed_are_set_side_by_side() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    lab.ok(&["run", "all", "--backend", "sim", "--data", "b", "--report", "rb", "--seed", "9"]);
    let same = lab.ok(&["compare", "data", "data"]);
    assert!(same.contains("The same on both sides."), "{same}");
    assert!(same.contains("+0.0 (+0.0 to +0.0)"), "{same}");
    let other = lab.ok(&["compare", "data", "b"]);
    assert!(other.contains("config.seed"), "{other}");
    assert!(lab.ok(&["compare", "data", "b", "--format", "markdown"]).contains("|---"));
    let json: serde_json::Value = serde_json::from_str(&lab.ok(&["compare", "data", "b", "--format", "json"])).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn the_simulation_foresees_itself() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok(&["compare", "data", "--sim", "--format", "json"])).unwrap();
    for forecast in json.as_array().unwrap() {
        assert_eq!(forecast["other_delays"], 0, "{forecast}");
        assert_eq!(forecast["latency"]["greatest_ms"], 0.0, "{forecast}");
        assert_eq!(forecast["pairs"]["agreeing"], 12, "{forecast}");
    }
}

#[test]
fn the_simulation_foresees_what_a_fault_does_to_real_nodes() {
    let fault = "[[experiment.small.fault]]\nat = 5\nnode = \"f2\"\nkind = \"kill\"\n";
    let lab = Lab::new(&format!("{SMALL}\n{fault}"));
    lab.ok(&["run", "3"]);
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok(&["compare", "data", "--sim", "--format", "json"])).unwrap();
    assert_eq!(json[0]["other_delays"], 0, "{json}");
    // All that were under way when it died, and all later ones, are refused in both.
    assert!(json[0]["latency"]["n"].as_u64().unwrap() <= 5, "{json}");
    assert!(json[0]["latency"]["other_outcome"].as_u64().unwrap() <= 5, "{json}");
}

#[test]
fn folders_without_a_common_quorum_and_without_runs_are_refused() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "1", "--backend", "sim"]);
    lab.ok(&["run", "3", "--backend", "sim", "--data", "b", "--report", "rb"]);
    let ended = lab.run(&["compare", "data", "b"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("Only A has W = 1.; Only B has W = 3."), "{}", ended.stderr);
    assert_eq!(lab.run(&["compare", "data", "nothing"]).code, Some(4));
    assert_eq!(lab.run(&["compare", "data"]).code, Some(2));
}

#[test]
fn three_folders_are_set_side_by_side_as_systems() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    lab.ok(&["run", "all", "--backend", "sim", "--data", "b", "--report", "rb", "--seed", "9"]);
    lab.ok(&["run", "1", "-e", "versioned", "--backend", "sim"]);
    let text = lab.ok(&["compare", "data", "b", "data/versioned", "--figure", "figures/three.png"]);
    assert!(text.contains("B labnode = b (0.1.0, experiment small)"), "{text}");
    assert!(text.contains("Another seed than that of A labnode: B labnode."), "{text}");
    assert!(text.contains("Another network than that of A labnode: C labnode."), "{text}");
    assert!(text.contains("[*] not comparable with A labnode"), "{text}");
    assert!(
        text.contains("no run of this system at this W without delays and with 1000 writes or more is here."),
        "{text}"
    );
    assert!(lab.path("figures/three.png").is_file());
    let markdown = lab.ok(&["compare", "data", "b", "data/versioned", "--format", "markdown"]);
    assert!(markdown.contains("## Latency") && markdown.contains("|---"), "{markdown}");
    let two = lab.ok(&["compare", "data", "b", "--side-by-side", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&two).unwrap();
    assert_eq!(json["folders"], serde_json::json!(["data", "b"]));
    assert_eq!(json["conditions"][0]["concern"], "seed");
    assert_eq!(json["systems"][1]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(lab.run(&["compare", "data", "b", "nothing"]).code, Some(4));
    assert_eq!(lab.run(&["compare", "data", "--sim", "--figure", "x.png"]).code, Some(2));
}

#[test]
fn experiments_run_in_turn_round_by_round() {
    let lab = Lab::new(SMALL);
    let rounds = ["run", "1", "-e", "small,versioned", "--backend", "sim", "--rounds", "2"];
    let ended = lab.run(&rounds);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("experiment ")).collect();
    let expected = [("small", 1), ("versioned", 1), ("small", 2), ("versioned", 2)];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (line, (name, round)) in told.iter().zip(expected) {
        assert!(line.contains(&format!("experiment {name}, round {round} of 2")), "{told:?}");
    }
    for folder in ["data/W1", "data/rounds/2/W1", "data/versioned/W1", "data/versioned/rounds/2/W1"] {
        assert!(lab.path(folder).join("manifest.json").is_file(), "{folder}");
    }
    assert!(lab.path("report/versioned/report.md").is_file());
    // Rounds are no experiments of their own.
    assert_eq!(lab.run(&["check-consistency", "-e", "all"]).stdout.matches("experiment ").count(), 2);
    let dry = lab.ok(&["run", "1", "--backend", "sim", "--rounds", "2", "--dry-run"]);
    assert!(dry.contains("W=1 -> data/rounds/2/W1"), "{dry}");
    let ended = lab.run(&["run", "1", "-e", "small,none", "--backend", "sim"]);
    assert!(
        ended.stderr.contains("there is no experiment `none`; choose one of small, versioned, or `all`"),
        "{ended:?}"
    );
}
