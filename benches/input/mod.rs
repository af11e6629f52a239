//! What benchmarks work on: runs of the lab in virtual time. Their seed is fixed, so every machine measures the same runs.

use labctl::config::{Experiment, WriteCount};
use labctl::data::RunData;
use labctl::model::Quorum;
use labctl::sim::simulate_direct;
use tokio_util::sync::CancellationToken;

/// The default experiment with this many writes.
pub(crate) fn lab(writes: u32) -> Experiment {
    let mut experiment = Experiment::default();
    experiment.workload.writes = WriteCount::constant(writes);
    experiment
}

/// A run of the experiment whose trace is complete.
pub(crate) fn simulated(experiment: &Experiment, quorum: Quorum) -> RunData {
    let name = "quorum".parse().unwrap();
    let run = simulate_direct(&name, experiment, quorum, &CancellationToken::new()).unwrap();
    assert_eq!((run.writes.len(), run.manifest.trace_dropped), (experiment.workload.writes.get() as usize, 0));
    run
}
