//! Two sets of runs side by side: what changed, and whether by more than chance.

use std::collections::BTreeMap;

use serde::Serialize;

use self::bootstrap::{Bootstrap, FIGURES};
pub use self::conditions::ConditionDifference;
pub(super) use self::conditions::conditions;
use self::conditions::differences;
use super::bounds::Bounds;
use super::consistency::{CellState, RunConsistency, Verdict};
use super::latency::{cut_off_us, latency_series};
use super::paired::{Pairable, Paired};
use super::random::stream;
use super::series::Series;
use super::stats::Interval;
use super::survival::Survival;
use crate::config::ExperimentName;
use crate::data::{RunData, WriteOutcome};
use crate::model::{Micros, NodeId, Quorum, WriteId};

mod bootstrap;
mod conditions;
#[cfg(test)]
mod tests;

/// Two sets of runs, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The left runs' experiment.
    pub left: ExperimentName,
    /// The right runs' experiment.
    pub right: ExperimentName,
    /// What differs in configuration and circumstances, by path. Times and quorums do not count.
    pub conditions: Vec<ConditionDifference>,
    /// Quorums that only the left has.
    pub only_left: Vec<u32>,
    /// Quorums that only the right has.
    pub only_right: Vec<u32>,
    /// Quorums that both have, ascending.
    pub runs: Vec<RunComparison>,
}

/// Two runs at one quorum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunComparison {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes on the left.
    pub left_n: u64,
    /// Acknowledged writes on the right.
    pub right_n: u64,
    /// Whether both acknowledged the same writes, which met the same delays: resamples then
    /// keep them together, and the intervals are free of the delays' chance.
    pub paired: bool,
    /// Whether latencies of neighbouring writes depend on each other on either side, or their
    /// differences do. Resampling would take them as independent: there are no intervals then.
    pub is_dependent: bool,
    /// Whether a fault cut off writes on either side. The slow ones are then missing among those
    /// acknowledged, and there are no figures.
    pub is_cut_off: bool,
    /// Mean latency.
    pub mean: Shift,
    /// Median latency.
    pub median: Shift,
    /// 95th percentile of latency.
    pub p95: Shift,
    /// 99th percentile of latency.
    pub p99: Shift,
    /// The followers' agreement with their leaders, pair by pair.
    pub pairs: PairAgreement,
    /// Acknowledged writes that no node on the left holds in the end, nor a newer one of the key; `None`
    /// if no node could be asked.
    pub left_lost: Option<Bounds<u64>>,
    /// The same on the right.
    pub right_lost: Option<Bounds<u64>>,
}

/// How one figure differs. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shift {
    /// The figure on the left.
    pub left_ms: Option<f64>,
    /// The figure on the right.
    pub right_ms: Option<f64>,
    /// Right less left.
    pub difference_ms: Option<f64>,
    /// The bootstrap's 95 % percentile interval of the difference. No resample is slower than the
    /// slowest write that was seen, so an end is absent if it rests on an end that the interval of
    /// the figure itself lacks on that side.
    pub interval_ms: Interval,
}

/// Which pairs of follower and key ended different from their leader, on either side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairAgreement {
    /// What can be said of the left run.
    pub left_verdict: Verdict,
    /// What can be said of the right run.
    pub right_verdict: Verdict,
    /// Pairs that could be judged on both sides.
    pub judged: u64,
    /// Pairs that are in the same state on both.
    pub agreeing: u64,
    /// Pairs that differ from their leader on both sides.
    pub diverged_both: u64,
    /// Pairs that differ from their leader on the left alone.
    pub diverged_left: u64,
    /// Pairs that differ from their leader on the right alone.
    pub diverged_right: u64,
    /// Each pair that is not in the same state on both sides, by follower, then key.
    pub disagreeing: Vec<PairDisagreement>,
}

/// A pair that is not in the same state on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairDisagreement {
    /// The follower.
    pub follower: NodeId,
    /// The key.
    pub key: String,
    /// Its state on the left.
    pub left: CellState,
    /// Its state on the right.
    pub right: CellState,
}

/// Compares two sets of runs, each of one experiment; `None` where one has none.
#[must_use]
pub fn compare(left: &[RunData], right: &[RunData]) -> Option<Comparison> {
    let (left, right) = (by_quorum(left), by_quorum(right));
    let (first_left, first_right) = (left.values().next()?, right.values().next()?);
    let only = |these: &BTreeMap<Quorum, &RunData>, others: &BTreeMap<Quorum, &RunData>| {
        these.keys().filter(|quorum| !others.contains_key(quorum)).map(|quorum| quorum.get()).collect()
    };
    let both = left.iter().filter_map(|(quorum, run)| Some((*run, *right.get(quorum)?)));
    Some(Comparison {
        left: first_left.manifest.experiment.clone(),
        right: first_right.manifest.experiment.clone(),
        conditions: differences(&first_left.manifest, &first_right.manifest),
        only_left: only(&left, &right),
        only_right: only(&right, &left),
        runs: both.map(|(left, right)| RunComparison::between(left, right)).collect(),
    })
}

fn by_quorum(runs: &[RunData]) -> BTreeMap<Quorum, &RunData> {
    runs.iter().map(|run| (run.manifest.quorum, run)).collect()
}

impl RunComparison {
    fn between(left: &RunData, right: &RunData) -> Self {
        let (left_us, right_us) = (latencies(left), latencies(right));
        let writes = Paired::between(&Pairable::of_any(left), &Pairable::of_any(right));
        let paired = writes.is_paired() && [left_us.len(), right_us.len()].iter().all(|n| *n as u64 == writes.n);
        let series = [left, right].map(|run| latency_series(run, |_| true));
        let is_dependent = writes.dependence.is_dependent || series.iter().any(|of| of.dependence().is_dependent);
        let is_cut_off = [left, right].into_iter().any(|run| !cut_off_us(run).is_empty());
        let rng = stream(left.manifest.seed, &format!("analysis: compare at {}", left.manifest.quorum));
        let bootstrap = Bootstrap::new(&left_us, &right_us, paired);
        let [mean, median, p95, p99] = match (is_cut_off, is_dependent) {
            (true, _) => [Shift::NONE; FIGURES],
            (false, true) => shifts(&bootstrap, [OPEN; FIGURES]),
            (false, false) => {
                let [left, right] = series.each_ref().map(own_intervals);
                let intervals = bootstrap.intervals(bootstrap.affordable_resamples(), rng);
                shifts(&bootstrap, std::array::from_fn(|i| intervals[i].given(left[i], right[i])))
            }
        };
        Self {
            quorum: left.manifest.quorum.get(),
            left_n: left_us.len() as u64,
            right_n: right_us.len() as u64,
            paired,
            is_dependent,
            is_cut_off,
            mean,
            median,
            p95,
            p99,
            pairs: PairAgreement::between(&RunConsistency::of(left), &RunConsistency::of(right)),
            left_lost: Survival::of(left).lost,
            right_lost: Survival::of(right).lost,
        }
    }
}

/// An interval without ends.
const OPEN: Interval = Interval { lower: None, upper: None };

impl Shift {
    const NONE: Self = Self { left_ms: None, right_ms: None, difference_ms: None, interval_ms: OPEN };
}

impl Interval {
    /// This interval of a difference, right less left, as far as the figures' own intervals have the
    /// ends on which it rests: how high the difference may be takes how high the right figure may be
    /// and how low the left one.
    fn given(self, left: Self, right: Self) -> Self {
        Self {
            lower: self.lower.filter(|_| right.lower.is_some() && left.upper.is_some()),
            upper: self.upper.filter(|_| right.upper.is_some() && left.lower.is_some()),
        }
    }
}

/// The intervals that a report gives the figures of one run.
fn own_intervals(series: &Series) -> [Interval; FIGURES] {
    let quantile = |p| series.quantile(p).map_or(OPEN, |quantile| quantile.interval_ms);
    [series.mean().map_or(OPEN, |mean| mean.interval_ms), quantile(0.5), quantile(0.95), quantile(0.99)]
}

fn shifts(bootstrap: &Bootstrap, intervals: [Interval; FIGURES]) -> [Shift; FIGURES] {
    let (left, right) = (bootstrap.left(), bootstrap.right());
    std::array::from_fn(|figure| {
        let (left_ms, right_ms) = (left.map(|figures| figures[figure]), right.map(|figures| figures[figure]));
        let difference_ms = left_ms.zip(right_ms).map(|(left, right)| right - left);
        Shift { left_ms, right_ms, difference_ms, interval_ms: intervals[figure] }
    })
}

/// The latencies of the acknowledged writes in microseconds, by write.
fn latencies(run: &RunData) -> Vec<Micros> {
    let ok: BTreeMap<WriteId, Micros> = run
        .writes
        .iter()
        .filter(|row| row.outcome == WriteOutcome::Ok)
        .map(|row| (row.write, Micros::from(row.latency_us)))
        .collect();
    ok.into_values().collect()
}

impl PairAgreement {
    fn between(left: &RunConsistency, right: &RunConsistency) -> Self {
        let states: BTreeMap<(NodeId, &str), CellState> =
            right.settled.cells.iter().map(|cell| ((cell.follower, cell.key.as_str()), cell.state)).collect();
        let mut agreement = Self {
            left_verdict: left.verdict,
            right_verdict: right.verdict,
            judged: 0,
            agreeing: 0,
            diverged_both: 0,
            diverged_left: 0,
            diverged_right: 0,
            disagreeing: Vec::new(),
        };
        for cell in &left.settled.cells {
            let Some(other) = states.get(&(cell.follower, cell.key.as_str())) else { continue };
            agreement.judged += 1;
            match (cell.state == CellState::Match, *other == CellState::Match) {
                (true, true) => {}
                (false, false) => agreement.diverged_both += 1,
                (false, true) => agreement.diverged_left += 1,
                (true, false) => agreement.diverged_right += 1,
            }
            if cell.state == *other {
                agreement.agreeing += 1;
            } else {
                let (follower, key) = (cell.follower, cell.key.clone());
                agreement.disagreeing.push(PairDisagreement { follower, key, left: cell.state, right: *other });
            }
        }
        agreement
    }
}
