//! What checking and analysing a run costs: `cargo bench --bench checkers`.
//!
//! An analysis whose time grows faster than the number of writes shows in the ratio of its two rows.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod input;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use divan::{Bencher, Divan};
use labctl::analysis::{
    ArrivalFigures, Durability, Expected, ExperimentFigures, Lag, Latency, Outside, Overhead, RunConsistency,
    Staleness, Survival, claims,
};
use labctl::config::Probing;
use labctl::data::RunData;
use labctl::model::Quorum;

/// How many writes the analysed runs have.
const WRITES: [u32; 2] = [100, 10_000];

/// At this quorum the most copies diverge, and each needs its cause.
const QUORUM: Quorum = Quorum::constant(1);

/// How long one benchmark is repeated, unless `--max-time` says otherwise. 100 samples would take a slow one minutes.
const MAX_TIME: Duration = Duration::from_secs(2);

fn main() {
    Divan::default().max_time(MAX_TIME).config_with_args().main();
}

/// The run of the lab with this many writes, simulated once for all benchmarks.
fn run(writes: u32) -> &'static RunData {
    static RUNS: LazyLock<BTreeMap<u32, RunData>> = LazyLock::new(|| {
        WRITES.into_iter().map(|writes| (writes, input::simulated(&input::lab(writes), QUORUM))).collect()
    });
    RUNS.get(&writes).unwrap()
}

/// Whether the files of a run agree with each other.
#[divan::bench(args = WRITES)]
fn cross_check(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| run.cross_check());
}

/// Every follower against its leader, and the cause of each copy that differs.
#[divan::bench(args = WRITES)]
fn consistency(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| RunConsistency::of(run));
}

/// What the leader's death could have cost.
#[divan::bench(args = WRITES)]
fn durability(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Durability::of(run));
}

/// How stale reads from followers would have been, beside the prediction.
#[divan::bench(args = WRITES)]
fn staleness(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Staleness::of(run));
}

/// How long followers lagged behind acknowledgements, beside the prediction.
#[divan::bench(args = WRITES)]
fn lag(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Lag::of(run));
}

/// Lag, staleness and durability by one account of the copies, as the report computes them.
#[divan::bench(args = WRITES)]
fn arrivals(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| ArrivalFigures::of(run));
}

/// Latency with its intervals, beside the prediction.
#[divan::bench(args = WRITES)]
fn latency(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Latency::of(run));
}

/// Latency beyond the injected delays.
#[divan::bench(args = WRITES)]
fn overhead(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Overhead::of(run));
}

/// Acknowledged writes that are gone in the end.
#[divan::bench(args = WRITES)]
fn survival(bencher: Bencher<'_, '_>, writes: u32) {
    let run = run(writes);
    bencher.bench_local(|| Survival::of(run));
}

/// What the model expects, with as many trials as the report affords: fewer of larger runs.
#[divan::bench(args = WRITES)]
fn model(bencher: Bencher<'_, '_>, writes: u32) {
    let experiment = input::lab(writes);
    let trials = Expected::affordable_trials(&experiment).unwrap();
    bencher.bench_local(|| Expected::simulate(&experiment, QUORUM, trials));
}

/// What readers saw of the lab with 100 writes when followers were probed.
#[divan::bench]
fn outside(bencher: Bencher<'_, '_>) {
    let mut experiment = input::lab(100);
    experiment.reads.probe = Probing::On;
    let run = input::simulated(&experiment, QUORUM);
    bencher.bench_local(|| Outside::of(&run).unwrap());
}

/// The figures of the lab's five runs, with the model and the pairs of quorums.
#[divan::bench]
fn experiment(bencher: Bencher<'_, '_>) {
    let runs = lab_runs();
    bencher.bench_local(|| ExperimentFigures::of(&runs).unwrap());
}

/// Every claim, tested on the figures of the lab's five runs.
#[divan::bench]
fn all_claims(bencher: Bencher<'_, '_>) {
    let figures = ExperimentFigures::of(&lab_runs()).unwrap();
    bencher.bench_local(|| claims(&figures, &[]));
}

/// The lab's run at each of its quorums.
fn lab_runs() -> Vec<RunData> {
    let experiment = input::lab(100);
    experiment.quorums.iter().map(|quorum| input::simulated(&experiment, *quorum)).collect()
}
