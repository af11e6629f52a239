//! Redis while its nodes and links fail.

use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::redis::{column, held, is_installed, json, with};

/// More of the configuration: a time limit of a second for writes, and a fault.
pub(crate) fn fault(what: &str) -> String {
    format!("[experiment.redis.network]\nglobal_request_timeout_s = 1\n[[experiment.redis.fault]]\n{what}\n")
}

fn with_fault(what: &str) -> Lab {
    with(&fault(what))
}

/// Runs everything in time, and returns what `check-consistency` says.
pub(crate) fn checked(lab: &Lab) -> String {
    let begun = Instant::now();
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(180), "{:?}", begun.elapsed());
    lab.ok(&["check-consistency"])
}

/// What `faults.csv` says was done.
pub(crate) fn done(lab: &Lab, quorum: u32) -> Vec<String> {
    let faults = lab.read(&format!("data/W{quorum}/faults.csv"));
    let columns = ["node", "kind", "detail"].map(|name| column(&faults, name));
    (0..columns[0].len()).map(|row| columns.each_ref().map(|column| column[row].as_str()).join(" ")).collect()
}

fn outcomes(lab: &Lab, quorum: u32) -> Vec<String> {
    column(&lab.read(&format!("data/W{quorum}/writes.csv")), "outcome")
}

/// Writes that missed the quorum say how many acknowledgements they had.
pub(crate) fn assert_counted(lab: &Lab) {
    let writes = lab.read("data/W3/writes.csv");
    let errors = column(&writes, "error").into_iter().zip(column(&writes, "outcome"));
    let failed: Vec<String> = errors.filter(|(_, outcome)| outcome == "failed").map(|(error, _)| error).collect();
    assert!(!failed.is_empty());
    assert!(failed.iter().all(|error| error == "2 of 3 acknowledgements within 1 s"), "{failed:?}");
    let acks = column(&writes, "acks").into_iter().zip(column(&writes, "outcome"));
    assert!(acks.filter(|(_, outcome)| outcome == "failed").all(|(acks, _)| acks == "2"));
}

/// A follower that came back holds what the leader holds, and the run has waited for it.
pub(crate) fn assert_caught_up(lab: &Lab, said: &str) {
    assert_eq!(json(lab, "data/W3/manifest.json")["settled"], true);
    assert_eq!(held(lab, 3, "f3"), held(lab, 3, "leader"));
    assert!(said.contains("W=3  consistent: all 12 copies match in this run"), "{said}");
    let report = lab.read("report/report.md");
    assert!(report.contains("| 3 | f3 | 4 | 0 | 0 | 0 | 0 | 0 | yes |"), "{report}");
}

/// Runs W = 3 alone: writes wait for the node that fails, so that its return is due during the load.
pub(crate) fn only_all(lab: &Lab) {
    lab.edit("experiments.toml", |text| text.replace("quorums = [1, 3]", "quorums = [3]"));
}

#[test]
fn a_replica_that_was_killed_or_stopped_fetches_everything_again() {
    if !is_installed() {
        return;
    }
    for (kind, detail) in [("kill", "SIGKILL"), ("stop", "SIGTERM")] {
        let lab = with_fault(&format!("kind = \"{kind}\"\nnode = \"f3\"\nat = 8\nuntil = 20"));
        over_a_slow_link(&lab);
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), [format!("f3 {kind} {detail}"), "f3 restart empty".to_owned()]);
        assert_counted(&lab);
        assert_caught_up(&lab, &said);
    }
}

#[test]
fn a_replica_that_was_paused_or_cut_off_goes_on_where_it_was() {
    if !is_installed() {
        return;
    }
    let faults = [
        ("kind = \"pause\"", ["f3 pause ", "f3 resume "]),
        ("kind = \"partition\"\nfrom = \"leader\"", ["f3 partition from leader", "f3 heal from leader"]),
        ("kind = \"partition\"\nfrom = \"all\"", ["f3 partition from all", "f3 heal from all"]),
        ("kind = \"mute\"", ["f3 mute ", "f3 heal "]),
    ];
    for (fault, expected) in faults {
        let lab = with_fault(&format!("{fault}\nnode = \"f3\"\nat = 8\nuntil = 20"));
        over_a_slow_link(&lab);
        let said = checked(&lab);
        assert_eq!(done(&lab, 3), expected);
        assert_counted(&lab);
        assert_caught_up(&lab, &said);
    }
}

#[test]
fn a_replica_that_is_cut_off_for_good_is_not_waited_for() {
    if !is_installed() {
        return;
    }
    let lab = with_fault("kind = \"partition\"\nfrom = \"leader\"\nnode = \"f3\"\nat = 15");
    let said = checked(&lab);
    for quorum in [1, 3] {
        assert_eq!(json(&lab, &format!("data/W{quorum}/manifest.json"))["settled"], true);
        // It can be read, and holds what it held.
        assert_ne!(held(&lab, quorum, "f3"), held(&lab, quorum, "leader"), "W = {quorum}");
        assert!(said.contains(&format!("W={quorum}  inconsistent")), "{said}");
    }
    assert_counted(&lab);
    let lab = with_fault("kind = \"partition\"\nfrom = \"all\"\nnode = \"f3\"\nat = 15");
    let said = checked(&lab);
    for quorum in [1, 3] {
        let manifest = json(&lab, &format!("data/W{quorum}/manifest.json"));
        assert_eq!((&manifest["settled"], &manifest["absent_nodes"][0]), (&true.into(), &"f3".into()));
        assert!(said.contains(&format!("W={quorum}  unknown")), "{said}");
    }
}

#[test]
fn a_slow_link_to_a_replica_costs_the_writes_that_need_it() {
    if !is_installed() {
        return;
    }
    let lab = with_fault("kind = \"slow\"\ndelay_ms = 200\nnode = \"f3\"\nat = 0");
    let said = checked(&lab);
    assert_eq!(done(&lab, 3), ["f3 slow +200 ms"]);
    for quorum in [1, 3] {
        assert!(outcomes(&lab, quorum).iter().all(|outcome| outcome == "ok"));
        assert!(said.contains(&format!("W={quorum}  consistent: all 12 copies match in this run")), "{said}");
    }
    // The first may have left before the link was slow.
    let latencies = column(&lab.read("data/W3/writes.csv"), "latency_us");
    assert!(latencies.iter().skip(5).all(|us| us.parse::<u64>().unwrap() >= 230_000), "{latencies:?}");
}

/// W = 3 alone, with a link so slow that the load lasts until the fault is in force.
pub(crate) fn over_a_slow_link(lab: &Lab) {
    only_all(lab);
    lab.edit("experiments.toml", |text| text.replace("ms = 30", "ms = 200"));
}

#[test]
fn a_leader_that_is_killed_for_good_leaves_writes_without_an_answer_and_no_verdict() {
    if !is_installed() {
        return;
    }
    let lab = with_fault("kind = \"kill\"\nnode = \"leader\"\nat = 12");
    over_a_slow_link(&lab);
    let said = checked(&lab);
    assert_eq!(done(&lab, 3), ["leader kill SIGKILL"]);
    let outcomes = outcomes(&lab, 3);
    assert!(outcomes.iter().all(|outcome| outcome == "ok" || outcome == "unknown"), "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| outcome == "unknown"));
    assert_eq!(json(&lab, "data/W3/manifest.json")["absent_nodes"][0], "leader");
    assert!(said.contains("W=3  unknown"), "{said}");
}

/// Runs a lab whose leader comes back empty, and asserts that it takes all acknowledged writes along.
pub(crate) fn wiped(lab: &Lab, fault: &str) {
    // Each write has a key of its own. While the leader is gone, writes wait for it, long enough that its return is due
    // during the load.
    lab.edit("experiments.toml", |text| {
        text.replace("keys = 4", "keys = 30").replace("global_request_timeout_s = 1", "global_request_timeout_s = 5")
    });
    let said = checked(lab);
    let done = done(lab, 3);
    assert!(done.len() == 2 && done[0].starts_with(fault) && done[1] == "leader restart empty", "{done:?}");
    assert_eq!(json(lab, "data/W3/manifest.json")["settled"], true);
    let leader = held(lab, 3, "leader");
    for follower in ["f1", "f2", "f3"] {
        assert_eq!(held(lab, 3, follower), leader, "{follower}");
    }
    let writes = lab.read("data/W3/writes.csv");
    let [outcomes, values] = ["outcome", "value"].map(|name| column(&writes, name));
    // The first five have been answered before the twelfth begins.
    assert!(outcomes.iter().take(5).all(|outcome| outcome == "ok"), "{outcomes:?}");
    assert!(leader.values().all(|value| !values.iter().take(5).any(|old| old == value)));
    let lost = said.lines().find(|line| line.starts_with("W=3")).unwrap_or_default();
    assert!(lost.contains("acknowledged writes are on no node any more"), "{lost}");
}

#[test]
fn a_leader_that_comes_back_empty_wipes_its_replicas_and_every_acknowledged_write_is_lost() {
    if !is_installed() {
        return;
    }
    let lab = with_fault("kind = \"kill\"\nnode = \"leader\"\nat = 12\nuntil = 24");
    over_a_slow_link(&lab);
    wiped(&lab, "leader kill SIGKILL");
}
