#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::Role;

use super::*;
use crate::config::{Experiment, Quorum};
use crate::model::{NodeId, Version, WriteId};
use crate::system::System as _;
use crate::system::labnode::LabNode;

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
        key: format!("k{}", write % 10),
        value: format!("v{write}"),
        start_us: write * 1000,
        latency_us: 5000,
        outcome: if write == 3 { WriteOutcome::Unknown } else { WriteOutcome::Ok },
        http_status: (write != 3).then_some(200),
        version: (write != 3).then_some(Version::new(write + 1)),
        acks: (write != 3).then_some(3),
        error: (write == 3).then(|| "broken, \"pipe\"\nof lines".to_owned()),
    };
    RunData {
        manifest: Manifest {
            schema: SCHEMA,
            experiment: "quorum".parse().unwrap(),
            quorum: quorum(3),
            config,
            system: Some(LabNode.facts("0".to_owned())),
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
            load_us: 1,
            settle_us: 2,
            settled: true,
            wall_us: 3,
            trace_dropped: 0,
            absent_nodes: Vec::new(),
            gaps: Vec::new(),
        },
        writes: (0..100).map(write).collect(),
        replication: vec![ReplicationRow {
            write: WriteId::new(0),
            version: Version::new(1),
            key: "k0".to_owned(),
            follower: NodeId::Follower(0),
            delay_us: 7,
            ack_delay_us: Some(2),
            sent_us: Some(-4),
            acked_us: None,
            outcome: ReplicationOutcome::Timeout,
        }],
        arrivals: vec![ArrivalRow {
            follower: NodeId::Follower(0),
            version: Version::new(1),
            key: "k0".to_owned(),
            applied: true,
            at_us: 12,
            catch_up: true,
        }],
        faults: Vec::new(),
        at_last_ack: snapshot.clone(),
        settled: snapshot,
        logs: [("leader".to_owned(), b"line\n".to_vec())].into(),
        forecast: Some(vec![
            ForecastRow {
                write: WriteId::new(0),
                node: NodeId::Leader,
                key: "k0".to_owned(),
                at_us: Some(0),
                latency_us: Some(9),
                outcome: Some(WriteOutcome::Ok),
                delay_us: None,
                kept: Some(false),
            },
            ForecastRow {
                write: WriteId::new(0),
                node: NodeId::Follower(0),
                key: "k0".to_owned(),
                at_us: None,
                latency_us: None,
                outcome: None,
                delay_us: Some(7),
                kept: None,
            },
        ]),
        contradictions: Vec::new(),
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
fn files_from_before_a_column_was_kept_are_read() {
    let (_folder, path) = saved();
    edit(&path.join("replication.csv"), |text| text.replace("ack_delay_us,", "").replace(",7,2,", ",7,"));
    edit(&path.join("arrivals.csv"), |text| text.replace(",catch_up", "").replace(",true,12,true", ",true,12"));
    let read = RunData::load(&path).unwrap();
    assert_eq!((read.replication[0].delay_us, read.replication[0].ack_delay_us), (7, None));
    assert_eq!((read.arrivals[0].at_us, read.arrivals[0].catch_up), (12, false));
}

#[test]
fn saving_again_replaces_the_run_whole_and_leaves_nothing_beside_it() {
    let (folder, path) = saved();
    fs::remove_file(path.join("logs/leader.log")).unwrap();
    assert_eq!(run().save(&path).unwrap(), None);
    assert!(path.join("logs/leader.log").exists());
    assert_eq!(names_in(&folder.path().join("data")), ["W3"]);
}

#[test]
fn a_run_with_a_users_note_is_set_aside_and_not_deleted() {
    let (folder, path) = saved();
    for (note, kept) in [("note.txt", "W3.aside-1"), ("logs/mine.txt", "W3.aside-2"), ("at-last-ack/a", "W3.aside-3")] {
        fs::write(path.join(note), "mine").unwrap();
        assert_eq!(run().save(&path).unwrap(), Some(folder.path().join("data").join(kept)));
        assert!(!path.join(note).exists());
        assert_eq!(fs::read_to_string(folder.path().join("data").join(kept).join(note)).unwrap(), "mine");
    }
    assert_eq!(names_in(&folder.path().join("data")), ["W3", "W3.aside-1", "W3.aside-2", "W3.aside-3"]);
    let runs = DataFolder::at(folder.path().join("data")).runs().unwrap();
    assert_eq!(runs, [(quorum(3), path)], "what was set aside is no run");
}

#[test]
fn what_is_no_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("W3");
    for link in [false, true] {
        if link {
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
        } else {
            fs::write(&path, "mine").unwrap();
        }
        let conditions = Conditions::of(&run().manifest);
        let survey = Placement::survey(&DataFolder::at(folder.path()), &[quorum(3)], &conditions, false);
        for error in [survey.unwrap_err(), run().save(&path).unwrap_err()] {
            assert!(matches!(error, DataError::Occupied { .. }), "{error}");
        }
        assert_eq!(names_in(folder.path()), ["W3"]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn runs_under_other_conditions_are_told_and_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let at = |w: &str| folder.path().join(w);
    for (w, change) in [
        ("W1", (|_| {}) as fn(&mut Manifest)),
        ("W2", |manifest| manifest.config.seed = 7),
        ("W4", |manifest| manifest.config.workload.writes = 50.try_into().unwrap()),
        ("W5", |manifest| manifest.node_sha256 = Some("ab".to_owned())),
        // Neither the plan of quorums nor what is expected bears on a run.
        ("W6", |manifest| manifest.config.quorums.clear()),
    ] {
        let mut run = run();
        change(&mut run.manifest);
        run.save(&at(w)).unwrap();
    }
    let conditions = Conditions::of(&run().manifest);
    let mut placement =
        Placement::survey(&DataFolder::at(folder.path()), &[quorum(1), quorum(3)], &conditions, false).unwrap();
    let notes = placement.notes().join("\n").replace(&format!("{}/", folder.path().display()), "");
    insta::assert_snapshot!(notes);
    let moved = placement.set_unlike_aside().unwrap();
    assert_eq!(moved.len(), 3);
    assert_eq!(names_in(folder.path()), ["W1", "W2.aside-1", "W4.aside-1", "W5.aside-1", "W6"]);
    assert!(placement.set_unlike_aside().unwrap().is_empty(), "once");
}

#[test]
fn asking_who_holds_a_lock_never_keeps_another_from_taking_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    drop(Lock::take(root, "lock").unwrap());
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    // While others only ask, no other process is ever named as the holder.
                    assert!(Lock::holder(root, "lock").is_none_or(|pid| pid == std::process::id()));
                    std::thread::sleep(std::time::Duration::from_micros(50));
                }
            });
        }
        for _ in 0..300 {
            drop(Lock::take(root, "lock").unwrap());
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(Lock::holder(root, "lock"), None);
    let _held = Lock::take(root, "lock").unwrap();
    assert_eq!(Lock::holder(root, "lock"), Some(std::process::id()));
}

#[test]
fn folders_are_synced() {
    let folder = tempfile::tempdir().unwrap();
    sync_folder(folder.path()).unwrap();
    assert!(sync_folder(&folder.path().join("gone")).is_err());
}

#[test]
fn a_run_that_cannot_be_written_leaves_the_earlier_one() {
    let (folder, path) = saved();
    let mut broken = run();
    // A name that no file can have: the folder is half written by then.
    broken.logs.insert("no/such/folder".to_owned(), Vec::new());
    assert!(broken.save(&path).is_err());
    assert!(RunData::load(&path).is_ok());
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 1);
}

#[test]
fn damage_is_named_with_file_and_line() {
    type Change = fn(String) -> String;
    let cases: [(&str, Change, &str); 9] = [
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
    assert_eq!(manifest.config.system.in_words(), "system mine (hydra): heads = 9, image = {\"tag\":\"hydra:9\"}");
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

#[test]
fn experiments_are_found_by_their_manifests() {
    let folder = tempfile::tempdir().unwrap();
    run().save(&folder.path().join("W3")).unwrap();
    let mut other = run();
    other.manifest.experiment = "barrier".parse().unwrap();
    other.save(&folder.path().join("barrier/W1")).unwrap();
    other.save(&folder.path().join("barrier/W10")).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let found = DataFolder::experiments(folder.path()).unwrap();
    let names: Vec<String> = found.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["quorum", "barrier"]);
    let runs: Vec<_> = found[1].1.runs().unwrap().into_iter().map(|(w, _)| w).collect();
    assert_eq!(runs, [quorum(1), quorum(10)]);
}

#[test]
fn a_locked_folder_says_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let lock = DataFolder::lock(folder.path()).unwrap();
    let message = DataFolder::lock(folder.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    drop(lock);
    DataFolder::lock(folder.path()).unwrap();
}
