//! A run's writes in the order in which they were sent.

use serde::Serialize;

use crate::analysis::Sample;
use crate::data::{RunData, WriteOutcome, WriteRow};

/// Most writes that are kept to be drawn.
const MOST_WRITES: usize = 600;

/// A run's writes in the order in which they were sent.
#[derive(Debug, Clone)]
pub struct Course {
    /// How many there are.
    pub writes: u64,
    /// Every write, or evenly spaced ones among many.
    pub plotted: Vec<PlottedWrite>,
    /// Of the first and the second half of all writes: how many were acknowledged, and their median latency in
    /// milliseconds.
    pub halves: [(u64, Option<f64>); 2],
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

impl Course {
    pub(super) fn of(run: &RunData) -> Self {
        let every = run.writes.len().div_ceil(MOST_WRITES).max(1);
        let (first, second) = run.writes.split_at(run.writes.len() / 2);
        let half = |rows: &[WriteRow]| {
            let acknowledged = rows.iter().filter(|row| row.outcome == WriteOutcome::Ok);
            let sample: Sample = acknowledged.map(|row| row.latency_us).collect();
            (sample.len() as u64, sample.quantile_ms(0.5))
        };
        Self {
            writes: run.writes.len() as u64,
            plotted: run.writes.iter().step_by(every).map(PlottedWrite::of).collect(),
            halves: [first, second].map(half),
        }
    }
}

impl PlottedWrite {
    fn of(row: &WriteRow) -> Self {
        Self { start_ms: row.start_us.as_ms(), latency_ms: row.latency_us.as_ms(), outcome: row.outcome }
    }
}
