#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::analysis::{
    Expected, Interval, Latency, Load, NotPredicted, Overhead, Prediction, RunConsistency, ok_latencies,
    write_overheads,
};
use crate::config::{KeyOrder, Pacing, Timeout};
use crate::data::{ReplicationOutcome, WriteOutcome, WriteRow};
use crate::model::{Key, LinkOrder, ReplicationOrder, Version, uniform_ms};

struct Silent;

impl Progress for Silent {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

fn quorum(w: i64) -> Quorum {
    Quorum::try_from(w).unwrap()
}

/// The lab with ordered links.
fn ordered(seed: u64) -> Experiment {
    let mut experiment = Experiment { seed, ..Experiment::default() };
    experiment.network.link = Some(LinkOrder::Ordered);
    experiment
}

fn run(experiment: &Experiment, w: i64) -> RunData {
    simulate(&"quorum".parse().unwrap(), experiment, quorum(w), &Silent, &CancellationToken::new()).unwrap()
}

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn one_seed_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |name: &str| {
        let path = folder.path().join(name);
        run(&Experiment::default(), 3).save(&path).unwrap();
        files(&path)
    };
    let first = saved("here");
    assert_eq!(first.len(), 22);
    assert_eq!(first, saved("there/W3"));
    assert_eq!(RunData::load(&folder.path().join("here")).unwrap().writes.len(), 100);
    assert_ne!(run(&Experiment { seed: 43, ..Experiment::default() }, 3).writes, run(&Experiment::default(), 3).writes);
}

#[test]
fn half_a_minute_of_virtual_time_takes_no_time() {
    let start = Instant::now();
    let virtual_time: TimeSpan = (1..=5).map(|w| run(&Experiment::default(), w).manifest.wall_us).sum();
    assert!(virtual_time > TimeSpan::new(25_000_000), "{virtual_time}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_write_takes_exactly_its_wth_smallest_delay() {
    for w in 1..=5 {
        let overheads = write_overheads(&run(&Experiment::default(), w));
        assert_eq!(overheads.len(), 100, "W = {w}");
        assert!(overheads.iter().all(|write| write.overhead_us == Micros::ZERO), "W = {w}");
    }
}

#[test]
fn the_divergence_of_the_committed_experiment_is_known() {
    let diverged = |w| {
        let run = run(&Experiment::default(), w);
        assert!(run.manifest.settled);
        RunConsistency::of(&run).settled.total.differing()
    };
    assert_eq!((1..=5).map(diverged).collect::<Vec<_>>(), [18, 11, 7, 1, 0]);
}

#[test]
fn followers_that_compare_versions_never_diverge() {
    let mut experiment = Experiment::default();
    experiment.network.order = ReplicationOrder::Version;
    assert_eq!(RunConsistency::of(&run(&experiment, 1)).settled.total.differing(), 0);
}

#[test]
fn followers_behind_ordered_links_never_diverge_and_copies_arrive_in_the_order_of_versions() {
    for seed in 0..40 {
        let experiment = ordered(seed);
        let w = i64::from(u32::try_from(seed % 5).unwrap()) + 1;
        let run = simulate_direct(&"ordered".parse().unwrap(), &experiment, quorum(w), &CancellationToken::new());
        let run = run.unwrap();
        assert!(run.manifest.settled);
        assert_eq!(RunConsistency::of(&run).settled.total.differing(), 0, "seed {seed}, W = {w}");
        for follower in NodeId::followers(experiment.followers) {
            let arrived = run.arrivals.iter().filter(|row| row.follower == follower).map(|row| row.version);
            assert!(arrived.eq((1..=100).map(Version::new)), "seed {seed}, W = {w}, {follower}");
        }
    }
}

#[test]
fn the_prediction_of_ordered_links_is_what_the_nodes_own_code_does_over_many_seeds() {
    const SEEDS: u64 = 60;
    for (w, ack_delay) in [(1, None), (3, Some("uniform(0,200)")), (5, None)] {
        let with = |seed| {
            let mut experiment = ordered(seed);
            experiment.network.ack_delay = ack_delay.map(|text| text.parse().unwrap());
            experiment
        };
        let prediction = Prediction::new(&with(42), quorum(w)).unwrap().figures();
        let (error_ms, spread) = (prediction.simulated.unwrap().mean_standard_error_ms, prediction.run_spread.unwrap());
        let means: Vec<f64> = (1_000..1_000 + SEEDS)
            .map(|seed| {
                let name = "ordered".parse().unwrap();
                let run = simulate_direct(&name, &with(seed), quorum(w), &CancellationToken::new()).unwrap();
                ok_latencies(&run).mean_ms().unwrap()
            })
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|each| (each - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error_ms = (error_ms.powi(2) + variance / n).sqrt();
        assert!((mean - prediction.mean_ms).abs() < 4.0 * error_ms, "W = {w}: {mean} {prediction:?}");
        let Interval { lower, upper } = spread.mean_ms;
        let within = means.iter().filter(|each| (lower.unwrap()..=upper.unwrap()).contains(each)).count();
        // 57 of 60 are expected; 48 or fewer happen once in 10,000 tries.
        assert!(within > 48, "W = {w}: {within} of 60 in {spread:?}");
    }
}

#[test]
fn an_ordered_link_makes_each_write_take_the_wth_smallest_of_departure_less_entry() {
    for w in 1..=5 {
        let mut experiment = ordered(42);
        experiment.network.ack_delay = Some("uniform(0,50)".parse().unwrap());
        let overheads = write_overheads(&run(&experiment, w));
        assert_eq!(overheads.len(), 100, "W = {w}");
        assert!(overheads.iter().all(|write| write.overhead_us == Micros::ZERO), "W = {w}");
    }
}

#[test]
fn without_delays_nothing_takes_time() {
    let mut experiment = Experiment::default();
    experiment.network.delay = uniform_ms(0, 0).unwrap();
    experiment.workload.writes = 2_000.try_into().unwrap();
    experiment.workload.concurrency = 64.try_into().unwrap();
    let run = run(&experiment, 3);
    assert!(run.writes.iter().all(|row| row.outcome == WriteOutcome::Ok && row.latency_us == TimeSpan::ZERO));
    assert_eq!((run.arrivals.len(), run.manifest.wall_us), (10_000, TimeSpan::ZERO));
}

#[test]
fn the_limits_hold_in_virtual_time_and_the_log_tells() {
    let mut experiment = Experiment::default();
    experiment.network.replication_timeout_s = Timeout::try_from(0.5).unwrap();
    let run = run(&experiment, 5);
    assert!(run.writes.iter().any(|row| row.outcome == WriteOutcome::Failed && row.http_status == Some(503)));
    for row in &run.replication {
        let in_time = row.delay_us <= TimeSpan::new(500_000);
        assert_eq!(row.outcome == ReplicationOutcome::Acked, in_time, "{row:?}");
    }
    let log = String::from_utf8(run.logs["leader"].clone()).unwrap();
    assert!(log.contains("WARN replication to http://f1:8000 fails: timed out\n"), "{log}");
}

#[test]
fn a_cancelled_simulation_ends() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let name = "quorum".parse().unwrap();
    let ended = simulate(&name, &Experiment::default(), quorum(1), &Silent, &cancel);
    assert!(matches!(ended, Err(SimError::Interrupted)));
}

#[test]
fn messages_and_http_give_the_same_run() {
    let name = "quorum".parse().unwrap();
    let mut late = Experiment::default();
    late.network.replication_timeout_s = Timeout::try_from(0.5).unwrap();
    late.network.global_request_timeout_s = Timeout::try_from(0.4).unwrap();
    let mut at_once = Experiment::default();
    at_once.network.delay = uniform_ms(0, 0).unwrap();
    at_once.workload.concurrency = 64.try_into().unwrap();
    let mut batch = Experiment::default();
    batch.workload.pacing = Pacing::Batch;
    for (experiment, w) in [(Experiment::default(), 2), (late, 4), (at_once, 3), (batch, 5), (ordered(42), 3)] {
        let mut routed = run(&experiment, w);
        routed.logs.insert("leader".to_owned(), Vec::new());
        assert_eq!(routed, simulate_direct(&name, &experiment, quorum(w), &CancellationToken::new()).unwrap());
    }
}

/// The lab in an open loop of 200 writes a second, whose keys are drawn.
fn open_loop() -> Experiment {
    let mut experiment = Experiment::default();
    experiment.workload.writes = 400.try_into().unwrap();
    experiment.workload.concurrency = 1_000.try_into().unwrap();
    experiment.workload.pacing = Pacing::Open;
    experiment.workload.rate_per_s = Some(200.try_into().unwrap());
    experiment.workload.key_order = KeyOrder::Zipf;
    experiment
}

#[test]
fn a_write_of_an_open_loop_starts_at_its_time_with_its_key_at_every_quorum() {
    let experiment = open_loop();
    let (starts, keys) = (experiment.workload.intended_starts(42).unwrap(), experiment.workload.key_numbers(42));
    for w in [1, 5] {
        let run = run(&experiment, w);
        for ((row, start_us), key) in run.writes.iter().zip(&starts).zip(&keys) {
            assert_eq!(
                (row.start_us, row.sent_us, &row.key),
                (*start_us, Some(*start_us), &Key::from(format!("k{key}")))
            );
        }
        // Nothing but its own delays holds a write up.
        assert!(write_overheads(&run).iter().all(|write| write.overhead_us == Micros::ZERO), "W = {w}");
        let latency = Latency::of(&run);
        let (mean, predicted) = (latency.mean.unwrap(), latency.predicted.unwrap().mean_ms);
        assert!(mean.interval_ms.lower.unwrap() < predicted && predicted < mean.interval_ms.upper.unwrap(), "{mean:?}");
    }
}

#[test]
fn a_pool_that_is_too_small_holds_writes_up_and_nothing_is_predicted() {
    let mut experiment = open_loop();
    experiment.workload.concurrency = 20.try_into().unwrap();
    let run = run(&experiment, 5);
    let latency = Latency::of(&run);
    assert_eq!((latency.predicted, latency.not_predicted), (None, Some(NotPredicted::HeldUp)));
    let load = Load::of(&run, &Overhead::of(&run)).unwrap().open_loop.unwrap();
    assert!(load.held_up > 300 && load.is_late && load.late_max_ms > 5_000.0, "{load:?}");
}

#[test]
fn the_model_plays_an_open_loop_as_the_simulation_does() {
    for concurrency in [1_000, 20] {
        let mut experiment = open_loop();
        experiment.workload.concurrency = concurrency.try_into().unwrap();
        let expected = Expected::simulate(&experiment, quorum(3), 200);
        let run = run(&experiment, 3);
        let pairs = RunConsistency::of(&run).settled.total;
        assert_eq!(expected.pairs, pairs.pairs());
        let load_ms = run.manifest.load_us.as_ms();
        // One run is one draw of the model.
        assert!(
            expected.load_ms.low * 0.95 < load_ms && load_ms < expected.load_ms.high * 1.05,
            "{load_ms} {expected:?}"
        );
        let diverged = pairs.differing() as f64;
        assert!((expected.diverged.low..=expected.diverged.high).contains(&diverged), "{diverged} {expected:?}");
    }
}

#[test]
fn theory_of_ordered_links_plays_the_moments_of_an_open_loop() {
    let mut experiment = open_loop();
    experiment.network = ordered(42).network;
    let run = run(&experiment, 3);
    let latency = Latency::of(&run);
    let (mean, predicted) = (latency.mean.unwrap().value_ms, latency.predicted.unwrap());
    let spread = predicted.run_spread.unwrap().mean_ms;
    assert!(spread.lower.unwrap() <= mean && mean <= spread.upper.unwrap(), "{mean} {predicted:?}");
}
