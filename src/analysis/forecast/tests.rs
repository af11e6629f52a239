#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::*;
use crate::analysis::fixture::{Planned, RunBuilder, right_leader};
use crate::model::{NodeId, WriteId};

/// Two writes of k0 at W = 1 that reach f1 at these times; f2 to f5 get them in their order.
fn two_writes(starts_us: [u64; 2], arrivals_us: [u64; 2]) -> RunData {
    let write = |write: usize| Planned {
        write: write as u64,
        key: "k0".to_owned(),
        start_us: starts_us[write],
        latency_us: None,
        delays_us: [arrivals_us[write] - starts_us[write], 5_000, 5_000, 5_000, 5_000].to_vec(),
        lost: BTreeMap::new(),
    };
    RunBuilder::new(1).write(write(0)).write(write(1)).build()
}

#[test]
fn a_run_is_as_foreseen_by_itself() {
    let run = RunBuilder::new(1).load(right_leader).build();
    let forecast = Forecast::of(&run, &run.as_forecast());
    assert_eq!((forecast.quorum, forecast.other_delays), (1, 0));
    let LatencyForecast { n, other_outcome, near, p50, greatest_ms, .. } = forecast.latency;
    assert_eq!((n, other_outcome, near, greatest_ms), (100, 0, 100, Some(0.0)));
    assert_eq!(p50.unwrap().value_ms, 0.0);
    let PairForecast { n, agreeing, diverged, foreseen, jitter_ms, surprises } = forecast.pairs;
    assert_eq!((n, agreeing, jitter_ms, surprises), (50, 50, Some(0.0), Vec::new()));
    assert!(diverged > 0 && diverged == foreseen);
}

#[test]
fn a_swap_of_close_arrivals_is_a_surprise_with_its_race() {
    // Foreseen: write 0 reaches f1 at 30.0 ms, write 1 at 30.4 ms. Measured: 31.5 and 31.2 ms.
    let foreseen = two_writes([0, 1_000], [30_000, 30_400]);
    let measured = two_writes([0, 1_200], [31_500, 31_200]);
    let PairForecast { n, agreeing, diverged, foreseen, jitter_ms, surprises } =
        Forecast::of(&measured, &foreseen.as_forecast()).pairs;
    assert_eq!((n, agreeing, diverged, foreseen), (5, 4, 0, 0));
    // f2 to f5 have their arrivals 1.0 and 1.2 ms apart, f1's distance changed by 0.7 ms.
    assert!((jitter_ms.unwrap() - (0.2 + 0.96 * 0.5)).abs() < 1e-9, "{jitter_ms:?}");
    let surprise = Surprise {
        follower: NodeId::Follower(0),
        key: "k0".to_owned(),
        measured: CellState::Stale,
        foreseen: CellState::Match,
        race: Some(Race {
            node: NodeId::Follower(0),
            last: WriteId::new(0),
            foreseen_last: WriteId::new(1),
            foreseen_gap_ms: 0.4,
            gap_ms: 0.3,
            within_jitter: false,
        }),
    };
    assert_eq!(surprises, [surprise]);
}

#[test]
fn a_swap_of_requests_is_a_race_at_the_leader() {
    // f1 ends with write 1 either way; the leader with write 1, or with write 0.
    let foreseen = two_writes([0, 100], [30_000, 40_000]);
    let measured = two_writes([150, 100], [30_000, 40_000]);
    let surprises = Forecast::of(&measured, &foreseen.as_forecast()).pairs.surprises;
    assert_eq!(surprises.len(), 1);
    assert_eq!((surprises[0].measured, surprises[0].foreseen), (CellState::Stale, CellState::Match));
    let race = surprises[0].race.as_ref().unwrap();
    assert_eq!((race.node, race.last.get(), race.foreseen_last.get()), (NodeId::Leader, 0, 1));
    assert_eq!((race.foreseen_gap_ms, race.gap_ms), (0.1, 0.05));
}

/// `two_writes`, with as many writes of other keys whose distance the network changed by 10.75 ms.
fn with_jitter(mut run: RunData, moved_us: i64) -> RunData {
    let mut others = run.clone();
    others.arrivals.retain(|row| row.follower == NodeId::Follower(1));
    for (i, row) in others.arrivals.iter_mut().enumerate() {
        row.follower = NodeId::Follower(2);
        row.at_us += if i == 1 { Micros::new(moved_us) } else { Micros::ZERO };
    }
    run.arrivals.retain(|row| row.follower != NodeId::Follower(2));
    run.arrivals.extend(others.arrivals);
    run
}

#[test]
fn an_order_that_was_kept_explains_nothing_however_small_the_change() {
    // Write 1 was to come 470.4 ms after write 0 and came 474.9 ms after it, yet f1 holds write 0:
    // the distance changed by 4.5 ms where the jitter is near 10.75.
    let foreseen = with_jitter(two_writes([0, 1_000], [30_000, 500_400]), 0);
    let mut measured = with_jitter(two_writes([0, 1_000], [30_000, 504_900]), 11_000);
    let f1 = measured.settled.get_mut(&NodeId::Follower(0)).unwrap();
    f1.store.insert("k0".to_owned(), "v0".to_owned());
    f1.versions.insert("k0".to_owned(), 1);
    let pairs = Forecast::of(&measured, &foreseen.as_forecast()).pairs;
    assert!((10.5..11.0).contains(&pairs.jitter_ms.unwrap()), "{:?}", pairs.jitter_ms);
    let race = pairs.surprises[0].race.as_ref().unwrap();
    assert_eq!((race.last.get(), race.foreseen_last.get(), race.gap_ms, race.foreseen_gap_ms), (0, 1, -474.9, 470.4));
    assert!(!race.within_jitter);
    // A true swap of two that were close is explained.
    let foreseen = with_jitter(two_writes([0, 1_000], [30_000, 32_000]), 0);
    let measured = with_jitter(two_writes([0, 1_000], [33_000, 32_000]), 11_000);
    let race = Forecast::of(&measured, &foreseen.as_forecast()).pairs.surprises[0].race.clone().unwrap();
    assert_eq!((race.gap_ms, race.foreseen_gap_ms, race.within_jitter), (1.0, 2.0, true));
}

#[test]
fn latencies_are_compared_write_by_write() {
    let foreseen = RunBuilder::new(2).load(right_leader).build();
    let mut measured = foreseen.clone();
    measured.writes[0].latency_us += TimeSpan::new(10_000);
    measured.writes[1].latency_us += TimeSpan::new(10_001);
    measured.writes[2].latency_us = TimeSpan::new(measured.writes[2].latency_us.get() - 30);
    measured.writes[3].outcome = WriteOutcome::Failed;
    let latency = Forecast::of(&measured, &foreseen.as_forecast()).latency;
    assert_eq!((latency.n, latency.other_outcome, latency.near), (99, 1, 98));
    assert_eq!(latency.greatest_ms, Some(10.001));
    assert_eq!(latency.p50.unwrap().value_ms, 0.0);
}

#[test]
fn another_experiment_is_noticed() {
    let run = RunBuilder::new(1).load(right_leader).build();
    let other = RunBuilder::new(1).configure(|config| config.seed = 1).load(right_leader).build();
    assert!(Forecast::of(&run, &other.as_forecast()).other_delays > 400);
}
