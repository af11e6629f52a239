#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::Experiment;
use crate::model::{Capabilities, Micros, NodeId, Quorum, Role, SystemFacts, SystemName, TimeSpan, Version, WriteId};

mod folders;
mod hostile;
mod untraced;

fn quorum(w: i64) -> Quorum {
    Quorum::try_from(w).unwrap()
}

/// A whole run of the default experiment in which nothing special happens.
fn run() -> RunData {
    let config = Experiment::default();
    let dump = |node: NodeId| StoreDump {
        node: node.to_string(),
        role: if node.is_leader() { Role::Leader } else { Role::Follower },
        store: [("k0".to_owned(), "v99".to_owned())].into(),
        versions: [("k0".to_owned(), 100)].into(),
    };
    let snapshot: Snapshot = NodeId::all(config.followers).map(|node| (node, dump(node))).collect();
    let write = |write: u64| WriteRow {
        write: WriteId::new(write),
        key: format!("k{}", write % 10).into(),
        value: format!("v{write}"),
        start_us: (write * 1000).into(),
        latency_us: TimeSpan::new(5000),
        outcome: if write == 3 { WriteOutcome::Unknown } else { WriteOutcome::Ok },
        http_status: (write != 3).then_some(200),
        version: (write != 3).then_some(Version::new(write + 1)),
        acks: (write != 3).then_some(3),
        error: (write == 3).then(|| "broken, \"pipe\"\nof lines".to_owned()),
        sent_us: None,
    };
    RunData {
        manifest: Manifest {
            schema: SCHEMA,
            experiment: "quorum".parse().unwrap(),
            quorum: quorum(3),
            config,
            system: Some(SystemFacts {
                name: SystemName::LABNODE.to_owned(),
                version: "0".to_owned(),
                capabilities: Capabilities::LABNODE,
                remarks: Vec::new(),
            }),
            config_sha256: "00".to_owned(),
            seed: 42,
            backend: BackendFacts {
                name: "process".to_owned(),
                reason: None,
                engine: None,
                compose: None,
                image: None,
            },
            node_sha256: None,
            git: Some(GitFacts { commit: "abc".to_owned(), dirty: true }),
            labctl_version: "0".to_owned(),
            argv: vec!["labctl".to_owned()],
            host: Some(HostFacts { os: "linux".to_owned(), kernel: None, cpus: 2, memory_mib: None }),
            started: Some("2026-01-01T00:00:00Z".to_owned()),
            finished: Some("2026-01-01T00:00:09Z".to_owned()),
            load_us: TimeSpan::new(1),
            settle_us: TimeSpan::new(2),
            settled: true,
            wall_us: TimeSpan::new(3),
            trace_dropped: 0,
            quiet_us: None,
            absent_nodes: Vec::new(),
            jobs: None,
            gaps: Vec::new(),
            leader_changes: Vec::new(),
            load_cost: None,
        },
        writes: (0..100).map(write).collect(),
        replication: vec![ReplicationRow {
            write: WriteId::new(0),
            version: Version::new(1),
            key: "k0".into(),
            follower: NodeId::Follower(0),
            delay_us: TimeSpan::new(7),
            ack_delay_us: Some(TimeSpan::new(2)),
            sent_us: Some(Micros::new(-4)),
            acked_us: None,
            outcome: ReplicationOutcome::Timeout,
        }],
        arrivals: vec![ArrivalRow {
            follower: NodeId::Follower(0),
            version: Version::new(1),
            key: "k0".into(),
            applied: true,
            at_us: Micros::new(12),
            catch_up: true,
        }],
        reads: vec![
            probe(0, ReadOutcome::Absent, None, None),
            probe(1, ReadOutcome::Found, Some(0), None),
            probe(2, ReadOutcome::Failed, None, Some("f1: GET /kv/k0: refused, \"reset\"")),
        ],
        faults: Vec::new(),
        failover: None,
        at_last_ack: snapshot.clone(),
        settled: snapshot,
        logs: [("leader".to_owned(), b"line\n".to_vec())].into(),
        forecast: Some(vec![
            ForecastRow {
                write: WriteId::new(0),
                node: NodeId::Leader,
                key: "k0".into(),
                at_us: Some(Micros::ZERO),
                latency_us: Some(TimeSpan::new(9)),
                outcome: Some(WriteOutcome::Ok),
                delay_us: None,
                kept: Some(false),
            },
            ForecastRow {
                write: WriteId::new(0),
                node: NodeId::Follower(0),
                key: "k0".into(),
                at_us: None,
                latency_us: None,
                outcome: None,
                delay_us: Some(TimeSpan::new(7)),
                kept: None,
            },
        ]),
        contradictions: Vec::new(),
    }
}

/// A read of f1 for k0.
fn probe(read: u64, outcome: ReadOutcome, write: Option<u64>, error: Option<&str>) -> ReadRow {
    ReadRow {
        read,
        purpose: ReadPurpose::Probe,
        session: 0,
        node: NodeId::Follower(0),
        key: "k0".into(),
        start_us: (read * 20_000).into(),
        latency_us: TimeSpan::new(250),
        outcome,
        write: write.map(WriteId::new),
        version: write.map(|write| Version::new(write + 1)),
        error: error.map(str::to_owned),
    }
}

/// A saved run, the folder that holds it and the path of the run.
fn saved() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/W3");
    run().save(&path).unwrap();
    (folder, path)
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, change(text)).unwrap();
}

fn refusal(path: &Path) -> String {
    RunData::load(path).unwrap_err().to_string()
}

#[test]
fn a_run_comes_back_as_it_was_saved() {
    let (_folder, path) = saved();
    let mut expected = run();
    assert_eq!(fs::read(path.join("logs/leader.log")).unwrap(), b"line\n");
    expected.logs.clear();
    assert_eq!(RunData::load(&path).unwrap(), expected);
}

#[test]
fn files_have_the_columns_of_the_contract() {
    let (_folder, path) = saved();
    let first_line = |name: &str| fs::read_to_string(path.join(name)).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(first_line("writes.csv"), "write,key,value,start_us,latency_us,outcome,http_status,version,acks,error");
    assert_eq!(
        first_line("replication.csv"),
        "write,version,key,follower,delay_us,ack_delay_us,sent_us,acked_us,outcome"
    );
    assert_eq!(first_line("arrivals.csv"), "follower,version,key,applied,at_us,catch_up");
    let reads = "read,purpose,session,node,key,start_us,latency_us,outcome,write,version,error";
    assert_eq!(first_line("reads.csv"), reads);
    assert_eq!(first_line("forecast.csv"), "write,node,key,at_us,latency_us,outcome,delay_us,kept");
    for name in ["manifest.json", "leader.json", "f5.json", "at-last-ack/leader.json", "at-last-ack/f5.json"] {
        assert!(path.join(name).is_file(), "{name}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_whose_followers_were_not_asked_has_no_file_of_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("W3");
    RunData { reads: Vec::new(), ..run() }.save(&path).unwrap();
    assert!(!path.join("reads.csv").exists());
    assert_eq!(RunData::load(&path).unwrap().reads, []);
}

#[test]
fn files_from_before_a_column_was_kept_are_read() {
    let (_folder, path) = saved();
    edit(&path.join("replication.csv"), |text| text.replace("ack_delay_us,", "").replace(",7,2,", ",7,"));
    edit(&path.join("arrivals.csv"), |text| text.replace(",catch_up", "").replace(",true,12,true", ",true,12"));
    let read = RunData::load(&path).unwrap();
    assert_eq!((read.replication[0].delay_us, read.replication[0].ack_delay_us), (TimeSpan::new(7), None));
    assert_eq!((read.arrivals[0].at_us, read.arrivals[0].catch_up), (Micros::new(12), false));
}

#[test]
fn a_length_of_time_that_is_negative_is_refused_with_its_line_and_column() {
    let cases = [
        ("writes.csv", ",5000,", ",-5000,", "writes.csv:2: column `latency_us`: -5000 is negative"),
        ("writes.csv", ",1000,5000,", ",-1,5000,", "writes.csv:3: column `start_us`: write 1 begins before the run"),
        ("replication.csv", ",7,2,", ",-7,2,", "replication.csv:2: column `delay_us`: -7 is negative"),
        ("replication.csv", ",7,2,", ",7,-2,", "replication.csv:2: column `ack_delay_us`: -2 is negative"),
        ("forecast.csv", ",0,9,", ",0,-9,", "forecast.csv:2: column `latency_us`: -9 is negative"),
        ("manifest.json", "\"wall_us\": 3", "\"wall_us\": -3", "integer `-3`, expected u64"),
    ];
    for (file, from, to, expected) in cases {
        let (_folder, path) = saved();
        edit(&path.join(file), |text| text.replacen(from, to, 1));
        let error = RunData::load(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn damage_is_named_with_file_and_line() {
    type Change = fn(String) -> String;
    let cases: [(&str, Change, &str); 16] = [
        ("reads.csv", |text| text.replacen("\n1,", "\n0,", 1), "reads.csv:3: read 0 of f1 is there twice"),
        ("reads.csv", |text| text.replacen(",f1,", ",f9,", 1), "reads.csv:2: there is no node `f9`"),
        ("reads.csv", |text| text.replacen("found,0,", "found,100,", 1), "write 100 is not among the 100 of the plan"),
        ("reads.csv", |text| text.replacen("found,0,", "absent,0,", 1), "reads.csv:3: read 1 has a write or a version"),
        ("reads.csv", |text| text.replacen("absent,,,", "failed,,,", 1), "read 0 failed, and does not say why"),
        ("reads.csv", |text| text.replacen("probe,", "curious,", 1), "reads.csv:2: unknown variant `curious`"),
        ("reads.csv", |text| text.replacen(",250,", ",-250,", 1), "reads.csv:2: column `latency_us`"),
        ("writes.csv", |text| text.replacen("\n1,", "\n0,", 1), "writes.csv:3: write 0 is there twice"),
        (
            "writes.csv",
            |text| text.replacen("latency_us", "latency", 1),
            "writes.csv:1: column `latency_us` is missing",
        ),
        ("writes.csv", |text| text[..text.len() - 60].to_owned(), "writes.csv:10"),
        ("writes.csv", |text| text.replacen(",5000,", ",-5,", 1), "writes.csv:2:"),
        ("writes.csv", |text| text.replacen(",5000,", ",999999999999999999,", 1), "over ten years"),
        ("writes.csv", |text| text.replacen("\n99,", "\n100,", 1), "write 100 is not among the 100 of the plan"),
        ("replication.csv", |text| text.replacen(",f1,", ",f9,", 1), "`f9` is not among the followers f1 to f5"),
        ("manifest.json", |text| text.replacen("\"schema\": 2", "\"schema\": 3", 1), "reads 1 to 2"),
        ("f2.json", |text| text[..text.len() / 2].to_owned(), "f2.json:"),
    ];
    for (file, change, expected) in cases {
        let (_folder, path) = saved();
        edit(&path.join(file), change);
        let message = refusal(&path);
        assert!(message.contains(expected), "{file}: {message} has no {expected}");
    }
}

#[test]
fn a_run_of_a_system_that_this_labctl_does_not_know_is_read() {
    let (_folder, path) = saved();
    edit(&path.join("manifest.json"), |text| {
        let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        manifest["system"]["name"] = "hydra".into();
        manifest["config"]["system"] = serde_json::json!({
            "name": "mine", "kind": "hydra", "settings": { "heads": 9, "image": { "tag": "hydra:9" } }
        });
        manifest.to_string()
    });
    let manifest = RunData::load(&path).unwrap().manifest;
    assert_eq!(manifest.config.system.in_words(), "system mine (hydra): heads = 9");
    assert_eq!(manifest.system.unwrap().name, "hydra");
}

#[test]
fn a_run_that_does_not_say_what_it_measured_is_refused_but_in_the_schema_that_could_not() {
    let without_system = |schema: u32| {
        let (folder, path) = saved();
        edit(&path.join("manifest.json"), |text| {
            let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            manifest["schema"] = schema.into();
            manifest.as_object_mut().unwrap().remove("system");
            manifest.to_string()
        });
        (folder, path)
    };
    let (_folder, path) = without_system(2);
    let message = refusal(&path);
    assert!(message.ends_with("manifest.json:1: `system` is missing: data of schema 2 say which system was measured"));
    let (_folder, path) = without_system(1);
    assert!(RunData::load(&path).is_ok());
}

#[test]
fn missing_files_and_bytes_that_are_no_text_are_told_apart() {
    let (_folder, path) = saved();
    fs::write(path.join("writes.csv"), b"write,key\n\xff\xfe,k0\n").unwrap();
    assert!(refusal(&path).contains("writes.csv:1: column"));
    fs::write(path.join("f1.json"), b"{\n\xff").unwrap();
    run().save(&path).unwrap();
    fs::write(path.join("f1.json"), b"{\n\xff").unwrap();
    assert!(refusal(&path).ends_with("f1.json:2: not UTF-8"));
    fs::remove_file(path.join("f1.json")).unwrap();
    let error = RunData::load(&path).unwrap_err();
    assert!(matches!(error, DataError::Missing { .. }), "{error}");
}
