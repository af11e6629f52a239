//! Runs held against the simulation of the same experiment and seed.

use tokio_util::sync::CancellationToken;

use crate::analysis::Forecast;
use crate::data::{Manifest, RunData};
use crate::sim::SimError;
use crate::sim::foresee;

/// Holds real runs, one a quorum, against the simulation of the same experiment and seed: the
/// stored forecast, or a simulation made now if the run has none.
///
/// # Errors
/// As [`foresee`].
pub fn forecast(runs: &[RunData], cancel: &CancellationToken) -> Result<Vec<Forecast>, SimError> {
    let one = |run: &RunData| {
        if let Some(foreseen) = &run.forecast {
            return Ok(Forecast::of(run, foreseen));
        }
        let Manifest { experiment, config, quorum, .. } = &run.manifest;
        Ok(Forecast::of(run, &foresee(experiment, config, *quorum, cancel)?))
    };
    runs.iter().map(one).collect()
}
