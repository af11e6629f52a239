//! What the faults of a run did, and the writes to show it with.

use serde::Serialize;

use super::course::PlottedWrite;
use crate::analysis::FaultFigures;

/// What the faults of one run did.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    /// The figures.
    #[serde(flatten)]
    pub figures: FaultFigures,
    /// Every write by its number, or evenly spaced ones among many.
    pub writes: Vec<PlottedWrite>,
}
