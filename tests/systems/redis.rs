//! Redis: `redis-server` as local processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lab::Lab;
use crate::require::missing;

/// Three replicas behind links of 10, 20 and 30 ms.
pub(crate) const CONFIG: &str = r#"
schema = 1
default = "redis"
[experiment.redis]
system = "redis"
quorums = [1, 3]
followers = 3
backend = "process"
[experiment.redis.network.follower]
f1 = { delay = { kind = "constant", ms = 10 } }
f2 = { delay = { kind = "constant", ms = 20 } }
f3 = { delay = { kind = "constant", ms = 30 } }
[experiment.redis.workload]
writes = 30
concurrency = 5
keys = 4
"#;

pub(crate) fn is_installed() -> bool {
    let found = Command::new("redis-server").arg("--version").output().is_ok();
    if !found {
        missing("redis", "redis-server is not on the path");
    }
    found
}

pub(crate) fn json(lab: &Lab, name: &str) -> Value {
    serde_json::from_str(&lab.read(name)).unwrap()
}

/// A column of a CSV file without quotes.
pub(crate) fn column(text: &str, name: &str) -> Vec<String> {
    let mut lines = text.lines();
    let index = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    lines.map(|line| line.split(',').nth(index).unwrap().to_owned()).collect()
}

/// What a node held once the run had settled.
pub(crate) fn held(lab: &Lab, quorum: u32, node: &str) -> BTreeMap<String, String> {
    serde_json::from_value(json(lab, &format!("data/W{quorum}/{node}.json"))["store"].clone()).unwrap()
}

/// A folder with the configuration and more of it.
pub(crate) fn with(more: &str) -> Lab {
    Lab::new(&format!("{CONFIG}{more}"))
}

/// What is left of labctls that had this folder for temporary files: its entries, and the processes that have the
/// variable or are in a folder below. Some processes write over their environment.
pub(crate) fn left_in(temporary: &Path) -> Vec<String> {
    let entries = fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let variable = format!("TMPDIR={}", temporary.display());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let environment = fs::read(entry.path().join("environ")).ok()?;
        let has = environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes());
        let is_below = fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder.starts_with(temporary));
        (has || is_below).then(|| format!("process {}", entry.file_name().display()))
    });
    entries.chain(processes).collect()
}

/// Asserts that a run of three followers acknowledged all its writes after the delay, has settled, and left its keys alike on
/// every node. Returns its manifest.
pub(crate) fn assert_all_delayed(lab: &Lab, quorum: u32, delay_ms: u64, writes: usize, keys: usize) -> Value {
    let rows = lab.read(&format!("data/W{quorum}/writes.csv"));
    assert_eq!(column(&rows, "outcome"), vec!["ok"; writes]);
    for latency_us in column(&rows, "latency_us") {
        assert!(latency_us.parse::<u64>().unwrap() >= delay_ms * 1_000, "W = {quorum}: {latency_us}");
    }
    let leader = held(lab, quorum, "leader");
    assert_eq!(leader.len(), keys);
    for follower in ["f1", "f2", "f3"] {
        assert_eq!(held(lab, quorum, follower), leader, "W = {quorum}, {follower}");
    }
    let manifest = json(lab, &format!("data/W{quorum}/manifest.json"));
    assert_eq!(manifest["settled"], true);
    manifest
}

#[test]
fn a_probe_writes_reads_and_dumps() {
    if !is_installed() {
        return;
    }
    let probed = Lab::new(CONFIG).run(&["probe", "redis"]);
    assert_eq!(probed.code, Some(0), "{}{}", probed.stdout, probed.stderr);
    for part in ["leader: write", "leader: read", "leader: dump", "f1: read", "every answer is as the mapping says"] {
        assert!(probed.stdout.contains(part), "{part}: {}", probed.stdout);
    }
}

#[test]
fn a_write_takes_as_long_as_the_link_of_the_replica_it_waits_for() {
    if !is_installed() {
        return;
    }
    let lab = Lab::new(CONFIG);
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for (quorum, delay_ms) in [(1, 10), (3, 30)] {
        let manifest = assert_all_delayed(&lab, quorum, delay_ms, 30, 4);
        let version = manifest["system"]["version"].as_str().unwrap();
        assert!(version.starts_with("Redis ") || version.starts_with("Valkey "), "{version}");
        let info = lab.read(&format!("data/W{quorum}/logs/leader-info.log"));
        assert!(info.contains("ip=f2,") && info.contains("master_repl_offset:"), "{info}");
        assert!(!lab.path(&format!("data/W{quorum}/replication.csv")).exists());
    }
    assert_eq!(lab.run(&["check-consistency"]).code, Some(0));
}

#[test]
fn links_of_a_log_are_ordered_and_versions_decide_nothing() {
    let network = "[experiment.redis.network]\nlink = \"independent\"\norder = \"version\"\n";
    let lab = Lab::new(
        &CONFIG
            .replace("[experiment.redis.network.follower]", &format!("{network}[experiment.redis.network.follower]")),
    );
    let ended = lab.run(&["validate"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("10:8: experiment.redis.network.link"), "{}", ended.stderr);
    assert!(ended.stderr.contains("11:9: experiment.redis.network.order"), "{}", ended.stderr);
}
