#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::config::{Pacing, Timeout};
use crate::model::{ReplicationOrder, uniform_ms};

fn quorum(w: i64) -> Quorum {
    w.try_into().unwrap()
}

fn lab(pacing: Pacing) -> Experiment {
    let mut experiment = Experiment::default();
    experiment.workload.pacing = pacing;
    experiment
}

/// The issue prints means to one decimal or two: half a unit of that, and four standard errors.
fn assert_about(expectation: Expectation, expected: f64, printed: f64) {
    let tolerance = 4.0 * expectation.standard_error + printed;
    assert!((expectation.mean - expected).abs() <= tolerance, "{expectation:?} is not {expected}");
}

#[test]
fn a_window_diverges_as_the_issue_says() {
    for (w, expected) in (1..).zip([23.1, 12.4, 6.2, 2.7, 0.6]) {
        let simulated = Expected::simulate(&lab(Pacing::Window), quorum(w), 2_000);
        assert_about(simulated.diverged, expected, 0.05);
        assert_eq!((simulated.trials, simulated.pairs), (2_000, 50));
    }
}

#[test]
fn a_window_diverges_even_at_w_n_in_44_per_cent_of_runs() {
    let simulated = Expected::simulate(&lab(Pacing::Window), quorum(5), 4_000);
    let error = (simulated.chance_of_any - 0.44).abs();
    assert!(error <= 4.0 * simulated.chance_standard_error + 0.005, "{}", simulated.chance_of_any);
}

#[test]
fn a_barrier_diverges_as_the_issue_says() {
    for (w, expected) in (1..).zip([8.9, 3.5, 1.2]) {
        assert_about(Expected::simulate(&lab(Pacing::Batch), quorum(w), 2_000).diverged, expected, 0.05);
    }
    let at_n = Expected::simulate(&lab(Pacing::Batch), quorum(5), 2_000);
    assert_eq!((at_n.diverged.high, at_n.chance_of_any), (0.0, 0.0));
}

#[test]
fn a_barrier_at_four_diverges_as_its_integral_says() {
    // Only a write's slowest copy can come after the next batch has started. In units of the
    // delay, a batch lasts as long as the greatest of ten fourth order statistics, each with
    // distribution F; the slowest copy arrives t after its start, and the next write's copy
    // is there by then with chance t less the batch: 10 * int 5 t^4 (1 - t) F(t)^9 dt.
    let steps = 10_000;
    let integrand = |t: f64| 50.0 * t.powi(4) * (1.0 - t) * (5.0 * t.powi(4) - 4.0 * t.powi(5)).powi(9);
    let exact: f64 = (0..steps).map(|i| integrand((f64::from(i) + 0.5) / f64::from(steps)) / f64::from(steps)).sum();
    assert!((exact - 0.2257).abs() < 0.0001, "{exact}");
    assert_about(Expected::simulate(&lab(Pacing::Batch), quorum(4), 4_000).diverged, exact, 0.0);
}

#[test]
fn version_order_never_diverges_but_lags() {
    let mut experiment = lab(Pacing::Window);
    experiment.network.order = ReplicationOrder::Version;
    let simulated = Expected::simulate(&experiment, quorum(1), 200);
    assert_eq!(simulated.chance_of_any, 0.0);
    assert!(simulated.behind_at_last_ack.low > 0.0);
}

#[test]
fn latency_is_the_order_statistics_mean() {
    for w in 1..=5 {
        let latency = Expected::simulate(&lab(Pacing::Window), quorum(w), 500).mean_latency_ms.unwrap();
        assert_about(latency, w as f64 * 1000.0 / 6.0, 0.0);
    }
}

#[test]
fn no_one_is_behind_at_the_last_ack_of_a_barrier_at_w_n() {
    let simulated = Expected::simulate(&lab(Pacing::Batch), quorum(5), 100);
    assert_eq!(simulated.behind_at_last_ack.high, 0.0);
    // Ten batches, each as slow as the slowest of fifty uniform delays.
    assert_about(simulated.load_ms, 10.0 * 1000.0 * 50.0 / 51.0, 0.0);
}

#[test]
fn delays_beyond_the_time_limit_lose_copies_and_fail_writes() {
    let mut experiment = lab(Pacing::Batch);
    experiment.network.delay = uniform_ms(0, 2000).unwrap();
    experiment.network.replication_timeout_s = Timeout::try_from(1.0).unwrap();
    let simulated = Expected::simulate(&experiment, quorum(5), 300);
    // A key ends diverged where the copy of its last write is lost: every second one.
    assert_about(simulated.diverged, 25.0, 0.0);
    // Nearly every batch holds a write that gives up after a second.
    assert!(simulated.load_ms.high <= 10_000.0 && simulated.load_ms.low > 9_900.0);
}

#[test]
fn a_constant_delay_keeps_the_order() {
    let mut experiment = lab(Pacing::Window);
    experiment.network.delay = uniform_ms(5, 5).unwrap();
    let simulated = Expected::simulate(&experiment, quorum(1), 10);
    assert_eq!((simulated.chance_of_any, simulated.mean_latency_ms.unwrap().mean), (0.0, 5.0));
}

#[test]
fn edges_of_the_quorum_and_the_workload() {
    let mut experiment = lab(Pacing::Window);
    let impossible = Expected::simulate(&experiment, quorum(6), 10);
    assert_eq!((impossible.mean_latency_ms, impossible.load_ms.mean), (None, 0.0));
    let asynchronous = Expected::simulate(&experiment, quorum(0), 10);
    assert_eq!(asynchronous.mean_latency_ms.unwrap().mean, 0.0);
    assert_eq!(asynchronous.behind_at_last_ack.low, 50.0);
    experiment.workload.writes = 1.try_into().unwrap();
    let single = Expected::simulate(&experiment, quorum(3), 0);
    assert_eq!((single.trials, single.pairs, single.chance_of_any), (1, 5, 0.0));
}

#[test]
fn the_same_experiment_gives_the_same_figures_and_another_seed_others() {
    let mut experiment = lab(Pacing::Window);
    let first = Expected::simulate(&experiment, quorum(2), 50);
    assert_eq!(first, Expected::simulate(&experiment, quorum(2), 50));
    experiment.seed += 1;
    assert_ne!(first, Expected::simulate(&experiment, quorum(2), 50));
}

#[test]
fn trials_are_as_many_as_can_be_afforded() {
    let mut experiment = Experiment::default();
    assert_eq!(Expected::affordable_trials(&experiment), Some(2_000));
    experiment.workload.writes = 20_000.try_into().unwrap();
    assert_eq!(Expected::affordable_trials(&experiment), Some(40));
    experiment.workload.writes = 10_000_000.try_into().unwrap();
    assert_eq!(Expected::affordable_trials(&experiment), None);
}
