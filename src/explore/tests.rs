#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::analysis::{Durability, Lag, RunConsistency, Staleness, ok_latencies};
use crate::config::{Experiment, Pacing, Timeout};
use crate::data::{DataError, RunData};
use crate::model::{LinkOrder, NodeId, Quorum, ReplicationOrder, uniform_ms};
use crate::sim::SimError;
use crate::sim::simulate_direct;

/// The lab at every quorum, one run each.
fn lab() -> Grid {
    let base = Experiment::default();
    Grid {
        name: "quorum".parse().unwrap(),
        quorums: Vec::new(),
        followers: vec![base.followers],
        delays: vec![base.network.delay.clone()],
        ack_delays: vec![None],
        concurrencies: vec![base.workload.concurrency],
        keys: vec![base.workload.keys],
        writes: vec![base.workload.writes],
        orders: vec![base.network.order],
        links: vec![base.link_order()],
        pacings: vec![base.workload.pacing],
        seeds: 1,
        base,
    }
}

fn rows(points: &[Point], threads: usize) -> Vec<PointRow> {
    let cancel = CancellationToken::new();
    let work = Work { points, threads, cancel: &cancel, run_done: &|_| {} };
    let mut rows = Vec::new();
    explore(&work, |point, runs| {
        rows.push(PointRow::of(point, &runs).unwrap());
        Ok::<_, SimError>(())
    })
    .unwrap();
    rows
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + b.abs())
}

#[test]
fn a_run_comes_to_what_the_analysis_of_its_data_says() {
    let late = |experiment: &mut Experiment| {
        experiment.network.replication_timeout_s = Timeout::try_from(0.7).unwrap();
        experiment.network.global_request_timeout_s = Timeout::try_from(0.6).unwrap();
    };
    let versions = |experiment: &mut Experiment| experiment.network.order = ReplicationOrder::Version;
    let at_once = |experiment: &mut Experiment| experiment.network.delay = uniform_ms(0, 0).unwrap();
    let as_it_is = |_: &mut Experiment| {};
    let ordered = |experiment: &mut Experiment| experiment.network.link = Some(LinkOrder::Ordered);
    for change in [late as fn(&mut Experiment), versions, at_once, as_it_is, ordered] {
        let mut grid = lab();
        change(&mut grid.base);
        grid.links = vec![grid.base.link_order()];
        (grid.orders, grid.delays) = (vec![grid.base.network.order], vec![grid.base.network.delay.clone()]);
        for point in grid.points() {
            let cancel = CancellationToken::new();
            let outcome = RunOutcome::of(&point, 0, &cancel).unwrap();
            let run = simulate_direct(&point.name, &point.run(0), point.quorum, &cancel).unwrap();
            let (lag, durability, consistency) = (Lag::of(&run), Durability::of(&run), RunConsistency::of(&run));
            let w = point.quorum;

            let latencies: Vec<f64> = {
                let mut sorted = outcome.latencies_us.clone();
                sorted.sort_unstable();
                sorted.iter().map(|us| f64::from(*us) / 1000.0).collect()
            };
            assert_eq!(latencies, ok_latencies(&run).iter_ms().collect::<Vec<_>>(), "W = {w}");
            assert_eq!(outcome.ok() + outcome.failed + outcome.unknown, 100);
            let everywhere = lag.n - lag.never_everywhere.exact().unwrap();
            assert_eq!(outcome.lags_us.len() as u64, everywhere, "W = {w}");
            let mean_us = outcome.lags_us.iter().map(|us| f64::from(*us)).sum::<f64>() / everywhere as f64;
            assert!(lag.figures.mean.is_none_or(|mean| close(mean.value_ms, mean_us / 1000.0)), "W = {w}");
            assert!(
                lag.behind_at_ack
                    .is_none_or(|behind| close(behind.exact().unwrap(), 1.0 - outcome.fresh_at_ack.unwrap())),
                "W = {w}"
            );
            let read = &Staleness::of(&run).reads[0];
            let figures = PointFigures::of(std::slice::from_ref(&outcome), Predicted::default());
            let traced = read.from_trace.as_ref();
            assert_eq!(figures.t99_ms, traced.and_then(|of| of.p99).and_then(|after| after.ms), "W = {w}");
            assert_eq!(figures.t999_ms, traced.and_then(|of| of.p999).and_then(|after| after.ms), "W = {w}");
            assert_eq!(outcome.diverged, consistency.settled.total.differing());
            assert_eq!(outcome.behind, consistency.at_last_ack.total.differing());
            assert_eq!(outcome.pairs, 50);
            assert!(close(outcome.lost, durability.exposure[0].mean_writes.exact().unwrap()), "W = {w}");
            let lacking = durability.loss.random.mean_writes.exact().unwrap();
            assert!(close(outcome.lacking, lacking), "W = {w}: {} {lacking}", outcome.lacking);
            assert_eq!(outcome.losing > 0.0, durability.exposure[0].mean_writes.upper > 0.0);
            assert!((0.0..=1.0).contains(&outcome.losing));
        }
    }
}

#[test]
fn the_grid_is_the_product_of_its_axes_without_impossible_quorums() {
    let mut grid = lab();
    grid.followers = vec![3.try_into().unwrap(), 5.try_into().unwrap()];
    grid.orders = vec![ReplicationOrder::Arrival, ReplicationOrder::Version];
    assert_eq!(grid.points().len(), (3 + 5) * 2);
    // Independent links are those that a configuration without links has.
    let without: Vec<String> = grid.points().iter().map(|point| point.sha256().unwrap()).collect();
    grid.links = vec![LinkOrder::Independent, LinkOrder::Ordered];
    let with: Vec<String> = grid.points().iter().map(|point| point.sha256().unwrap()).collect();
    assert_eq!((with.len(), without.iter().filter(|sha256| with.contains(sha256)).count()), (32, 16));
    grid.links = vec![LinkOrder::Independent];
    grid.quorums = vec![1.try_into().unwrap(), 4.try_into().unwrap()];
    let points = grid.points();
    let at: Vec<_> = points.iter().map(|point| (point.experiment.followers.get(), point.quorum.get())).collect();
    assert_eq!(at, [(3, 1), (5, 1), (5, 4), (3, 1), (5, 1), (5, 4)]);
    let names: std::collections::BTreeSet<String> = points.iter().map(|point| point.sha256().unwrap()).collect();
    assert_eq!(names.len(), points.len());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut grid = lab();
    grid.seeds = 7;
    let points = grid.points();
    assert_eq!(rows(&points, 1), rows(&points, 5));
}

#[test]
fn divergence_is_that_of_theory() {
    // Mean divergent pairs of 50 at W = 1..5 over many independent runs.
    for (pacing, expected) in
        [(Pacing::Window, [23.1, 12.4, 6.2, 2.7, 0.6]), (Pacing::Batch, [8.9, 3.5, 1.2, 0.24, 0.0])]
    {
        let mut grid = lab();
        (grid.pacings, grid.seeds) = (vec![pacing], 40);
        for (row, expected) in rows(&grid.points(), 2).iter().zip(expected) {
            let PointFigures { diverged, diverged_se, mean_ms, mean_se_ms, predicted_mean_ms, .. } = row.figures;
            // Four standard errors, and half a digit of what is written above.
            assert!((diverged - expected).abs() <= 4.0 * diverged_se.unwrap() + 0.05, "{row:?}");
            // More than four standard errors at every W.
            let (t99_ms, predicted_t99_ms) = (row.figures.t99_ms.unwrap(), row.figures.predicted_t99_ms.unwrap());
            assert!((t99_ms - predicted_t99_ms).abs() <= 40.0, "{row:?}");
            assert!((mean_ms.unwrap() - predicted_mean_ms.unwrap()).abs() <= 4.0 * mean_se_ms.unwrap(), "{row:?}");
        }
    }
}

#[test]
fn a_cancelled_exploration_ends_and_a_failure_ends_it() {
    let mut grid = lab();
    grid.seeds = 1_000_000;
    let (points, cancel) = (grid.points(), CancellationToken::new());
    let stop = cancel.clone();
    let work = Work { points: &points, threads: 3, cancel: &cancel, run_done: &|_| stop.cancel() };
    assert!(matches!(explore(&work, |_, _| Ok(())), Err(SimError::Interrupted)));

    grid.seeds = 1;
    let (points, cancel) = (grid.points(), CancellationToken::new());
    let work = Work { points: &points, threads: 3, cancel: &cancel, run_done: &|_| {} };
    let failed = explore(&work, |_, _| Err(SimError::UnknownNode(NodeId::Leader)));
    assert!(matches!(failed, Err(SimError::UnknownNode(_))));
}

#[test]
fn results_are_found_again_and_a_cut_line_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(&lab().points(), 1);
    let mut results = ResultsFile::open(folder.path()).unwrap();
    rows.iter().for_each(|row| results.append(row.clone()).unwrap());
    let whole = fs::read(results.path()).unwrap();
    let last = rows.last().unwrap();
    assert_eq!(ResultsFile::open(folder.path()).unwrap().find(&last.conditions), Some(last));

    fs::write(results.path(), &whole[..whole.len() - 9]).unwrap();
    let mut again = ResultsFile::open(folder.path()).unwrap();
    assert_eq!(again.find(&last.conditions), None);
    again.append(last.clone()).unwrap();
    assert_eq!(fs::read(results.path()).unwrap(), whole);

    // A file from before links could be ordered gets their column.
    let text = String::from_utf8(whole.clone()).unwrap();
    let column = PointRow::COLUMNS.iter().position(|column| *column == "link").unwrap();
    let without = |line: &str| {
        let cells = line.split(',').enumerate().filter(|(index, _)| *index != column + usize::from(line.contains('"')));
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",") + "\n"
    };
    fs::write(results.path(), text.lines().map(without).collect::<String>()).unwrap();
    assert_eq!(ResultsFile::open(folder.path()).unwrap().find(&last.conditions), Some(last));
    assert_eq!(fs::read(results.path()).unwrap(), whole);

    fs::write(results.path(), "a,b\n1,2\n").unwrap();
    assert!(matches!(ResultsFile::open(folder.path()), Err(DataError::Invalid { line: 1, .. })));
}

#[test]
fn a_run_of_the_simulation_is_as_foreseen() {
    let runs: Vec<RunData> = [1, 4]
        .map(|w| {
            let quorum = Quorum::try_from(w).unwrap();
            simulate_direct(&"quorum".parse().unwrap(), &Experiment::default(), quorum, &CancellationToken::new())
                .unwrap()
        })
        .into();
    let forecasts = forecast(&runs, &CancellationToken::new()).unwrap();
    let pairs: Vec<_> = forecasts.iter().map(|one| (one.quorum, one.pairs.agreeing, one.pairs.diverged)).collect();
    assert_eq!(pairs, [(1, 50, 18), (4, 50, 1)]);
    assert!(forecasts.iter().all(|one| one.other_delays == 0 && one.latency.greatest_ms == Some(0.0)));
}
