#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::analysis::fixture::{LeaderAnswer, RunBuilder};
use crate::data::{ArrivalRow, FaultEvent, FaultRow, ReplicationOutcome, WriteOutcome};
use crate::model::{NodeId, TimeSpan, Version};

fn fault(node: &str, kind: FaultEvent, at_us: i64) -> FaultRow {
    FaultRow {
        begun_us: Micros::new(at_us),
        ended_us: Micros::new(at_us),
        node: node.parse().unwrap(),
        kind,
        detail: None,
    }
}

fn kill(node: &str, at_us: i64) -> FaultRow {
    fault(node, FaultEvent::Kill, at_us)
}

fn restart(node: &str, at_us: i64) -> FaultRow {
    fault(node, FaultEvent::Restart, at_us)
}

/// One write that arrives after 10, 20, ... 50 ms and is answered after `latency_ms`.
fn run(quorum: u32, latency_ms: u64) -> RunData {
    let delays = [50_000, 10_000, 40_000, 20_000, 30_000];
    RunBuilder::new(quorum).write_with_delays(3, latency_ms * 1000, &delays).build()
}

#[test]
fn is_the_time_from_the_acknowledgement_to_the_last_arrival() {
    for (latency_ms, expected_ms, behind) in [(10, 40.0, 0.8), (35, 15.0, 0.4), (50, 0.0, 0.0), (60, 0.0, 0.0)] {
        let lag = Lag::of(&run(1, latency_ms));
        assert_eq!(
            (lag.n, lag.figures.max_ms, lag.behind_at_ack),
            (1, Some(expected_ms), Some(Bounds::exactly(behind)))
        );
        assert_eq!(lag.behind_at_last_ack, Some(Bounds::exactly(behind)));
    }
}

#[test]
fn an_ideal_lab_lags_as_predicted() {
    for quorum in 0..=5_usize {
        let run = RunBuilder::new(u32::try_from(quorum).unwrap())
            .configure(|config| config.workload.writes = 1000.try_into().unwrap())
            .load(|drawn| LeaderAnswer::after(drawn.quorum.checked_sub(1).map_or(0, |index| drawn.sorted_us[index])))
            .build();
        let lag = Lag::of(&run);
        let (mean, predicted) = (lag.figures.mean.unwrap(), lag.predicted.unwrap());
        assert!((mean.value_ms - predicted.mean_ms).abs() <= 4.0 * mean.standard_error_ms.unwrap(), "{lag:?}");
        assert_eq!(lag.behind_at_ack, lag.predicted_behind.map(Bounds::exactly));
        assert_eq!(lag.predicted_behind, Some((5 - quorum) as f64 / 5.0));
    }
}

#[test]
fn a_lost_copy_never_arrives_and_its_follower_stays_behind() {
    let mut run = run(1, 60);
    run.arrivals.retain(|row| row.follower != NodeId::Follower(3));
    for row in run.replication.iter_mut().filter(|row| row.follower == NodeId::Follower(3)) {
        (row.acked_us, row.outcome) = (None, ReplicationOutcome::Timeout);
    }
    let lag = Lag::of(&run);
    assert_eq!((lag.n, lag.never_everywhere, lag.not_exact), (1, Bounds::exactly(1), 0));
    assert_eq!((lag.figures.mean, lag.figures.median, lag.figures.max_ms), (None, None, None));
    assert_eq!((lag.at_latest, lag.behind_at_ack), (None, Some(Bounds::exactly(0.2))));
}

#[test]
fn an_acknowledgement_proves_the_arrival_of_which_the_trace_died_with_its_follower() {
    // f4 had it by 21 ms, when it acknowledged; f1 is the last, at 50 ms.
    let mut run = run(1, 30);
    run.arrivals.retain(|row| row.follower != NodeId::Follower(3));
    let f4 = run.replication.iter_mut().find(|row| row.follower == NodeId::Follower(3)).unwrap();
    f4.acked_us = f4.acked_us.map(|at_us| at_us + TimeSpan::new(1_000));
    let lag = Lag::of(&run);
    assert_eq!((lag.n, lag.never_everywhere, lag.figures.max_ms), (1, Bounds::exactly(0), Some(20.0)));
    assert_eq!((lag.behind_at_ack, lag.at_latest), (Some(Bounds::exactly(0.4)), None));
    run.faults = vec![kill("f4", 100_000), restart("f4", 200_000)];
    let figures = |lag: &Lag| (lag.n, lag.never_everywhere, lag.figures, lag.at_latest, lag.behind_at_ack);
    assert_eq!(figures(&Lag::of(&run)), figures(&lag));
    // Brought to it again after its restart, it does not count as late.
    let late = ArrivalRow {
        follower: NodeId::Follower(3),
        version: Version::new(1),
        key: "k3".into(),
        applied: true,
        at_us: Micros::new(900_000),
        catch_up: false,
    };
    run.arrivals.push(late);
    assert_eq!(figures(&Lag::of(&run)), figures(&lag));
}

#[test]
fn what_the_trace_forgot_is_bounded_from_both_sides() {
    let mut run = run(1, 10);
    run.arrivals.retain(|row| row.follower != NodeId::Follower(3));
    run.replication.retain(|row| row.follower != NodeId::Follower(3));
    let lag = Lag::of(&run);
    assert_eq!((lag.n, lag.not_exact, lag.never_everywhere), (1, 1, Bounds { lower: 0, upper: 1 }));
    assert_eq!(lag.ends(|figures| figures.max_ms), (Some(40.0), None));
    assert_eq!(lag.behind_at_ack, Some(Bounds { lower: 0.6, upper: 0.8 }));
}

#[test]
fn writes_that_were_not_acknowledged_do_not_count() {
    let mut run = run(1, 10);
    run.writes[0].outcome = WriteOutcome::Failed;
    let lag = Lag::of(&run);
    assert_eq!((lag.n, lag.not_exact, lag.behind_at_ack, lag.behind_at_last_ack), (0, 0, None, None));
}

/// After a leader's crash the followers' own traces still say what never came.
#[test]
fn what_never_reached_every_follower_is_later_than_all_that_did() {
    let delays = [50_000, 10_000, 40_000, 20_000, 30_000];
    let run = (0..10).fold(RunBuilder::new(1), |run, write| run.write_with_delays(write, 10_000, &delays));
    let mut run = run.build();
    run.replication.clear();
    run.arrivals.retain(|row| row.version <= Version::new(6) || row.follower != NodeId::Follower(0));
    let lag = Lag::of(&run);
    assert_eq!((lag.n, lag.never_everywhere, lag.not_exact), (10, Bounds::exactly(4), 0));
    let median_ms = lag.figures.median.map(|median| median.value_ms);
    assert_eq!((lag.figures.mean, median_ms, lag.figures.p95), (None, Some(40.0), None));
    assert_eq!(lag.at_latest, None);
    run.arrivals.retain(|row| row.version <= Version::new(4) || row.follower != NodeId::Follower(0));
    assert_eq!(Lag::of(&run).figures.median, None);
}

#[test]
fn the_version_comes_from_the_trace_where_the_answer_had_none() {
    let mut run = run(1, 10);
    run.writes[0].version = None;
    assert_eq!(Lag::of(&run).n, 1);
}

#[test]
fn beyond_the_followers_there_is_no_prediction() {
    let lag = Lag::of(&run(6, 10));
    assert_eq!((lag.predicted, lag.predicted_behind), (None, None));
    assert_eq!(lag.not_predicted, Some(NotPredicted::QuorumBeyondFollowers));
}

#[test]
fn lags_that_hang_together_have_no_interval_as_if_they_did_not() {
    let run = |lag_ms: fn(u64) -> u64| {
        let delays = |write| [1_000, 1_000, 1_000, 1_000, 1_000 + lag_ms(write) * 1_000];
        let run = (0..100).fold(RunBuilder::new(1), |run, write| run.write_with_delays(write, 1_000, &delays(write)));
        Lag::of(&run.build())
    };
    let scattered = run(|write| write * 37 % 100);
    assert!(!scattered.dependence.is_dependent);
    // The writes during a cut all wait for its end.
    let cut = run(|write| if (30..60).contains(&write) { (60 - write) * 50 } else { write * 37 % 100 });
    assert!(cut.dependence.is_dependent, "{:?}", cut.dependence);
    let width = |lag: &Lag| {
        let interval = lag.figures.mean.unwrap().interval_ms;
        Some(interval.upper? - interval.lower?)
    };
    let plain_ms = 2.0 * 1.984 * cut.figures.mean.unwrap().value_ms / 10.0;
    assert!(width(&cut).is_none_or(|width_ms| width_ms > plain_ms), "{:?}", cut.figures);
}

/// Writes during a partition: none of the lags is as the injected delays alone foretell.
#[test]
fn a_fault_leaves_no_prediction_but_for_a_follower_slow_all_along() {
    use crate::config::{Fault, FaultKind, Slow, Trigger};
    let mut slow = RunBuilder::new(2)
        .configure(|config| {
            let kind = FaultKind::Slow(Slow { delay_ms: 900 });
            config.faults = vec![Fault { at: Trigger::Write(0), node: "f3".parse().unwrap(), kind, until: None }];
        })
        .build();
    slow.faults = vec![fault("f3", FaultEvent::Slow, -5)];
    let lag = Lag::of(&slow);
    // f3 comes last, 1400 ms after the start on average; W = 2 of the other four: 400 ms.
    assert!((lag.predicted.unwrap().mean_ms - 1_000.0).abs() < 5.0, "{:?}", lag.predicted);
    assert_eq!(lag.predicted_behind, Some(0.6));
    let mut cut = run(2, 10);
    cut.faults = vec![fault("f2", FaultEvent::Partition, 5)];
    let lag = Lag::of(&cut);
    assert_eq!((lag.predicted, lag.predicted_behind, lag.not_predicted), (None, None, Some(NotPredicted::Faults)));
}
