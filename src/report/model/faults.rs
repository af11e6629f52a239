//! What the faults of a run did, and the writes to show it with.

use serde::Serialize;

use crate::analysis::FaultFigures;
use crate::data::{RunData, WriteOutcome, WriteRow};

/// Most writes that are kept.
const MOST_WRITES: usize = 600;

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

/// One write as a point: when it began, and how long it took to end how.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlottedWrite {
    /// When its client asked, in milliseconds from the run's start.
    pub start_ms: f64,
    /// Until the answer or the error, in milliseconds.
    pub latency_ms: f64,
    /// How it ended.
    pub outcome: WriteOutcome,
}

impl PlottedWrite {
    /// Every write of a run, by its number.
    pub(super) fn all(run: &RunData) -> Vec<Self> {
        let point = |row: &WriteRow| Self {
            start_ms: row.start_us.as_ms(),
            latency_ms: row.latency_us.as_ms(),
            outcome: row.outcome,
        };
        run.writes.iter().map(point).collect()
    }
}

impl FaultReport {
    pub(super) fn new(figures: FaultFigures, writes: &[PlottedWrite]) -> Self {
        let every = writes.len().div_ceil(MOST_WRITES).max(1);
        Self { figures, writes: writes.iter().step_by(every).copied().collect() }
    }
}
