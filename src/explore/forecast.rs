//! Runs held against the simulation of the same experiment and seed.

use tokio_util::sync::CancellationToken;

use crate::analysis::Forecast;
use crate::cluster::ClusterError;
use crate::data::{Manifest, RunData};
use crate::sim::simulate_direct;

/// Holds real runs, one a quorum, against the simulation of the same experiment and seed.
///
/// # Errors
/// As [`simulate_direct`].
pub fn forecast(runs: &[RunData], cancel: &CancellationToken) -> Result<Vec<Forecast>, ClusterError> {
    let one = |run: &RunData| {
        let Manifest { experiment, config, quorum, .. } = &run.manifest;
        Ok(Forecast::of(run, &simulate_direct(experiment, config, *quorum, cancel)?))
    };
    runs.iter().map(one).collect()
}
