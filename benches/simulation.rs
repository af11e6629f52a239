//! What a run in virtual time costs: `cargo bench --bench simulation`.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use divan::Bencher;
use labctl::config::Experiment;
use labctl::data::{RunData, WriteRow};
use labctl::load::Progress;
use labctl::model::{LinkOrder, Quorum};
use labctl::sim::{simulate, simulate_and, simulate_direct};
use tokio_util::sync::CancellationToken;

fn main() {
    divan::main();
}

/// Progress that is not shown.
struct Unwatched;

impl Progress for Unwatched {
    fn write_done(&self, _: &WriteRow) {}
    fn settling(&self, _: u64) {}
}

/// Runs one quorum as `labctl run --backend sim` does.
fn run(experiment: &Experiment, quorum: u32) -> RunData {
    let name = "quorum".parse().unwrap();
    simulate(&name, experiment, Quorum::constant(quorum), &Unwatched, &CancellationToken::new()).unwrap()
}

/// One quorum of the default experiment: 100 writes to five followers, all messages by HTTP.
#[divan::bench(args = [1, 2, 3, 4, 5])]
fn lab(bencher: Bencher<'_, '_>, quorum: u32) {
    let experiment = Experiment::default();
    bencher.bench_local(|| run(&experiment, quorum));
}

/// The same at W = 3, over links that keep the order of writes.
#[divan::bench]
fn lab_with_ordered_links(bencher: Bencher<'_, '_>) {
    let mut experiment = Experiment::default();
    experiment.network.link = Some(LinkOrder::Ordered);
    bencher.bench_local(|| run(&experiment, 3));
}

/// The lab at W = 3 without HTTP, as `labctl run` foresees a real run.
#[divan::bench]
fn lab_without_http(bencher: Bencher<'_, '_>) {
    let (name, experiment, quorum) = ("quorum".parse().unwrap(), Experiment::default(), Quorum::constant(3));
    bencher.bench_local(|| simulate_direct(&name, &experiment, quorum, &CancellationToken::new()).unwrap());
}

/// The same without a trace of the leader, as `labctl explore` simulates many runs.
#[divan::bench]
fn lab_explored(bencher: Bencher<'_, '_>) {
    let (name, experiment, quorum) = ("quorum".parse().unwrap(), Experiment::default(), Quorum::constant(3));
    let writes = |run: &RunData| run.writes.len();
    bencher.bench_local(|| {
        simulate_and(&name, &experiment, quorum, &CancellationToken::new(), |run, _, _| writes(run)).unwrap()
    });
}
