use super::*;
use crate::analysis::fixture::{RunBuilder, without_trace};
use crate::data::SurvivorRow;
use crate::model::TimeSpan;

/// Three writes of one key, one after the other, and a leader that dies a second after the last began. The most advanced
/// follower holds `value`.
fn run(value: Option<(&str, u64)>) -> RunData {
    let writes = [0, 10, 20].into_iter();
    let mut run = writes.fold(RunBuilder::new(1), |run, i| run.write_with_delays(i, 9_000, &[8_000; 5])).build();
    let f2 = NodeId::Follower(1);
    let mut held = run.settled[&f2].clone();
    held.store = value.iter().map(|(value, _)| ("k0".to_owned(), (*value).to_owned())).collect();
    held.versions = value.iter().map(|(_, version)| ("k0".to_owned(), *version)).collect();
    run.failover = Some(FailoverRecord {
        died_us: Micros::new(201_000_000),
        facts: FailoverFacts {
            kind: FailoverKind::Promotion,
            none_lost_from: Some(1),
            documented: "as it says".to_owned(),
        },
        survivors: vec![SurvivorRow { node: f2, position: 7 }],
        chosen: Some(f2),
        promoted_us: Some(Micros::new(201_020_000)),
        first_ack_us: Some(Micros::new(201_030_500)),
        held: Some(held),
        error: None,
    });
    run
}

fn lost(run: &RunData) -> Vec<(u64, bool)> {
    let figures = FailoverFigures::of(run).unwrap();
    figures.lost_writes.iter().map(|of| (of.write.get(), of.is_certain)).collect()
}

#[test]
fn a_write_is_lost_if_the_new_leader_has_neither_it_nor_a_newer_one_of_its_key() {
    for (held, expected) in [
        (Some(("v20", 3)), vec![]),
        (Some(("v10", 2)), vec![(20, true)]),
        (None, vec![(0, true), (10, true), (20, true)]),
    ] {
        let run = run(held);
        assert_eq!(lost(&run), expected);
        assert_eq!(lost(&without_trace(run)), expected, "by the order of the clients");
    }
}

#[test]
fn of_writes_without_numbers_that_were_under_way_together_either_may_be_the_newer() {
    let mut run = run(Some(("v10", 2)));
    // Now the last one begins before the one before it has ended.
    run.writes[2].start_us = run.writes[1].start_us;
    assert_eq!(lost(&run), [(20, true)], "numbers tell");
    run = without_trace(run);
    assert_eq!(lost(&run), [(20, false)]);
    assert_eq!(FailoverFigures::of(&run).unwrap().lost, Some(Bounds { lower: 0, upper: 1 }));
}

#[test]
fn times_count_from_the_order_to_end_the_leader() {
    let mut run = run(Some(("v20", 3)));
    // The last write had no answer, and arrived all the same.
    run.writes[2].outcome = WriteOutcome::Unknown;
    run.writes[2].latency_us = TimeSpan::new(5_000_000);
    let figures = FailoverFigures::of(&run).unwrap();
    assert_eq!((figures.promoted_after_ms, figures.leaderless_ms), (Some(20.0), Some(30.5)));
    assert_eq!((figures.acknowledged, figures.waiting, figures.turned_up), (2, 1, Some(1)));
    assert!(figures.promises_none_lost() && figures.has_new_leader());
}

#[test]
fn what_the_new_leader_acknowledges_once_it_was_read_is_not_lost() {
    let mut run = run(Some(("v10", 2)));
    run.writes[2].start_us = Micros::new(201_030_600);
    let figures = FailoverFigures::of(&run).unwrap();
    assert_eq!((figures.acknowledged, figures.lost), (2, Some(Bounds { lower: 0, upper: 0 })));
}

#[test]
fn what_no_survivor_told_is_not_known() {
    let mut run = run(None);
    let failover = run.failover.as_mut().unwrap();
    (failover.survivors, failover.chosen, failover.held) = (Vec::new(), None, None);
    let figures = FailoverFigures::of(&run).unwrap();
    assert_eq!((figures.lost, figures.lost_writes.len(), figures.has_new_leader()), (None, 0, false));
    run.failover = None;
    assert_eq!(FailoverFigures::of(&run), None);
}
