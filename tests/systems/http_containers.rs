//! Nodes that misbehave as services of a Compose file. What they answer is read as on local processes; how they end, what
//! they print and what they leave is the engine's matter.

use std::fs;

use crate::engine_left::{assert_nothing_left, folder_label};
use crate::lab::{Ended, Lab};
use crate::python_node::{BASE, has_image};
use crate::redis::column;

/// One follower, no delays, and each key written once.
const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [1]
followers = 1
backend = "compose"
[experiment.mine.network]
delay = { kind = "constant", ms = 0 }
[experiment.mine.workload]
writes = 40
concurrency = 4
keys = 40
[system.mine]
kind = "http"
preset = "lab"
settle_quiet_s = 0.2
[system.mine.start.compose]
followers = "f{index}"
port = 8000
[system.mine.environment]
HOST = "0.0.0.0"
"#;

/// How a run ends whose nodes misbehave like this. It has to leave no container.
fn ended(how: &str) -> (Lab, Ended) {
    let lab = Lab::new(&format!("{CONFIG}BAD = \"{how}\"\n"));
    fs::write(lab.path("node.py"), include_str!("node.py")).unwrap();
    let service =
        format!("{{image: {BASE}, command: [python3, /node.py, '8000'], volumes: ['./node.py:/node.py:ro']}}");
    fs::write(lab.path("docker-compose.yml"), format!("services:\n  leader: {service}\n  f1: {service}\n")).unwrap();
    let ended = lab.run(&["run", "1"]);
    assert_nothing_left(&folder_label(&lab.path("")));
    (lab, ended)
}

#[test]
fn a_service_that_is_slow_loud_stubborn_or_forks_is_measured_and_leaves_nothing() {
    if !has_image() {
        return;
    }
    for how in ["slow", "noisy", "stubborn", "forks"] {
        let (lab, ended) = ended(how);
        assert_eq!(ended.code, Some(0), "{how}: {}", ended.stderr);
        assert_eq!(column(&lab.read("data/W1/writes.csv"), "outcome"), vec!["ok"; 40], "{how}");
    }
}

#[test]
fn a_service_that_crashes_hangs_or_answers_nonsense_is_told_in_one_line() {
    if !has_image() {
        return;
    }
    for (how, expected) in [
        ("crash", "leader: its container is not running (exited)"),
        ("hang", "leader: it runs, but none of the last 20 writes was answered"),
        ("html", "GET /debug/store: status 200: entries = `.store | to_entries[]`: cannot index"),
    ] {
        let (_, ended) = ended(how);
        assert_eq!(ended.code, Some(3), "{how}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{how}: {}", ended.stderr);
    }
}
