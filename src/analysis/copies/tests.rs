use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::analysis::bounds::Bounds;
use crate::analysis::durability::Durability;
use crate::analysis::fixture::{Planned, RunBuilder};
use crate::analysis::lag::Lag;
use crate::analysis::staleness::Staleness;
use crate::data::{ArrivalRow, FaultEvent, FaultRow, ReplicationOutcome};
use crate::model::{CatchUp, NodeId, Version, WriteId};

fn fault(node: &str, kind: FaultEvent, begun_us: i64, ended_us: i64) -> FaultRow {
    FaultRow {
        begun_us: Micros::new(begun_us),
        ended_us: Micros::new(ended_us),
        node: node.parse().unwrap(),
        kind,
        detail: None,
    }
}

/// Five writes a second apart to keys of their own, each after 10 ms on f1, ... 50 ms on f5.
fn run() -> RunData {
    let delays_us = vec![10_000, 20_000, 30_000, 40_000, 50_000];
    let planned = |write: u64| Planned {
        write,
        key: format!("k{write}"),
        start_us: write * 1_000_000,
        latency_us: None,
        delays_us: delays_us.clone(),
        lost: BTreeMap::new(),
    };
    (0..5).map(planned).fold(RunBuilder::new(1), RunBuilder::write).build()
}

/// Takes away what died with f5 at 2.5 s.
fn kill_f5(run: &mut RunData) {
    run.faults = vec![
        fault("f5", FaultEvent::Kill, 2_500_000, 2_501_000),
        fault("f5", FaultEvent::Restart, 3_500_000, 3_510_000),
    ];
    run.arrivals.retain(|row| row.follower != NodeId::Follower(4) || row.at_us > Micros::new(3_500_000));
    let down =
        |row: &&mut crate::data::ReplicationRow| row.follower == NodeId::Follower(4) && row.write == WriteId::new(3);
    for row in run.replication.iter_mut().filter(down) {
        (row.acked_us, row.outcome) = (None, ReplicationOutcome::Failed);
    }
}

fn f5(run: &RunData) -> Vec<Arrival> {
    Copies::of(run).writes.iter().map(|write| write.arrivals[4]).collect()
}

#[test]
fn an_acknowledgement_proves_an_arrival_and_a_refusal_that_there_was_none() {
    let mut run = run();
    kill_f5(&mut run);
    for row in
        run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(4) && row.write < WriteId::new(3))
    {
        row.acked_us = row.acked_us.map(|at_us| at_us + TimeSpan::new(700));
    }
    let between =
        |write: i64| Arrival::between(Micros::new(write * 1_000_000 + 50_000), Micros::new(write * 1_000_000 + 50_700));
    assert_eq!(f5(&run), [between(0), between(1), between(2), Arrival::NEVER, Arrival::at(Micros::new(4_050_000))]);
    // In the end f5 holds the last write alone.
    let durability = Durability::of(&run);
    let settled: Vec<_> = durability.exposure.iter().map(|state| state.settled_writes).collect();
    assert_eq!(settled, [0, 0, 0, 0, 4, 1].map(Bounds::exactly));
}

#[test]
fn what_was_on_its_way_when_its_follower_died_may_have_arrived() {
    let mut run = run();
    kill_f5(&mut run);
    let under_way = run
        .replication
        .iter_mut()
        .find(|row| row.follower == NodeId::Follower(4) && row.write == WriteId::new(2))
        .unwrap();
    (under_way.acked_us, under_way.outcome) = (None, ReplicationOutcome::Failed);
    assert_eq!(f5(&run)[2], Arrival::perhaps(Micros::new(2_050_000)));
    run.replication.clear();
    assert_eq!(f5(&run)[2..4], [Arrival::perhaps(Micros::new(2_000_000)), Arrival::NEVER]);
}

#[test]
fn a_catch_up_counts_when_it_comes_and_may_have_come_where_a_trace_is_lost() {
    let mut run = run();
    kill_f5(&mut run);
    run.manifest.config.network.catch_up = CatchUp::Snapshot;
    let caught_up = ArrivalRow {
        follower: NodeId::Follower(4),
        version: Version::new(4),
        key: "k3".into(),
        applied: true,
        at_us: Micros::new(3_600_000),
        catch_up: false,
    };
    run.arrivals.push(caught_up);
    assert_eq!(f5(&run)[3], Arrival::at(Micros::new(3_600_000)));
    // Killed again, its second life leaves no trace either.
    run.faults.push(fault("f5", FaultEvent::Kill, 3_900_000, 3_900_000));
    run.arrivals.retain(|row| row.follower != NodeId::Follower(4));
    assert_eq!(f5(&run)[3], Arrival::perhaps(Micros::new(3_500_000)));
}

#[test]
fn a_leader_that_is_restarted_counts_from_one_again() {
    let mut run = run();
    run.faults = vec![
        fault("leader", FaultEvent::Kill, 2_500_000, 2_500_000),
        fault("leader", FaultEvent::Restart, 2_600_000, 2_700_000),
    ];
    run.replication.retain(|row| row.write >= WriteId::new(3));
    for row in &mut run.writes {
        let write = row.write.get();
        row.version = Some(Version::new(if write >= 3 { write - 2 } else { write + 1 }));
        row.key = "k".into();
    }
    for row in &mut run.arrivals {
        (row.version, row.key) =
            (if row.version > Version::new(3) { Version::new(row.version.get() - 3) } else { row.version }, "k".into());
    }
    let copies = Copies::of(&run);
    let places: Vec<_> = copies.writes.iter().map(|write| write.place.unwrap().place).collect();
    assert_eq!(places, [0, 1, 2, 3, 4]);
    assert_eq!(copies.writes[3].arrivals[0], Arrival::at(Micros::new(3_010_000)));
    assert_eq!(copies.writes[0].arrivals[0], Arrival::at(Micros::new(10_000)));
}

#[test]
fn a_trace_that_lacks_records_proves_no_absence() {
    let mut run = run();
    run.arrivals.retain(|row| row.follower != NodeId::Follower(4));
    run.replication.clear();
    assert_eq!(f5(&run)[0], Arrival::perhaps(Micros::ZERO));
    let mut dropped = super::tests::run();
    dropped.arrivals.retain(|row| row.version != Version::new(1) || row.follower != NodeId::Follower(4));
    dropped.replication.clear();
    assert_eq!(f5(&dropped)[0], Arrival::NEVER);
    dropped.manifest.trace_dropped = 1;
    assert_eq!(f5(&dropped)[0], Arrival::perhaps(Micros::ZERO));
}

fn contains<T: PartialOrd + Copy>(bounds: Bounds<T>, exact: Bounds<T>) -> bool {
    bounds.lower <= exact.lower && exact.upper <= bounds.upper
}

/// As [`contains`], of figures that are sums in another order.
fn nearly_contains(bounds: Bounds<f64>, exact: Bounds<f64>) -> bool {
    bounds.lower <= exact.lower + 1e-9 && exact.upper <= bounds.upper + 1e-9
}

fn histories() -> impl Strategy<Value = Vec<Planned>> {
    let write = (0..60_u64, 0..2_u8, prop::array::uniform5(0..100_u64));
    prop::collection::vec(write, 1..8).prop_map(|drawn| {
        let plan = |(write, (start_us, key, delays_us)): (u64, (u64, u8, [u64; 5]))| Planned {
            write,
            key: format!("k{key}"),
            start_us,
            latency_us: None,
            delays_us: delays_us.to_vec(),
            lost: (0..5).filter(|f| delays_us[*f] > 90).map(|f| (f, ReplicationOutcome::Timeout)).collect(),
        };
        (0..).zip(drawn).map(plan).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever evidence is lost, what the whole of it says lies within the bounds.
    #[test]
    fn bounds_hold_what_the_whole_evidence_says(
        writes in histories(),
        quorum in 0..=3_u32,
        by_version: bool,
        lost in prop::collection::vec(0..5_usize, 1..4),
        leader_too: bool,
        late_us in 0..30_u64,
    ) {
        let order = if by_version { ReplicationOrder::Version } else { ReplicationOrder::Arrival };
        let builder = RunBuilder::new(quorum).configure(|config| config.network.order = order);
        let whole = writes.into_iter().fold(builder, RunBuilder::write).build();
        let mut partial = whole.clone();
        // Acknowledgements are later than arrivals, and their copies were sent earlier.
        for row in &mut partial.replication {
            row.acked_us = row.acked_us.map(|at_us| at_us + TimeSpan::new(late_us));
            row.sent_us = row.sent_us.map(|at_us| at_us - TimeSpan::new(5));
        }
        for index in &lost {
            let name = NodeId::Follower(u32::try_from(*index).unwrap());
            partial.arrivals.retain(|row| row.follower != name);
            partial.manifest.absent_nodes.push(name);
        }
        if leader_too {
            partial.replication.clear();
        }
        let (exact, bounded) = (Durability::of(&whole), Durability::of(&partial));
        for (exact, bounded) in exact.exposure.iter().zip(&bounded.exposure) {
            prop_assert!(nearly_contains(bounded.mean_writes, exact.mean_writes), "{exact:?} {bounded:?}");
            prop_assert!(contains(bounded.max_writes, exact.max_writes), "{exact:?} {bounded:?}");
            prop_assert!(contains(bounded.settled_writes, exact.settled_writes), "{exact:?} {bounded:?}");
        }
        prop_assert!(contains(bounded.held_by_fewer, exact.held_by_fewer));
        prop_assert!(nearly_contains(bounded.loss.random.mean_writes, exact.loss.random.mean_writes));
        prop_assert!(
            nearly_contains(bounded.loss.most_advanced.mean_writes, exact.loss.most_advanced.mean_writes),
            "{:?} {:?}", exact.loss, bounded.loss
        );
        let (exact, bounded) = (Lag::of(&whole), Lag::of(&partial));
        prop_assert!(contains(bounded.never_everywhere, exact.never_everywhere));
        prop_assert!(nearly_contains(bounded.behind_at_ack.unwrap(), exact.behind_at_ack.unwrap()));
        let (exact, bounded) = (Staleness::of(&whole), Staleness::of(&partial));
        for (exact, bounded) in exact.at_ack.iter().zip(&bounded.at_ack) {
            prop_assert!(nearly_contains(bounded.misses_write.unwrap(), exact.misses_write.unwrap()));
            prop_assert!(nearly_contains(bounded.returns_older.unwrap(), exact.returns_older.unwrap()));
        }
    }
}

#[test]
fn a_copy_that_was_acknowledged_in_the_microsecond_of_its_followers_death_died_with_it() {
    // f1 alone has write 2 when its client hears, and is killed then: f2 gets it 10 ms later.
    let mut run = run();
    run.faults = vec![fault("f1", FaultEvent::Kill, 2_010_000, 2_010_000)];
    run.arrivals.retain(|row| row.follower != NodeId::Follower(0));
    for row in
        run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(0) && row.write > WriteId::new(2))
    {
        (row.acked_us, row.outcome) = (None, ReplicationOutcome::Failed);
    }
    for row in &mut run.writes[3..] {
        row.latency_us = TimeSpan::new(20_000);
    }
    let durability = Durability::of(&run);
    assert_eq!(durability.held_by_fewer, Bounds::exactly(1));
    assert_eq!((durability.exposure[0].max_writes, durability.exposure[0].max_at_ms), (Bounds::exactly(1), 2_010.0));
}

#[test]
fn an_acknowledgement_that_came_after_a_death_had_left_before_it() {
    let mut run = run();
    run.faults = vec![fault("f5", FaultEvent::Kill, 2_050_100, 2_050_200)];
    run.arrivals.retain(|row| row.follower != NodeId::Follower(4));
    for row in run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(4)) {
        match row.write.get() {
            2 => row.acked_us = Some(Micros::new(2_050_500)),
            0 | 1 => {}
            _ => (row.acked_us, row.outcome) = (None, ReplicationOutcome::Failed),
        }
    }
    assert_eq!(f5(&run)[2], Arrival::between(Micros::new(2_050_000), Micros::new(2_050_200)));
    let settled: Vec<_> = Durability::of(&run).exposure.iter().map(|state| state.settled_writes).collect();
    assert_eq!(settled, [0, 0, 0, 0, 5, 0].map(Bounds::exactly));
}

#[test]
fn a_newer_write_without_an_answer_covers_an_older_one() {
    // The leader dies with its trace before it answers the last write, which is to the key of the
    // one before; f5 never gets that one.
    let mut run = run();
    run.replication.clear();
    (run.writes[4].outcome, run.writes[4].version) = (WriteOutcome::Unknown, None);
    run.arrivals.retain(|row| (row.follower, row.version) != (NodeId::Follower(4), Version::new(4)));
    for row in run.arrivals.iter_mut().filter(|row| row.version == Version::new(5)) {
        row.key = "k3".into();
    }
    let settled: Vec<_> = Durability::of(&run).exposure.iter().map(|state| state.settled_writes).collect();
    assert_eq!(settled, [0, 0, 0, 0, 0, 4].map(Bounds::exactly));
}

#[test]
fn versions_may_count_each_key_by_itself() {
    let planned = |write: u64| Planned {
        write,
        key: format!("k{}", write % 2),
        start_us: write * 1_000_000,
        latency_us: None,
        delays_us: vec![10_000; 5],
        lost: BTreeMap::new(),
    };
    let mut run = (0..6).map(planned).fold(RunBuilder::new(1), RunBuilder::write).build();
    let places = |run: &RunData| Copies::by_reads(run).writes.iter().map(|write| write.place).collect::<Vec<_>>();
    let expected = places(&run);
    assert_eq!(expected.iter().map(|place| place.unwrap().overall).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    for row in &mut run.writes {
        row.version = Some(Version::new(row.write.get() / 2 + 1));
    }
    assert_eq!(places(&run), expected);
    // The leader took the last two writes of k0 the other way round, and its numbers win.
    (run.writes[2].version, run.writes[4].version) = (run.writes[4].version, run.writes[2].version);
    assert_eq!(places(&run).iter().map(|place| place.unwrap().place).collect::<Vec<_>>(), [0, 0, 2, 1, 1, 2]);
}
