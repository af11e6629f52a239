use super::*;
use crate::analysis::bounds::Bounds;
use crate::analysis::fixture::RunBuilder;
use crate::model::{NodeId, TimeSpan, Version, WriteId};

/// Writes at 0, 10, 20 and 30 s, each answered after 40 ms, as quick to each of five followers.
fn run() -> RunData {
    (0..4).fold(RunBuilder::new(1), |run, write| run.write_with_delays(write, 40_000, &[20_000; 5])).build()
}

fn row(begun_s: i64, node: &str, kind: FaultEvent) -> FaultRow {
    let begun_us = begun_s * 1_000_000;
    FaultRow {
        begun_us: Micros::new(begun_us),
        ended_us: Micros::new(begun_us + 5_000),
        node: node.parse().unwrap(),
        kind,
        detail: None,
    }
}

fn figures(run: &RunData) -> FaultFigures {
    FaultFigures::of(run, &RunConsistency::of(run)).unwrap()
}

#[test]
fn without_faults_there_are_no_figures() {
    let run = run();
    assert_eq!(FaultFigures::of(&run, &RunConsistency::of(&run)), None);
    assert!(run.writes.iter().all(undisturbed(&run)));
}

#[test]
fn a_fault_lasts_from_its_beginning_to_the_end_of_its_kind_at_its_node() {
    let mut run = run();
    run.faults = vec![
        row(1, "f1", FaultEvent::Kill),
        row(2, "f1", FaultEvent::Partition),
        row(3, "f2", FaultEvent::Restart),
        row(4, "f1", FaultEvent::Restart),
        row(5, "f1", FaultEvent::Heal),
        row(6, "f1", FaultEvent::Stop),
    ];
    let spells = figures(&run).spells;
    let seen: Vec<_> = spells.iter().map(|spell| (spell.kind, spell.begun_ms, spell.ended_ms)).collect();
    assert_eq!(
        seen,
        [
            (FaultEvent::Kill, 1_000.0, Some(4_005.0)),
            (FaultEvent::Partition, 2_000.0, Some(5_005.0)),
            (FaultEvent::Stop, 6_000.0, None),
        ]
    );
}

#[test]
fn writes_are_met_while_they_are_under_way_and_fail_from_then_on() {
    let mut run = run();
    // Write 1 begins at 10 s, meets the fault 15 ms later and ends 25 ms after that; write 2 begins
    // within it; write 3 comes after it.
    run.faults = vec![row(10, "f5", FaultEvent::Kill), row(25, "f5", FaultEvent::Restart)];
    run.faults[0].begun_us += Micros::new(15_000);
    run.writes[1].outcome = WriteOutcome::Failed;
    run.writes[2].outcome = WriteOutcome::Failed;
    run.writes[3].outcome = WriteOutcome::Failed;
    let met = figures(&run).spells[0].writes;
    assert_eq!((met.ok, met.failed, met.unknown), (0, 2, 0));
    assert_eq!(met.failed_after, Some(Spread { min_ms: 25.0, median_ms: 32.5, max_ms: 40.0 }));
    assert_eq!((met.failed_after_sent, met.unknown_after), (None, None));
    let undisturbed: Vec<u64> =
        run.writes.iter().filter(|row| undisturbed(&run)(row)).map(|row| row.write.get()).collect();
    assert_eq!(undisturbed, [0, 3]);
}

#[test]
fn a_refusal_is_timed_from_the_copy_that_made_it_certain() {
    // Of five followers two are lost to write 1, sent at 10.010 s and 10.030 s. The second leaves
    // W = 4 out of reach.
    let mut run = run();
    run.manifest.quorum = 4.try_into().unwrap();
    run.faults = vec![row(9, "f5", FaultEvent::Kill)];
    run.writes[1].outcome = WriteOutcome::Failed;
    let (begun_us, answered_us) = (run.writes[1].start_us, run.writes[1].end());
    for (follower, sent_us) in [
        (NodeId::Follower(3), begun_us + TimeSpan::new(30_000)),
        (NodeId::Follower(4), begun_us + TimeSpan::new(10_000)),
    ] {
        let copy =
            run.replication.iter_mut().find(|row| row.write == WriteId::new(1) && row.follower == follower).unwrap();
        (copy.sent_us, copy.acked_us, copy.outcome) = (Some(sent_us), None, ReplicationOutcome::Failed);
    }
    let expected_ms = (answered_us - begun_us - TimeSpan::new(30_000)).as_ms();
    let spread = |run: &RunData| figures(run).spells[0].writes.failed_after_sent;
    assert_eq!(spread(&run).map(|spread| spread.median_ms), Some(expected_ms));
    run.manifest.quorum = 6.try_into().unwrap();
    assert_eq!(spread(&run), None);
}

#[test]
fn lost_copies_are_those_of_the_node_on_their_way_meanwhile() {
    let mut run = run();
    run.faults = vec![row(9, "f5", FaultEvent::Pause), row(21, "f5", FaultEvent::Resume)];
    for lost in run
        .replication
        .iter_mut()
        .filter(|row| row.follower == NodeId::Follower(4) || row.follower == NodeId::Follower(0))
    {
        lost.outcome =
            if lost.write == WriteId::new(2) { ReplicationOutcome::Failed } else { ReplicationOutcome::Timeout };
    }
    // Of f5's four, write 0 was given up before the fault and write 3 came after it.
    assert_eq!(figures(&run).spells[0].lost_copies, Some(LostCopies { failed: 1, timeout: 1 }));
    run.replication.clear();
    assert_eq!(figures(&run).spells[0].lost_copies, None);
}

#[test]
fn a_follower_that_came_back_is_judged_by_what_it_holds() {
    let mut run = run();
    run.faults =
        vec![row(1, "f5", FaultEvent::Kill), row(2, "f5", FaultEvent::Restart), row(3, "f1", FaultEvent::Kill)];
    let of = |run: &RunData| figures(run).returned;
    assert_eq!(of(&run).len(), 1);
    assert_eq!((of(&run)[0].follower, of(&run)[0].caught_up), (NodeId::Follower(4), Some(true)));
    let held = run.settled.get_mut(&NodeId::Follower(4)).unwrap();
    held.store.remove("k1");
    let returned = of(&run).remove(0);
    assert_eq!(returned.caught_up, Some(false));
    assert_eq!(returned.pairs.map(|pairs| (pairs.matching, pairs.missing)), Some((3, 1)));
    assert_eq!((returned.missed, returned.overtaken), (1, 0));
    run.manifest.settled = false;
    assert_eq!(of(&run)[0].caught_up, None);
}

#[test]
fn what_an_older_write_overtook_does_not_count_against_catching_up() {
    // Write 1 and, sent later but sooner there, write 11 of the same key.
    let mut run = RunBuilder::new(1)
        .write_with_delays(1, 40_000, &[20_000, 20_000, 20_000, 20_000, 200_000_000])
        .write_with_delays(11, 40_000, &[20_000; 5])
        .build();
    run.faults = vec![row(1, "f5", FaultEvent::Partition), row(2, "f5", FaultEvent::Heal)];
    let returned = figures(&run).returned.remove(0);
    assert_eq!((returned.pairs.map(Counts::differing), returned.overtaken, returned.missed), (Some(1), 1, 0));
    assert_eq!(returned.caught_up, Some(true));
    // Nor is anything concluded where the trace does not say why.
    run.arrivals.clear();
    run.replication.clear();
    assert_eq!(figures(&run).returned[0].caught_up, None);
}

#[test]
fn a_write_that_meets_two_faults_is_counted_once() {
    let mut run = run();
    run.faults = vec![row(9, "f5", FaultEvent::Kill), row(9, "f4", FaultEvent::Kill)];
    run.writes[3].outcome = WriteOutcome::Unknown;
    assert_eq!((figures(&run).met, figures(&run).missed), (3, 1));
}

#[test]
fn the_leader_takes_with_it_what_no_survivor_holds() {
    let mut run = run();
    run.faults = vec![row(25, "leader", FaultEvent::Kill)];
    run.settled.remove(&NodeId::Leader);
    run.replication.clear();
    // Version 2 got nowhere, version 3 to f3 alone; write 3 has no answer, but was stored.
    run.arrivals.retain(|row| {
        row.version != Version::new(2) && (row.version != Version::new(3) || row.follower == NodeId::Follower(2))
    });
    run.writes[3].outcome = WriteOutcome::Unknown;
    run.writes[3].version = None;
    let loss = figures(&run).leader_loss.unwrap();
    assert_eq!((loss.acknowledged, loss.survivors.len(), loss.turned_up), (3, 5, 1));
    let lost = |loss: &LeaderLoss| loss.lost.iter().map(|lost| (lost.write.get(), lost.arrived)).collect::<Vec<_>>();
    assert_eq!((lost(&loss), loss.union), (vec![(1, 0)], Bounds::exactly(1)));
    // All have received the newest write, which has no answer; the first of them lacks two others.
    assert_eq!((loss.most_advanced, loss.random), (Bounds::exactly(2.0), Bounds::exactly(9.0 / 5.0)));
    // An older write of the key replaces it on f3.
    run.writes[0].key = "k2".into();
    for row in run.arrivals.iter_mut().filter(|row| row.version == Version::new(1)) {
        (row.key, row.at_us) = ("k2".into(), Micros::new(29_000_000));
    }
    assert_eq!(lost(&figures(&run).leader_loss.unwrap()), [(1, 0), (2, 1)]);
    // Dead itself, f3 takes nothing over, and what it had received is not known.
    run.faults.push(row(26, "f3", FaultEvent::Kill));
    run.arrivals.retain(|row| row.follower != NodeId::Follower(2));
    let loss = figures(&run).leader_loss.unwrap();
    assert_eq!((loss.survivors.len(), loss.union), (4, Bounds::exactly(2)));
}
