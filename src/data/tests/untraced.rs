//! Runs of systems that keep no trace and number no writes.

use super::*;
use crate::analysis::without_trace;
use crate::model::{TimeSpan, Version};

/// The run of a system without a trace, versions and delays of its own.
fn untraced() -> RunData {
    without_trace(run())
}

#[test]
fn a_run_without_a_trace_has_no_files_of_one_and_comes_back_as_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("W3");
    untraced().save(&path).unwrap();
    let names = names_in(&path);
    for absent in ["replication.csv", "arrivals.csv", "forecast.csv"] {
        assert!(!names.iter().any(|name| name == absent), "{absent}");
    }
    let read = RunData::load(&path).unwrap();
    assert_eq!(read, RunData { logs: BTreeMap::new(), ..untraced() });
    // Nothing of a trace is looked for where there can be none.
    assert_eq!(read.cross_check().iter().filter(|one| one.file != RunFile::Writes).count(), 0);
    assert!(read.settled.values().all(|dump| dump.versions.is_empty()));
    edit(&path.join("f1.json"), |text| {
        assert!(text.contains("\"versions\": {}"), "{text}");
        text.replace(",\n  \"versions\": {}", "")
    });
    assert_eq!(RunData::load(&path).unwrap(), read);
}

#[test]
fn a_trace_is_there_if_and_only_if_the_manifest_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("W3");
    untraced().save(&path).unwrap();
    fs::write(path.join("arrivals.csv"), "follower,version,key,applied,at_us,catch_up\n").unwrap();
    let told = refusal(&path);
    let expected = "arrivals.csv:1: a trace, and by manifest.json the system `store` keeps none: remove this file if it is \
                    not of this run";
    assert!(told.ends_with(expected), "{told}");
    let (_folder, path) = saved();
    fs::remove_file(path.join("replication.csv")).unwrap();
    assert!(refusal(&path).ends_with("replication.csv: missing; run this quorum again: `labctl run 3`"));
}

#[test]
fn versions_of_a_system_that_tells_none_are_a_contradiction() {
    let told = |run: RunData| -> Vec<String> { run.cross_check().iter().map(ToString::to_string).collect() };
    let mut spoiled = untraced();
    spoiled.manifest.load_us = TimeSpan::new(1_000_000);
    assert_eq!(told(spoiled.clone()), Vec::<String>::new());
    spoiled.writes[4].version = Some(Version::new(5));
    spoiled.settled.get_mut(&NodeId::Follower(1)).unwrap().versions.insert("k0".to_owned(), 100);
    assert_eq!(
        told(spoiled),
        [
            "writes.csv:7: k4: write 4 has a version, and by manifest.json `store` tells none",
            "f2.json: f2, key k0: it has a version, and by manifest.json `store` tells none",
        ]
    );
}
