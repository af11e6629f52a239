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
