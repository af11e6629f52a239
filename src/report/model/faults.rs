//! What the faults of a run did, and the writes to show it with.

use serde::Serialize;

use crate::analysis::FaultFigures;
use crate::data::{RunData, WriteOutcome};

/// Most writes that are kept.
const MOST_WRITES: usize = 600;

/// What the faults of one run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    /// The figures.
    #[serde(flatten)]
    pub figures: FaultFigures,
    /// Every write by its number, or evenly spaced ones among many.
    pub writes: Vec<PlottedWrite>,
}

/// One write as a point: when it began, and how long it took to end how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlottedWrite {
    /// When its client asked, in milliseconds from the run's start.
    pub start_ms: f64,
    /// Until the answer or the error, in milliseconds.
    pub latency_ms: f64,
    /// How it ended.
    pub outcome: WriteOutcome,
}

impl FaultReport {
    pub(super) fn new(figures: FaultFigures, run: &RunData) -> Self {
        let every = run.writes.len().div_ceil(MOST_WRITES).max(1);
        let point = |row: &crate::data::WriteRow| PlottedWrite {
            start_ms: row.start_us as f64 / 1000.0,
            latency_ms: row.latency_us as f64 / 1000.0,
            outcome: row.outcome,
        };
        Self { figures, writes: run.writes.iter().step_by(every).map(point).collect() }
    }
}
