use super::*;
use crate::analysis::fixture::{RunBuilder, right_leader, without_trace};
use crate::data::FaultRow;
use crate::model::{Micros, TimeSpan};

/// Three writes of one key, one after the other.
fn run() -> RunData {
    let writes = [0, 10, 20].into_iter();
    writes.fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 9_000, &[8_000; 5])).build()
}

fn hold(run: &mut RunData, node: NodeId, value: Option<&str>) {
    let dump = run.settled.get_mut(&node).unwrap();
    dump.store.clear();
    dump.store.extend(value.map(|value| ("k0".to_owned(), value.to_owned())));
}

/// The leader comes back after the last write but one.
fn restart() -> FaultRow {
    let (at_us, kind) = (150_000_000, FaultEvent::Restart);
    FaultRow { begun_us: Micros::new(at_us), ended_us: Micros::new(at_us), node: NodeId::Leader, kind, detail: None }
}

fn lacking(run: &RunData) -> Vec<(u64, u64)> {
    Survival::of(run).nodes.iter().map(|of| (of.lacking.lower, of.lacking.upper)).collect()
}

#[test]
fn a_node_holds_a_write_while_it_holds_that_or_a_newer_one() {
    let mut run = run();
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(0)));
    hold(&mut run, NodeId::Follower(0), Some("v10"));
    hold(&mut run, NodeId::Follower(1), None);
    hold(&mut run, NodeId::Follower(2), Some("nobody wrote this"));
    assert_eq!(lacking(&run), [(0, 0), (1, 1), (3, 3), (3, 3), (0, 0), (0, 0)]);
    // One node that holds it is enough.
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(0)));
}

#[test]
fn a_leader_that_comes_back_empty_and_empties_its_followers_loses_what_it_acknowledged() {
    let mut run = without_trace(run());
    NodeId::all(run.manifest.config.followers).for_each(|node| hold(&mut run, node, None));
    hold(&mut run, NodeId::Leader, Some("v20"));
    run.faults = vec![restart()];
    // What was written after the restart is newer than all that went.
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(0)));
    hold(&mut run, NodeId::Leader, None);
    let survival = Survival::of(&run);
    assert_eq!((survival.acknowledged, survival.lost), (3, Some(Bounds::exactly(3))));
    assert!(survival.was_leader_emptied);
    let told: Vec<_> =
        survival.lost_writes.iter().map(|of| (of.write.get(), of.acknowledged_ms, of.is_certain)).collect();
    assert_eq!(told, [(0, 9.0, true), (10, 100_009.0, true), (20, 200_009.0, true)]);
}

#[test]
fn of_writes_that_were_under_way_together_either_may_be_the_newer() {
    let mut run = run();
    // Now the last one begins before the one before it has ended.
    run.writes[1].latency_us = TimeSpan::new(150_000_000);
    for node in NodeId::all(run.manifest.config.followers) {
        hold(&mut run, node, Some("v10"));
    }
    // A leader that was never ended holds the newest.
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(0)));
    run.faults = vec![restart()];
    assert_eq!(Survival::of(&run).lost, Some(Bounds { lower: 0, upper: 1 }));
    assert!(!Survival::of(&run).lost_writes[0].is_certain);
    // One that was never answered may have been applied last of all.
    run.writes[1].latency_us = TimeSpan::new(9_000);
    run.writes[1].outcome = WriteOutcome::Unknown;
    assert_eq!(Survival::of(&run).lost, Some(Bounds { lower: 0, upper: 1 }));
}

#[test]
fn a_leader_that_forgot_without_a_fault_has_no_last_word() {
    let mut run = run();
    NodeId::all(run.manifest.config.followers).for_each(|node| hold(&mut run, node, Some("v10")));
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(1)));
}

#[test]
fn what_is_in_flight_may_still_arrive_unless_the_leader_is_gone() {
    let mut run = run();
    run.settled.remove(&NodeId::Leader);
    NodeId::followers(run.manifest.config.followers).for_each(|node| hold(&mut run, node, Some("v10")));
    run.manifest.settled = false;
    assert_eq!(Survival::of(&run).lost, Some(Bounds { lower: 0, upper: 1 }));
    run.manifest.absent_nodes = vec![NodeId::Leader];
    assert_eq!(Survival::of(&run).lost, Some(Bounds::exactly(1)));
    run.settled.clear();
    assert_eq!((Survival::of(&run).lost, Survival::of(&run).lost_writes.len()), (None, 0));
}

#[test]
fn the_same_is_told_with_and_without_a_trace() {
    let run = RunBuilder::new(1).load(right_leader).build();
    let traced = Survival::of(&run);
    assert!(traced.nodes.iter().any(|of| of.lacking.upper > 0), "{traced:?}");
    assert_eq!(Survival::of(&without_trace(run)), traced);
}
