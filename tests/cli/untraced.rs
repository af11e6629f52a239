//! Every command that reads runs, of a system that keeps no trace.

use labctl::data::{DataFolder, FaultEvent, FaultRow, RunData};
use labctl::model::{Capabilities, NodeId, QuorumControl, RestartState, SystemFacts};
use serde_json::Value;

use self::without_trace::without_trace;
use crate::lab::{Lab, SMALL};

#[path = "../support/without_trace.rs"]
mod without_trace;

/// The lab's runs in `data`, and in `store` the same of a system without a trace.
fn lab() -> Lab {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    change(&lab, "store", without_trace);
    lab
}

/// Saves each run of `data`, changed, in another folder.
fn change(lab: &Lab, to: &str, change: impl Fn(RunData) -> RunData) {
    let to = DataFolder::at(lab.path(to));
    for (quorum, path) in DataFolder::at(lab.path("data")).runs().unwrap() {
        change(RunData::load(&path).unwrap()).save(&to.run(quorum)).unwrap();
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn verdicts_are_those_of_the_same_run_with_a_trace() {
    let lab = lab();
    let (whole, own) = (lab.ok(&["check-consistency"]), lab.ok(&["check-consistency", "--data", "store"]));
    assert_eq!(own.replace("(store)", "(data)"), whole);
    let own = json(&lab.ok(&["check-consistency", "--data", "store", "--format", "json"]));
    assert_eq!(own[0]["survival"]["lost"]["upper"], 0);
}

#[test]
fn staleness_says_why_it_is_not_known() {
    let lab = lab();
    let why =
        "`store` does not tell when a copy was sent, arrived or was acknowledged, and its followers were not asked";
    let text = lab.ok(&["staleness", "--data", "store"]);
    assert_eq!(text, format!("experiment small (store)\nnot known here: {why}\n"));
    let runs = json(&lab.ok(&["staleness", "--data", "store", "--format", "json"]));
    assert_eq!(runs[1], serde_json::json!({"experiment": "small", "quorum": 3, "withheld": why}));
}

#[test]
fn a_report_is_written_and_two_systems_are_compared() {
    let lab = lab();
    lab.ok(&["report", "--data", "store", "--report", "of-store"]);
    let page = std::fs::read_to_string(lab.path("of-store/report.md")).unwrap();
    assert!(page.contains("Measured: `store` 7.2.4."), "{page}");
    let text = lab.ok(&["compare", "data", "store"]);
    assert!(text.contains("system.name") && text.contains("No intervals at W = 1, 3"), "{text}");
    let ended = lab.run(&["compare", "store", "--sim"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let expected = "labctl: store: these runs measured `store`, and only `labnode` can be simulated; to compare with other \
                    runs, name their folder\n";
    assert_eq!(ended.stderr, expected);
}

#[test]
fn a_leader_that_emptied_its_followers_is_told_though_the_verdict_is_consistent() {
    let lab = lab();
    change(&lab, "emptied", |run| {
        let mut run = without_trace(run);
        let at_us = run.manifest.last_ack_us();
        let (kind, node) = (FaultEvent::Restart, NodeId::Leader);
        run.faults = vec![FaultRow { begun_us: at_us, ended_us: at_us, node, kind, detail: None }];
        run.settled.values_mut().for_each(|dump| dump.store.clear());
        run
    });
    let text = lab.ok(&["check-consistency", "--data", "emptied"]);
    assert!(text.contains("acknowledged writes are on no node any more"), "{text}");
    let text = lab.ok(&["compare", "data", "emptied"]);
    assert!(text.contains("Acknowledged writes that no node holds in the end"), "{text}");
}

#[test]
fn a_trace_that_there_cannot_be_is_refused() {
    let lab = lab();
    std::fs::copy(lab.path("data/W1/arrivals.csv"), lab.path("store/W1/arrivals.csv")).unwrap();
    let ended = lab.run(&["check-consistency", "--data", "store"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let expected = "labctl: store/W1/arrivals.csv:1: a trace, and by manifest.json the system `store` keeps none";
    assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
}
