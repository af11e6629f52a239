//! Settings of Redis that decide what an acknowledgement means.

use crate::faults::{checked, done, fault, over_a_slow_link};
use crate::lab::Lab;
use crate::redis::{CONFIG, column, held, is_installed, json, with};

/// W = 3 behind a slow link, each write to a key of its own, with a fault and settings of the servers.
fn with_settings(what: &str, settings: &str) -> Lab {
    let lab = with(&format!("{}[system.redis]\n{settings}\n", fault(what)));
    over_a_slow_link(&lab);
    lab.edit("experiments.toml", |text| {
        text.replace("keys = 4", "keys = 30").replace("global_request_timeout_s = 1", "global_request_timeout_s = 5")
    });
    lab
}

#[test]
fn a_leader_that_keeps_a_log_of_its_writes_comes_back_with_them() {
    if !is_installed() {
        return;
    }
    let lab = with_settings("kind = \"kill\"\nnode = \"leader\"\nat = 12\nuntil = 24", "appendonly = true");
    let said = checked(&lab);
    assert_eq!(done(&lab, 3), ["leader kill SIGKILL", "leader restart with its data"]);
    assert_eq!(json(&lab, "data/W3/manifest.json")["system"]["capabilities"]["restart"], "durable");
    let writes = lab.read("data/W3/writes.csv");
    let leader = held(&lab, 3, "leader");
    let acknowledged = column(&writes, "outcome").into_iter().zip(column(&writes, "value"));
    for (_, value) in acknowledged.filter(|(outcome, _)| outcome == "ok") {
        assert!(leader.values().any(|kept| *kept == value), "{value}");
    }
    for follower in ["f1", "f2", "f3"] {
        assert_eq!(held(&lab, 3, follower), leader, "{follower}");
    }
    assert!(!said.contains("on no node any more"), "{said}");
    let report = lab.read("report/report.md");
    assert!(report.contains("With `appendonly yes` and `appendfsync everysec`"), "{report}");
}

#[test]
fn a_leader_with_too_few_replicas_refuses_writes() {
    if !is_installed() {
        return;
    }
    let lab = with_settings("kind = \"kill\"\nnode = \"f3\"\nat = 12", "min_replicas_to_write = 3");
    checked(&lab);
    let writes = lab.read("data/W3/writes.csv");
    let outcomes = column(&writes, "outcome");
    assert_eq!(outcomes[0], "ok");
    assert_eq!(outcomes[29], "failed");
    assert!(writes.contains("NOREPLICAS"), "{writes}");
}

#[test]
fn wrong_settings_are_told_with_line_and_column() {
    let lab = Lab::new(&format!(
        "{CONFIG}[system.redis]\nappendonly = \"yes\"\nappendfsync = \"never\"\nmin_replicas_to_write = -1\n"
    ));
    let ended = lab.run(&["validate"]);
    assert_eq!(ended.code, Some(2));
    for expected in [
        "appendonly must be true or false",
        "appendfsync must be one of \"always\", \"everysec\" or \"no\"",
        "min_replicas_to_write must be",
    ] {
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    let lab = Lab::new(&format!("{CONFIG}[system.redis]\nappendfsync = \"always\"\n"));
    let ended = lab.run(&["validate"]);
    let expected = "system.redis.appendfsync is only for servers that keep a log of all writes; set appendonly = true";
    assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{}", ended.stderr);
}
