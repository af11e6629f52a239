#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::analysis::fixture::{Planned, RunBuilder, without_trace};
use crate::data::{FaultEvent, FaultRow, ReadOutcome, ReadPurpose, ReadRow};
use crate::model::{NodeId, ReplicationOrder, RestartState, TimeSpan, Version};

const MS: u64 = 1000;

/// A write to `k0` with one delay for each of five followers, in milliseconds.
fn planned(write: u64, start_ms: u64, delays_ms: [u64; 5]) -> Planned {
    Planned {
        write,
        key: "k0".into(),
        start_us: start_ms * MS,
        latency_us: None,
        delays_us: delays_ms.map(|ms| ms * MS).to_vec(),
        lost: BTreeMap::new(),
    }
}

/// Write 0 reaches f1 after write 1 does; every other follower gets them in order.
fn overtaking() -> RunBuilder {
    RunBuilder::new(1).write(planned(0, 0, [900, 1, 1, 1, 1])).write(planned(1, 10, [30, 1, 1, 1, 1]))
}

fn only_difference(consistency: &Consistency) -> &Cell {
    let mut differing = consistency.differing();
    let cell = differing.next().unwrap();
    assert_eq!(differing.next(), None);
    cell
}

#[test]
fn an_older_write_that_arrives_later_overtakes() {
    let judged = RunConsistency::of(&overtaking().build());
    let cell = only_difference(&judged.settled);
    assert_eq!((cell.follower, cell.key.as_str(), cell.state), (NodeId::Follower(0), "k0", CellState::Stale));
    assert_eq!((cell.follower_version, cell.leader_version), (Some(Version::new(1)), Some(Version::new(2))));
    let expected = Cause::Overtaken {
        older_version: Some(Version::new(1)),
        newer_version: Some(Version::new(2)),
        older_at_us: Micros::new(900_000),
        newer_at_us: Micros::new(40_000),
        gap_us: Micros::new(860_000),
        seen_from_outside: false,
    };
    assert_eq!(cell.cause, Some(expected));
    assert_eq!(judged.settled.total, Counts { matching: 4, stale: 1, ..Counts::default() });
    assert_eq!(judged.verdict, Verdict::Inconsistent);
}

#[test]
fn a_follower_that_has_not_heard_yet_lags() {
    let judged = RunConsistency::of(&overtaking().build());
    let cell = only_difference(&judged.at_last_ack);
    assert_eq!((cell.follower, cell.state), (NodeId::Follower(0), CellState::Missing));
    assert_eq!(
        cell.cause,
        Some(Cause::Lagging { version: Some(Version::new(2)), arrived_us: Some(Micros::new(40_000)) })
    );
}

#[test]
fn version_order_makes_the_same_arrivals_consistent() {
    let run = overtaking().configure(|config| config.network.order = ReplicationOrder::Version).build();
    assert!(run.arrivals.iter().any(|row| !row.applied));
    assert_eq!(RunConsistency::of(&run).verdict, Verdict::Consistent);
}

#[test]
fn a_lost_replication_is_named_with_its_outcome() {
    let mut newest = planned(1, 10, [30, 1, 1, 1, 1]);
    newest.lost.insert(4, ReplicationOutcome::Timeout);
    let run = RunBuilder::new(1).write(planned(0, 0, [1; 5])).write(newest).build();
    let judged = RunConsistency::of(&run);
    let cell = only_difference(&judged.settled);
    assert_eq!((cell.follower, cell.state), (NodeId::Follower(4), CellState::Stale));
    assert_eq!(cell.cause, Some(Cause::Lost { version: Version::new(2), outcome: ReplicationOutcome::Timeout }));
}

#[test]
fn a_value_that_is_the_leaders_matches_whatever_the_numbers_say() {
    let mut run = overtaking().build();
    for dump in run.settled.values_mut() {
        dump.versions.clear();
        let value = "v1".to_owned();
        dump.store.insert("k0".to_owned(), value);
    }
    run.replication.clear();
    run.arrivals.clear();
    assert_eq!(RunConsistency::of(&run).verdict, Verdict::Consistent);
}

#[test]
fn values_and_keys_the_leader_never_had_are_foreign() {
    let mut run = RunBuilder::new(1).write(planned(0, 0, [1; 5])).build();
    run.settled.get_mut(&NodeId::Follower(1)).unwrap().store.insert("k0".to_owned(), "other".to_owned());
    run.settled.get_mut(&NodeId::Follower(2)).unwrap().store.insert("k9".to_owned(), "v0".to_owned());
    let judged = RunConsistency::of(&run);
    let foreign: Vec<(NodeId, &str)> =
        judged.settled.differing().map(|cell| (cell.follower, cell.key.as_str())).collect();
    assert_eq!(foreign, [(NodeId::Follower(1), "k0"), (NodeId::Follower(2), "k9")]);
    assert!(
        judged.settled.differing().all(|cell| cell.state == CellState::Foreign && cell.cause == Some(Cause::Unknown))
    );
    assert_eq!(judged.verdict, Verdict::Inconsistent);
}

#[test]
fn the_version_of_an_unanswered_write_comes_from_the_leaders_trace() {
    let mut run = overtaking().build();
    for write in &mut run.writes {
        write.version = None;
    }
    for dump in run.settled.values_mut() {
        dump.versions.clear();
    }
    let judged = RunConsistency::of(&run);
    assert!(
        matches!(only_difference(&judged.settled).cause, Some(Cause::Overtaken { gap_us, .. }) if gap_us == Micros::new(860_000))
    );
}

#[test]
fn without_a_trace_there_is_no_cause() {
    let mut run = overtaking().build();
    run.arrivals.clear();
    let judged = RunConsistency::of(&run);
    assert_eq!(only_difference(&judged.settled).cause, Some(Cause::Unknown));
}

#[test]
fn a_node_that_could_not_be_asked_is_absent_and_matches_nothing() {
    let mut run = RunBuilder::new(1).write(planned(0, 0, [1; 5])).build();
    run.settled.remove(&NodeId::Follower(2));
    let judged = RunConsistency::of(&run);
    assert_eq!(judged.settled.absent, [NodeId::Follower(2)]);
    assert_eq!(judged.settled.followers[2].counts, None);
    assert_eq!(judged.settled.total.pairs(), 4);
    assert_eq!(judged.verdict, Verdict::Unknown);

    run.settled.remove(&NodeId::Leader);
    let judged = RunConsistency::of(&run);
    assert_eq!(
        (judged.settled.absent.as_slice(), judged.settled.has_leader()),
        (&[NodeId::Leader, NodeId::Follower(2)][..], false)
    );
    assert_eq!((judged.settled.cells.len(), judged.verdict), (0, Verdict::Unknown));
}

#[test]
fn an_absent_node_does_not_excuse_another() {
    let mut run = overtaking().build();
    run.settled.remove(&NodeId::Follower(4));
    assert_eq!(RunConsistency::of(&run).verdict, Verdict::Inconsistent);
}

#[test]
fn a_run_that_did_not_settle_is_unknown_either_way() {
    for mut run in [overtaking().build(), RunBuilder::new(1).write(planned(0, 0, [1; 5])).build()] {
        run.manifest.settled = false;
        assert_eq!(RunConsistency::of(&run).verdict, Verdict::Unknown);
    }
}

#[test]
fn what_is_pending_when_the_deadline_passes_lags() {
    let mut newest = planned(1, 10, [30, 1, 1, 1, 1]);
    newest.lost.insert(0, ReplicationOutcome::Pending);
    let mut run = RunBuilder::new(1).write(planned(0, 0, [1; 5])).write(newest).build();
    run.manifest.settled = false;
    let judged = RunConsistency::of(&run);
    assert_eq!(
        only_difference(&judged.settled).cause,
        Some(Cause::Lagging { version: Some(Version::new(2)), arrived_us: None })
    );
}

/// What a follower should hold of a key and why, from the plan alone: by brute force over the
/// writes of that key that reached it until `until_us`.
fn model(writes: &[Planned], follower: usize, until_us: u64) -> (CellState, Option<&'static str>) {
    let newest = writes.len() - 1;
    let at = |write: &Planned| write.start_us + write.delays_us[follower];
    let reached = |write: &Planned| !write.lost.contains_key(&follower) && at(write) <= until_us;
    let held = writes.iter().enumerate().filter(|(_, write)| reached(write)).max_by_key(|(i, write)| (at(write), *i));
    let state = match held {
        None => CellState::Missing,
        Some((i, _)) if i == newest => CellState::Match,
        Some(_) => CellState::Stale,
    };
    let cause = match state {
        CellState::Match => None,
        _ if writes[newest].lost.contains_key(&follower) => Some("lost"),
        _ if at(&writes[newest]) > until_us => Some("lagging"),
        _ => Some("overtaken"),
    };
    (state, cause)
}

fn kind(cause: Cause) -> &'static str {
    match cause {
        Cause::Overtaken { .. } => "overtaken",
        Cause::Lost { .. } => "lost",
        Cause::Erased { .. } => "erased",
        Cause::Lagging { .. } => "lagging",
        Cause::Unknown => "unknown",
    }
}

/// Up to eight overlapping writes to one key; a delay above a second is lost.
fn histories() -> impl Strategy<Value = Vec<Planned>> {
    let write = (0..500_u64, prop::array::uniform5(0..1_200_u64));
    prop::collection::vec(write, 1..8).prop_map(|mut drawn| {
        drawn.sort_by_key(|(start, _)| *start);
        let plan = |(write, (start_ms, delays_ms)): (u64, (u64, [u64; 5]))| {
            let mut planned = planned(write, start_ms, delays_ms);
            let late = (0..5).filter(|f| delays_ms[*f] > 1_000);
            planned.lost = late.map(|f| (f, ReplicationOutcome::Timeout)).collect();
            planned
        };
        (0..).zip(drawn).map(plan).collect()
    })
}

proptest! {
    #[test]
    fn every_pair_is_judged_as_the_model_says(writes in histories(), quorum in 0..=5_u32) {
        let run = writes.iter().cloned().fold(RunBuilder::new(quorum), RunBuilder::write).build();
        let judged = RunConsistency::of(&run);
        for (consistency, until_us) in [(&judged.at_last_ack, run.manifest.load_us.get()), (&judged.settled, u64::MAX)] {
            for follower in 0..5 {
                let cell = &consistency.cells[follower];
                prop_assert_eq!((cell.state, cell.cause.map(kind)), model(&writes, follower, until_us), "f{}", follower + 1);
            }
        }
    }
}

proptest! {
    #[test]
    fn values_alone_tell_every_state_and_no_cause_that_is_not_so(writes in histories(), quorum in 0..=5_u32) {
        let run = writes.iter().cloned().fold(RunBuilder::new(quorum), RunBuilder::write).build();
        let (traced, judged) = (RunConsistency::of(&run), RunConsistency::of(&without_trace(run.clone())));
        prop_assert_eq!((judged.at_last_ack.total, judged.settled.total), (traced.at_last_ack.total, traced.settled.total));
        prop_assert_eq!(judged.verdict, traced.verdict);
        let moments = [(&judged.at_last_ack, &traced.at_last_ack), (&judged.settled, &traced.settled)];
        for (own, whole) in moments.into_iter().flat_map(|(own, whole)| own.cells.iter().zip(&whole.cells)) {
            prop_assert_eq!((own.follower_version, own.leader_version), (None, None));
            prop_assert_eq!(
                (own.state, own.follower_write, own.leader_write),
                (whole.state, whole.follower_write, whole.leader_write)
            );
            let is_told = own.cause.is_some_and(|cause| cause != Cause::Unknown);
            prop_assert!(!is_told || own.cause.map(kind) == whole.cause.map(kind), "{own:?} {whole:?}");
        }
        for (before, after) in judged.at_last_ack.cells.iter().zip(&judged.settled.cells) {
            let caught_up = before.state != CellState::Match && after.state == CellState::Match;
            prop_assert_eq!(before.cause.map(kind) == Some("lagging"), caught_up);
        }
    }
}

/// An answer of f1 for `k0`.
fn read(at_ms: i64, write: Option<u64>) -> ReadRow {
    ReadRow {
        read: 0,
        purpose: ReadPurpose::Probe,
        session: 0,
        node: NodeId::Follower(0),
        key: "k0".into(),
        start_us: Micros::new(at_ms * 1_000),
        latency_us: TimeSpan::new(1_000),
        outcome: if write.is_some() { ReadOutcome::Found } else { ReadOutcome::Absent },
        write: write.map(WriteId::new),
        version: None,
        error: None,
    }
}

/// The cause of the only difference once the run had settled, by these reads and no trace.
fn cause_by(run: &RunData, reads: &[(i64, Option<u64>)]) -> Option<Cause> {
    let mut run = without_trace(run.clone());
    run.manifest.system.as_mut().unwrap().capabilities.restart = RestartState::Empty;
    run.reads = reads.iter().map(|(at_ms, write)| read(*at_ms, *write)).collect();
    only_difference(&RunConsistency::of(&run).settled).cause
}

#[test]
fn an_older_write_that_is_seen_after_the_newest_has_overtaken_it() {
    // Without a delay on the links no answer is too early.
    let run = overtaking().delay_ms(0, 0).build();
    let overtaken = |older_at_ms: i64| Cause::Overtaken {
        older_version: None,
        newer_version: None,
        older_at_us: Micros::new(older_at_ms * 1_000),
        newer_at_us: Micros::new(51_000),
        gap_us: Micros::new((older_at_ms - 51) * 1_000),
        seen_from_outside: true,
    };
    let seen = [(30, None), (50, Some(1)), (890, Some(1))];
    let (settled_ms, with_older) = (run.manifest.settled_us().get() / 1_000, [&seen[..], &[(895, Some(0))]].concat());
    assert_eq!(settled_ms, 900);
    assert_eq!(cause_by(&run, &with_older), Some(overtaken(896)));
    // The store itself shows the older write.
    assert!(
        matches!(cause_by(&run, &seen), Some(Cause::Overtaken { older_at_us, .. }) if older_at_us == run.manifest.settled_us())
    );
    // Whoever never saw the newest cannot say whether it was overtaken or lost.
    assert_eq!(cause_by(&run, &[(30, None), (890, Some(0))]), Some(Cause::Unknown));
    // A leader that was started again may hold an older value.
    let mut restarted = run;
    let row = |node| FaultRow {
        begun_us: Micros::new(200_000),
        ended_us: Micros::new(300_000),
        node,
        kind: FaultEvent::Restart,
        detail: Some("empty".to_owned()),
    };
    restarted.faults = vec![row(NodeId::Leader)];
    assert_eq!(cause_by(&restarted, &seen), Some(Cause::Unknown));
    // What was seen before a restart was erased by it.
    restarted.faults = vec![row(NodeId::Follower(0))];
    let erased = Cause::Erased {
        version: None,
        acked_us: Micros::new(51_000),
        restarted_us: Micros::new(300_000),
        seen_from_outside: true,
    };
    assert_eq!(cause_by(&restarted, &[(30, None), (50, Some(1)), (890, Some(0))]), Some(erased));
}

#[test]
fn what_a_follower_acknowledged_before_it_was_restarted_is_erased() {
    // f1 has write 0 at 20 ms, is back empty at 500 ms, and no later write brings the key again.
    let restart = FaultRow {
        begun_us: Micros::new(400_000),
        ended_us: Micros::new(500_000),
        node: NodeId::Follower(0),
        kind: FaultEvent::Restart,
        detail: Some("empty".to_owned()),
    };
    let mut run = RunBuilder::new(1).write(planned(0, 0, [20, 1, 1, 1, 1])).build();
    (run.manifest.load_us, run.manifest.settle_us) = (TimeSpan::new(600_000), TimeSpan::ZERO);
    run.arrivals.retain(|row| row.follower != NodeId::Follower(0));
    run.settled.get_mut(&NodeId::Follower(0)).unwrap().store.clear();
    run.settled.get_mut(&NodeId::Follower(0)).unwrap().versions.clear();
    let cause = |run: &RunData| only_difference(&RunConsistency::of(run).settled).cause;
    assert_eq!(cause(&run), Some(Cause::Unknown));
    run.faults.push(restart.clone());
    assert_eq!(
        cause(&run),
        Some(Cause::Erased {
            version: Some(Version::new(1)),
            acked_us: Micros::new(20_000),
            restarted_us: Micros::new(500_000),
            seen_from_outside: false,
        })
    );
    // A restart before the acknowledgement explains nothing, nor does another follower's.
    run.faults[0].ended_us = Micros::new(10_000);
    assert_eq!(cause(&run), Some(Cause::Unknown));
    run.faults[0] = FaultRow { node: NodeId::Follower(1), ..restart };
    assert_eq!(cause(&run), Some(Cause::Unknown));
}
