//! What the software of a system adds to the network's delays, in the form that its runs allow.

use serde::Serialize;

use super::known::Known;
use crate::analysis::bounds::Bounds;
use crate::analysis::run_figures::RunFigures;
use crate::analysis::theory::PredictionMethod;

/// The time that a system adds to what the network takes: its own work, and what writes wait for each other.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OwnCost {
    /// What it rests on.
    pub basis: OwnCostBasis,
    /// The time in milliseconds, between two ends where chance in the delays is not told apart from it.
    pub ms: Bounds<f64>,
}

/// What the time that a system adds is known from.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnCostBasis {
    /// The median latency less the W-th smallest delay, which never changes.
    ConstantDelay,
    /// The median of each write's latency less the W-th smallest of its own delays.
    WriteByWrite,
    /// The mean latency less the middle 95 % of the means of simulated runs, whose software takes no time.
    SimulatedRuns,
}

impl OwnCost {
    /// Of one run.
    pub(super) fn of(figures: &RunFigures) -> Known<Self> {
        let latency = &figures.latency;
        let known = |basis, ms| Known::Value(Self { basis, ms });
        let Some(predicted) = latency.predicted else {
            let why = || latency.not_predicted.map_or_else(String::new, |why| format!("nothing is predicted: {why}"));
            return Known::or(Self::write_by_write(figures), why);
        };
        if let (PredictionMethod::Exact, Some(median)) = (predicted.method, latency.median) {
            return known(OwnCostBasis::ConstantDelay, Bounds::exactly(median.value_ms - predicted.median_ms));
        }
        let ends = predicted.run_spread.and_then(|spread| spread.mean_ms.lower.zip(spread.mean_ms.upper));
        if let (Some((lower, upper)), Some(mean)) = (ends, latency.mean) {
            let ms = Bounds { lower: mean.value_ms - upper, upper: mean.value_ms - lower };
            return known(OwnCostBasis::SimulatedRuns, ms);
        }
        let why = || "the delays that each write met are not known, nor how far chance in them goes".to_owned();
        Known::or(Self::write_by_write(figures), why)
    }

    fn write_by_write(figures: &RunFigures) -> Option<Self> {
        let median = figures.overhead.p50?;
        Some(Self { basis: OwnCostBasis::WriteByWrite, ms: Bounds::exactly(median.value_ms) })
    }
}
