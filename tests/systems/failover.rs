//! The leader dies, and a follower takes its place.

use serde_json::Value;

use crate::lab::Lab;
use crate::redis::{column, held, is_installed, json};
use crate::{etcd, postgres, postgres::programs};

/// Twenty writes, each to a key of its own, behind links of a second: what is sent is not there for long.
const CONFIG: &str = r#"
schema = 1
default = "failover"
[experiment.failover]
SYSTEM
quorums = [0, 1]
followers = 3
backend = "process"
after_leader_death = "promote"
[experiment.failover.network]
link = "ordered"
delay = { kind = "constant", ms = 1000 }
replication_timeout_s = 2
global_request_timeout_s = 4
[experiment.failover.workload]
writes = 20
concurrency = 5
keys = 20
[[experiment.failover.fault]]
at = 10
node = "leader"
kind = "kill"
"#;

fn failover(lab: &Lab, quorum: u32) -> Value {
    json(lab, &format!("data/W{quorum}/failover.json"))
}

/// What the report says of the run at this place.
fn figures(lab: &Lab, run: usize) -> Value {
    json(lab, "report/summary.json")["runs"][run]["failover"].clone()
}

/// An experiment of etcd, whose links are nearer: its members elect after ten times their delay.
pub(crate) fn of_etcd() -> Lab {
    let lab = of_database("etcd");
    lab.edit("experiments.toml", |text| {
        let text = text.replace("quorums = [0, 1]\nfollowers = 3", "quorums = [1, 2]").replace("ms = 1000", "ms = 200");
        text.replace("timeout_s = 4", "timeout_s = 30")
    });
    lab
}

/// Asserts that a member was elected at both W, that it lacks nothing, and that the load went on.
pub(crate) fn assert_elected(lab: &Lab) {
    for quorum in [1, 2] {
        let failover = failover(lab, quorum);
        assert_eq!((&failover["kind"], &failover["error"]), (&"election".into(), &Value::Null), "{failover}");
        assert_eq!(failover["survivors"].as_array().unwrap().len(), 2 * quorum as usize);
        let figures = figures(lab, quorum as usize - 1);
        assert_eq!((&figures["lost"]["lower"], &figures["lost"]["upper"]), (&0.into(), &0.into()), "{figures}");
        assert!(figures["acknowledged"].as_u64() > Some(0) && figures["waiting"].as_u64() > Some(0), "{figures}");
        // Members wait for a leader that is silent for at least as long as their time limit, two seconds.
        assert!(figures["promoted_after_ms"].as_f64() >= Some(1_000.0), "{figures}");
        let outcomes = column(&lab.read(&format!("data/W{quorum}/writes.csv")), "outcome");
        assert!(outcomes.iter().skip(15).all(|outcome| outcome == "ok"), "{outcomes:?}");
        let manifest = json(lab, &format!("data/W{quorum}/manifest.json"));
        assert_eq!(
            (&manifest["settled"], &manifest["absent_nodes"][0]),
            (&true.into(), &"leader".into()),
            "{manifest}"
        );
        assert_eq!(manifest["leader_changes"][0]["leader"], failover["chosen"]);
        let chosen = held(lab, quorum, failover["chosen"].as_str().unwrap());
        assert!(!chosen.contains_key("labctl-failover"), "{chosen:?}");
        for follower in (1..=2 * quorum).map(|number| format!("f{number}")) {
            assert_eq!(held(lab, quorum, &follower), chosen, "{follower}");
        }
    }
    let report = lab.read("report/report.md");
    assert!(report.contains("the elected leader does not hold: 0 of "), "{report}");
}

#[test]
fn an_elected_member_has_all_that_was_acknowledged() {
    if !etcd::is_installed() {
        return;
    }
    let lab = of_etcd();
    lab.ok(&["run", "all"]);
    assert_elected(&lab);
}

#[test]
fn a_promoted_replica_lacks_what_was_acknowledged_at_w_0_and_nothing_at_w_1() {
    if !is_installed() {
        return;
    }
    let lab = of_database("redis");
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_lost_at_w_0_alone(&lab);
    assert_eq!(lab.run(&["check-consistency"]).code, Some(0));
    // A record that contradicts the faults is no evidence.
    lab.edit("data/W1/failover.json", |text| text.replacen("\"died_us\": ", "\"died_us\": 9", 1));
    let checked = lab.run(&["check-consistency"]);
    assert_eq!(checked.code, Some(2));
    assert!(checked.stderr.contains("failover.json: the leader died at 9"), "{}", checked.stderr);
}

#[test]
fn a_promoted_standby_lacks_what_was_acknowledged_at_w_0_and_nothing_at_w_1() {
    if programs().is_none() {
        return;
    }
    let lab = of_database("postgres");
    let ended = postgres::ended(&lab, &["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_lost_at_w_0_alone(&lab);
}

/// The experiment with a database whose log waits for a slow follower.
pub(crate) fn of_database(system: &str) -> Lab {
    let config = CONFIG.replace("SYSTEM", &format!("system = \"{system}\""));
    Lab::new(&config.replace("replication_timeout_s = 2\n", ""))
}

/// Asserts that a follower was promoted at both W, and that the report counts what it lacks.
pub(crate) fn assert_lost_at_w_0_alone(lab: &Lab) {
    for quorum in [0, 1] {
        let failover = failover(lab, quorum);
        assert_eq!((&failover["kind"], &failover["error"]), (&"promotion".into(), &Value::Null), "{failover}");
        let times = ["died_us", "promoted_us", "first_ack_us"].map(|name| failover[name].as_i64().unwrap());
        assert!(times.is_sorted(), "{failover}");
        assert_eq!(failover["survivors"].as_array().unwrap().len(), 3);
        let chosen = failover["chosen"].as_str().unwrap();
        let kept = held(lab, quorum, chosen);
        assert!(!kept.contains_key("labctl-failover"), "{kept:?}");
        assert_eq!(serde_json::to_value(&kept).unwrap(), failover["held"]["store"]);
        let figures = figures(lab, quorum as usize);
        let acknowledged = column(&lab.read(&format!("data/W{quorum}/writes.csv")), "outcome");
        let acknowledged = acknowledged.iter().filter(|outcome| *outcome == "ok").count();
        assert_eq!(figures["acknowledged"], acknowledged);
        let lost = figures["lost_writes"].as_array().unwrap().len();
        assert_eq!((&figures["lost"]["lower"], &figures["lost"]["upper"]), (&lost.into(), &lost.into()));
        if quorum == 0 {
            // Nothing of what was acknowledged at once had passed the links.
            assert!(lost > 0 && kept.is_empty(), "{lost} lost, {kept:?}");
        } else {
            assert!(lost == 0 && acknowledged > 0 && figures["waiting"].as_u64() > Some(0), "{figures}");
        }
        assert!(figures["leaderless_ms"].as_f64() >= figures["promoted_after_ms"].as_f64());
    }
    let report = lab.read("report/report.md");
    assert!(report.contains("the promoted follower does not hold: "), "{report}");
    assert!(report.contains("at W = 0 and 0 of "), "{report}");
}

#[test]
fn of_the_labs_node_the_most_advanced_follower_is_read() {
    let lab = of_the_lab();
    lab.ok(&["run", "all"]);
    assert_read_back(&lab);
}

pub(crate) fn of_the_lab() -> Lab {
    Lab::new(&CONFIG.replace("SYSTEM\n", ""))
}

/// Asserts that the most advanced follower was read at both W, and lacks what was acknowledged at W = 0 alone.
pub(crate) fn assert_read_back(lab: &Lab) {
    for quorum in [0, 1] {
        let failover = failover(lab, quorum);
        assert_eq!((&failover["kind"], &failover["error"]), (&"read_back".into(), &Value::Null), "{failover}");
        assert!(failover["promoted_us"].is_null() && failover["first_ack_us"].is_null());
        let figures = figures(lab, quorum as usize);
        // Over links that keep the order the follower with the newest write has all before.
        let lost = figures["lost"]["lower"].as_u64().unwrap();
        assert_eq!(lost > 0, quorum == 0, "{figures}");
    }
    assert!(lab.read("report/report.md").contains("Nothing is promised"));
}
