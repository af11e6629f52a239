//! What the simulation foresees of a run of real nodes.

use tokio_util::sync::CancellationToken;

use super::{SimError, can_simulate, simulate_direct};
use crate::config::{Experiment, ExperimentName};
use crate::data::ForecastRow;
use crate::model::{LinkOrder, Quorum};

/// Most writes of a run that is foreseen: its `forecast.csv` then has at most 30,000 rows for five followers, and takes a tenth of a
/// second.
const MAX_FORESEEN_WRITES: u32 = 5_000;

/// Whether a forecast is kept with runs of this experiment: not if its system cannot run in virtual
/// time, nor if it breaks things, since the moments of faults shift every write after them, nor if
/// it is very large. Nor if links are ordered: the delay of a copy then depends on the slot in which it
/// enters, and so on the software's own time.
#[must_use]
pub fn is_foreseeable(experiment: &Experiment) -> bool {
    let is_ordered = experiment.link_order() == LinkOrder::Ordered;
    let is_small = experiment.workload.writes.get() <= MAX_FORESEEN_WRITES;
    can_simulate(experiment) && experiment.faults.is_empty() && !is_ordered && is_small
}

/// What becomes of each write of a run by the simulation of the same experiment and seed.
///
/// # Errors
/// As [`simulate_direct`].
pub fn foresee(
    name: &ExperimentName,
    experiment: &Experiment,
    quorum: Quorum,
    cancel: &CancellationToken,
) -> Result<Vec<ForecastRow>, SimError> {
    Ok(simulate_direct(name, experiment, quorum, cancel)?.as_forecast())
}
