//! What the simulation records contradicts nothing, whatever breaks; what is changed in it is named.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Config, Experiment, ExperimentName};
use crate::data::{FaultEvent, FaultRow, ReplicationOutcome, WriteOutcome};
use crate::model::{CatchUp, Micros, NodeId, Quorum, ReplicationOrder, TimeSpan, Version, WriteId};
use crate::sim::{can_simulate, simulate_direct};

fn lab() -> Config {
    Config::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments.toml"), &crate::system::KINDS).unwrap()
}

fn simulated(name: &ExperimentName, experiment: &Experiment, quorum: Quorum) -> RunData {
    simulate_direct(name, experiment, quorum, &CancellationToken::new()).unwrap()
}

/// The lab's run at W = 1, or that of another experiment.
fn run_of(name: &str) -> RunData {
    let name = name.parse().unwrap();
    simulated(&name, &lab().experiments[&name], Quorum::try_from(1).unwrap())
}

fn told(run: &RunData) -> Vec<String> {
    run.cross_check().iter().map(ToString::to_string).collect()
}

#[test]
fn no_experiment_of_the_lab_contradicts_itself() {
    for (name, experiment) in lab().experiments.into_iter().filter(|(_, experiment)| can_simulate(experiment)) {
        for seed in 1..=4 {
            let mut experiment = experiment.clone();
            experiment.seed = seed;
            if experiment.workload.writes.get() > 300 {
                experiment.workload.writes = 300.try_into().unwrap();
            }
            for quorum in experiment.quorums.clone() {
                let run = simulated(&name, &experiment, quorum);
                assert_eq!(told(&run), [""; 0], "{name}, seed {seed}, W = {quorum}");
            }
        }
    }
}

/// One follower's arrivals of one key, by place.
fn arrivals_of(run: &RunData, follower: NodeId, key: &str) -> Vec<usize> {
    let rows = run.arrivals.iter().enumerate();
    rows.filter(|(_, row)| row.follower == follower && row.key == key).map(|(place, _)| place).collect()
}

#[test]
fn whatever_is_changed_is_named_with_file_line_node_and_key() {
    type Change = fn(&mut RunData);
    let cases: [(Change, &str); 23] = [
        (|run| run.writes[3].version = None, "writes.csv:5: k3: write 3 is `ok` and has no version"),
        (|run| run.writes[3].acks = Some(0), "writes.csv:5: k3: write 3 is `ok` with 0 acknowledgements where W = 1"),
        (|run| run.writes[3].acks = None, "write 3 is `ok` and has no number of acknowledgements"),
        (|run| run.writes[3].acks = Some(6), "write 3 has 6 acknowledgements of 5 followers"),
        (|run| run.writes[3].latency_us = TimeSpan::new(900_000_000), "writes.csv:5: k3: write 3 ended at "),
        (|run| run.writes[3].key = "k4".into(), "write 3 wrote key k4, and version 4 is of key k3"),
        (|run| run.writes[3].version = Some(Version::new(5)), "write 3 has version 5, and 4 in replication.csv"),
        (
            |run| {
                run.writes[2].error = Some("two\nlines".to_owned());
                run.writes[3].version = run.writes[2].version;
            },
            "writes.csv:6: k3: write 3 has the version of write 2",
        ),
        (|run| run.manifest.seed = 7, "manifest.json: the seed is 7, and 42 in the configuration"),
        (
            |run| run.manifest.system.as_mut().unwrap().name = "redis".to_owned(),
            "manifest.json: the system is `redis`, and `labnode` in the configuration",
        ),
        (
            |run| run.replication[0].acked_us = run.replication[0].sent_us.map(|us| us - TimeSpan::new(1)),
            "replication.csv:2: f1, key k0: version 1 was acknowledged at ",
        ),
        (|run| run.replication[0].outcome = ReplicationOutcome::Failed, "has a time without being acknowledged"),
        (
            |run| (run.replication[0].outcome, run.replication[0].acked_us) = (ReplicationOutcome::Pending, None),
            "version 1 is still pending, and by manifest.json nothing was in flight",
        ),
        (|run| run.replication[0].write = WriteId::new(400), "version 1 is of write 400, which is not in writes.csv"),
        (|run| drop(run.replication.remove(0)), "replication.csv: f1: version 1 went to other followers"),
        (|run| drop(run.arrivals.remove(0)), "was acknowledged, and by arrivals.csv it never arrived"),
        (|run| run.arrivals[0].at_us += Micros::new(-5_000), "arrivals.csv:2: f1, key "),
        (|run| run.arrivals.swap(3, 4), "arrivals.csv:6: f1, key "),
        (|run| run.arrivals[0].version = Version::new(101), "version 101 arrived, and no write has this version"),
        (|run| run.arrivals[0].applied = false, "was not applied, and followers apply in arrival order"),
        (
            |run| drop(run.settled.get_mut(&NodeId::Follower(1)).unwrap().store.remove("k3")),
            "f2.json: f2, key k3: it has a value without a version, or a version without a value",
        ),
        (
            |run| {
                let dump = run.settled.get_mut(&NodeId::Follower(1)).unwrap();
                dump.store.insert("k3".to_owned(), "never written".to_owned());
            },
            "f2.json: f2, key k3: it holds another value than version ",
        ),
        (
            |run| {
                let dump = run.settled.get_mut(&NodeId::Leader).unwrap();
                dump.versions.insert("k3".to_owned(), 104);
            },
            "leader.json: leader, key k3: it holds version 104 and a value that no write of this key wrote",
        ),
    ];
    let sound = run_of("quorum");
    for (change, expected) in cases {
        let mut run = sound.clone();
        change(&mut run);
        let told = told(&run);
        assert!(told.iter().any(|one| one.contains(expected)), "{expected}: {told:?}");
    }
}

#[test]
fn a_read_that_the_other_files_rule_out_is_named_and_no_read_is_used() {
    type Change = fn(&mut crate::data::ReadRow, &crate::data::WriteRow);
    let cases: [(Change, &str); 4] = [
        (|read, _| read.key = "k4".into(), "found write 3, which wrote key k3"),
        (|read, write| read.start_us = write.start_us - TimeSpan::new(9_000), "found write 3 at "),
        (|read, _| read.version = Some(Version::new(99)), "found version 99 of write 3, which has version "),
        (|read, _| (read.write, read.version) = (Some(WriteId::new(93)), None), "found write 93 at "),
    ];
    let name = "quorum".parse().unwrap();
    let mut experiment = lab().experiments[&name].clone();
    experiment.reads.probe = crate::config::Probing::On;
    let sound = simulated(&name, &experiment, Quorum::try_from(1).unwrap());
    assert_eq!(told(&sound), [""; 0]);
    let place = sound.reads.iter().position(|row| row.write == Some(WriteId::new(3))).unwrap();
    for (change, expected) in cases {
        let mut run = sound.clone();
        change(&mut run.reads[place], &sound.writes[3]);
        let told = told(&run);
        let file = format!("reads.csv:{}: f", place + 2);
        assert!(told.iter().any(|one| one.starts_with(&file) && one.contains(expected)), "{expected}: {told:?}");
        assert_eq!(run.without_contradicted().reads, []);
    }
    let mut run = crate::analysis::without_trace(sound);
    run.reads[0].version = Some(Version::new(1));
    let expected = "reads.csv:2: f1, key k0: read 0 has a version, and by manifest.json `store` tells none";
    assert!(told(&run).iter().any(|one| one == expected), "{:?}", told(&run));
}

#[test]
fn a_copy_that_arrived_after_its_acknowledgement_is_named() {
    let mut run = run_of("quorum");
    let place = run.arrivals.len() - 1;
    run.arrivals[place].at_us += Micros::new(5_000);
    let told = told(&run);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("replication.csv:") && told[0].contains("before it arrived at"), "{told:?}");
}

#[test]
fn what_arrived_last_is_what_a_dump_holds_at_either_moment() {
    let mut run = run_of("quorum");
    let places = arrivals_of(&run, NodeId::Follower(1), "k3");
    let last = run.arrivals[*places.last().unwrap()].version;
    let other = run.arrivals[places[0]].version;
    let value = run.writes.iter().find(|row| row.version == Some(other)).unwrap().value.clone();
    for moment in [&mut run.settled, &mut run.at_last_ack] {
        let dump = moment.get_mut(&NodeId::Follower(1)).unwrap();
        dump.store.insert("k3".to_owned(), value.clone());
        dump.versions.insert("k3".to_owned(), other.get());
        dump.store.remove("k4");
        dump.versions.remove("k4");
    }
    let told = told(&run);
    for file in ["f2.json", "at-last-ack/f2.json"] {
        let of = |key: &str| told.iter().find(|one| one.starts_with(&format!("{file}: f2, key {key}: "))).cloned();
        assert!(of("k3").unwrap().contains(&format!("it holds version {other}, and by arrivals.csv:")), "{told:?}");
        assert!(of("k4").unwrap().contains("it lacks this key, and by arrivals.csv:"), "{told:?}");
    }
    assert!(told.iter().any(|one| one.ends_with(&format!("version {last} was the last to be applied"))), "{told:?}");
}

#[test]
fn the_leaders_database_in_a_followers_place_is_withheld_and_named() {
    let mut run = run_of("quorum");
    let leader = run.settled[&NodeId::Leader].clone();
    let own = run.settled.insert(NodeId::Follower(1), leader.clone()).unwrap();
    let differing = own.store.iter().filter(|(key, value)| leader.store.get(*key) != Some(value)).count();
    assert!(differing > 0);
    let told = told(&run);
    assert_eq!(told[0], "f2.json: f2: this is the dump of `leader`");
    assert_eq!(told.len(), 1 + differing, "{told:?}");
    // Renamed as well, it is known by what arrived.
    run.settled.get_mut(&NodeId::Follower(1)).unwrap().node = "f2".to_owned();
    assert_eq!(self::told(&run)[0], "f2.json: f2: this is the dump of a leader");
    run.settled.get_mut(&NodeId::Follower(1)).unwrap().role = own.role;
    assert_eq!(self::told(&run).len(), differing);
    let checked = run.clone().without_contradicted();
    assert!(!checked.settled.contains_key(&NodeId::Follower(1)) && checked.settled.len() == run.settled.len() - 1);
    assert_eq!((checked.arrivals.len(), checked.has_sound_writes()), (run.arrivals.len(), true));
}

#[test]
fn a_contradicted_trace_is_withheld_and_contradicted_writes_are_unsound() {
    let mut run = run_of("quorum");
    run.arrivals.swap(3, 4);
    let checked = run.clone().without_contradicted();
    assert!(checked.arrivals.is_empty() && checked.replication.is_empty() && checked.has_sound_writes());
    run.writes[0].acks = Some(0);
    assert!(!run.without_contradicted().has_sound_writes());
}

#[test]
fn a_leader_that_is_behind_its_own_writes_is_named() {
    let mut run = run_of("quorum");
    let last = run.writes.iter().filter(|row| row.key == "k3").max_by_key(|row| row.version).unwrap().clone();
    let before = run.writes.iter().filter(|row| row.key == "k3" && row.version < last.version);
    let before = before.max_by_key(|row| row.version).unwrap().clone();
    let dump = run.settled.get_mut(&NodeId::Leader).unwrap();
    dump.store.insert("k3".to_owned(), before.value);
    dump.versions.insert("k3".to_owned(), before.version.unwrap().get());
    let expected = format!(
        "leader.json: leader, key k3: it holds version {}, and by writes.csv and replication.csv version {} was the \
         last to be applied",
        before.version.unwrap(),
        last.version.unwrap()
    );
    assert_eq!(told(&run), [expected]);
}

#[test]
fn followers_that_compare_versions_say_what_they_applied() {
    let mut run = run_of("versioned");
    assert_eq!(run.manifest.config.network.order, ReplicationOrder::Version);
    let place = run.arrivals.iter().position(|row| !row.applied).unwrap();
    run.arrivals[place].applied = true;
    let told = told(&run);
    assert!(told[0].starts_with(&format!("arrivals.csv:{}: ", place + 2)), "{told:?}");
    assert!(told[0].contains("which is as new"), "{told:?}");
}

#[test]
fn evidence_that_died_contradicts_nothing() {
    let mut run = run_of("quorum");
    // A trace that forgot its oldest records.
    run.manifest.trace_dropped = 20;
    run.arrivals.drain(..20);
    assert_eq!(told(&run), [""; 0]);
    // A follower that was killed and came back empty after all was over.
    let mut run = run_of("quorum");
    let at_us = run.manifest.last_ack_us() + run.manifest.load_us;
    let event = |kind| FaultRow { begun_us: at_us, ended_us: at_us, node: NodeId::Follower(1), kind, detail: None };
    run.faults = vec![event(FaultEvent::Kill), event(FaultEvent::Restart)];
    run.arrivals.retain(|row| row.follower != NodeId::Follower(1));
    for dump in [&mut run.settled, &mut run.at_last_ack].map(|moment| moment.get_mut(&NodeId::Follower(1)).unwrap()) {
        dump.store.clear();
        dump.versions.clear();
    }
    assert_eq!(told(&run), [""; 0]);
    // No trace at all.
    let mut run = run_of("quorum");
    run.arrivals.clear();
    run.replication.clear();
    run.writes.iter_mut().for_each(|row| (row.version, row.acks) = (None, None));
    assert_eq!(told(&run), [""; 0]);
}

#[test]
fn a_leader_that_answers_too_early_is_a_finding_and_no_contradiction() {
    let mut run = run_of("quorum");
    run.writes[7].latency_us = TimeSpan::new(10);
    assert_eq!((told(&run), run.writes[7].outcome), (Vec::new(), WriteOutcome::Ok));
}

#[test]
fn a_follower_that_is_brought_up_to_date_contradicts_nothing() {
    let name: ExperimentName = "catch-up".parse().unwrap();
    let mut experiment = lab().experiments[&name].clone();
    assert_eq!(experiment.network.catch_up, CatchUp::Snapshot);
    experiment.network.order = ReplicationOrder::Version;
    for seed in 1..=10 {
        experiment.seed = seed;
        let run = simulated(&name, &experiment, Quorum::try_from(3).unwrap());
        assert_eq!(told(&run), [""; 0], "seed {seed}");
    }
}
