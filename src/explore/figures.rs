//! The figures of a point, over all its runs.

use serde::{Deserialize, Serialize};

use super::outcome::RunOutcome;
use crate::analysis::{Sample, is_enough};
use crate::model::Micros;

/// Figures of a point: a column each. Latencies are in milliseconds, of all runs' acknowledged
/// writes together; chances are 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PointFigures {
    /// Acknowledged writes.
    pub ok: u64,
    /// Writes that missed their quorum.
    pub failed: u64,
    /// Writes without an answer.
    pub unknown: u64,
    /// Runs in which something was still in flight at the deadline.
    pub unsettled_runs: u64,
    /// Mean latency.
    pub mean_ms: Option<f64>,
    /// Its standard error.
    pub mean_se_ms: Option<f64>,
    /// Median latency.
    pub median_ms: Option<f64>,
    /// 95th percentile of latency.
    pub p95_ms: Option<f64>,
    /// 99th percentile of latency.
    pub p99_ms: Option<f64>,
    /// Mean latency by theory, where it applies.
    pub predicted_mean_ms: Option<f64>,
    /// Pairs of follower and key, per run.
    pub pairs: f64,
    /// Pairs that differed when the last write was answered, per run.
    pub behind: f64,
    /// Pairs that differed for good, per run.
    pub diverged: f64,
    /// Its standard error. `None` if there was a single run.
    pub diverged_se: Option<f64>,
    /// Runs in which any pair differed for good.
    pub diverged_runs: u64,
    /// The chance that a read from one random follower, at the acknowledgement of a write, does
    /// not see it yet.
    pub stale_at_ack: Option<f64>,
    /// The same by theory.
    pub predicted_stale_at_ack: Option<f64>,
    /// How long after a write's acknowledgement such a read must begin to see it with a chance of
    /// 99 %. `None` if that never comes, or if there are too few copies to say.
    pub t99_ms: Option<f64>,
    /// The same for 99.9 %.
    pub t999_ms: Option<f64>,
    /// `t99_ms` by theory. `None` if there is no closed form.
    pub predicted_t99_ms: Option<f64>,
    /// Mean time from a write's acknowledgement until the last follower had it.
    pub lag_mean_ms: Option<f64>,
    /// 99th percentile of the same.
    pub lag_p99_ms: Option<f64>,
    /// The chance that some acknowledged write is on no follower when the leader dies at a
    /// random instant of the load.
    pub crash_loses_chance: f64,
    /// How many acknowledged writes are on no follower then, on average.
    pub crash_loses: f64,
    /// How many acknowledged writes one random follower lacks then, on average: what is lost
    /// when it takes over.
    pub failover_loses: f64,
}

/// What theory predicts of a point; `None` where it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Predicted {
    /// Mean latency.
    pub mean_ms: Option<f64>,
    /// The chance of a stale read from one random follower at the acknowledgement.
    pub stale_at_ack: Option<f64>,
    /// The time until 99 % of such reads see a write.
    pub t99_ms: Option<f64>,
}

impl PointFigures {
    /// Sums up runs, in the order of their numbers, beside what theory predicts.
    #[must_use]
    pub fn of(runs: &[RunOutcome], predicted: Predicted) -> Self {
        let gaps = pooled(runs, |run| &run.gaps_us);
        let latencies = pooled(runs, |run| &run.latencies_us);
        let lags = pooled(runs, |run| &run.lags_us);
        let sum = |of: fn(&RunOutcome) -> u64| runs.iter().map(of).sum::<u64>();
        let mean = |of: fn(&RunOutcome) -> f64| rounded(average(runs.iter().map(of)).unwrap_or(0.0));
        let ms = |value: Option<f64>| value.map(rounded);
        let stale = average(runs.iter().filter_map(|run| run.fresh_at_ack).map(|fresh| 1.0 - fresh));
        Self {
            ok: latencies.len() as u64,
            failed: sum(|run| run.failed),
            unknown: sum(|run| run.unknown),
            unsettled_runs: sum(|run| u64::from(!run.settled)),
            mean_ms: ms(latencies.mean_ms()),
            mean_se_ms: ms(latencies.mean().and_then(|mean| mean.standard_error_ms)),
            median_ms: ms(latencies.quantile_ms(0.5)),
            p95_ms: ms(latencies.quantile_ms(0.95)),
            p99_ms: ms(latencies.quantile_ms(0.99)),
            predicted_mean_ms: ms(predicted.mean_ms),
            pairs: mean(|run| run.pairs as f64),
            behind: mean(|run| run.behind as f64),
            diverged: mean(|run| run.diverged as f64),
            diverged_se: standard_error(runs.iter().map(|run| run.diverged as f64)).map(rounded),
            diverged_runs: sum(|run| u64::from(run.diverged > 0)),
            stale_at_ack: stale.map(rounded),
            predicted_stale_at_ack: predicted.stale_at_ack.map(rounded),
            t99_ms: ms(visible_ms(&gaps, runs, 0.99)),
            t999_ms: ms(visible_ms(&gaps, runs, 0.999)),
            predicted_t99_ms: ms(predicted.t99_ms),
            lag_mean_ms: ms(lags.mean_ms()),
            lag_p99_ms: ms(lags.quantile_ms(0.99)),
            crash_loses_chance: mean(|run| run.losing),
            crash_loses: mean(|run| run.lost),
            failover_loses: mean(|run| run.lacking),
        }
    }
}

fn pooled(runs: &[RunOutcome], times: fn(&RunOutcome) -> &Vec<u32>) -> Sample {
    runs.iter().flat_map(times).map(|us| Micros::from(*us)).collect()
}

/// The time after the acknowledgement by which a share `p` of the copies of acknowledged writes
/// had arrived, in milliseconds. `gaps` are those that arrived after it.
fn visible_ms(gaps: &Sample, runs: &[RunOutcome], p: f64) -> Option<f64> {
    let sum = |of: fn(&RunOutcome) -> u64| runs.iter().map(of).sum::<u64>();
    let (copies, at_ack) = (sum(|run| run.copies), sum(|run| run.copies_at_ack));
    // Without the small term, rounding could push a whole product up by one.
    let needed = (p * copies as f64 - 1e-6).ceil() as u64;
    match needed.checked_sub(at_ack) {
        None | Some(0) if copies > 0 && runs.iter().all(|run| run.has_instant_acks) => Some(0.0),
        _ if !is_enough(copies, p) => None,
        None | Some(0) => Some(0.0),
        Some(later) => gaps.iter_ms().nth(usize::try_from(later).ok()? - 1),
    }
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// The standard error of the mean. `None` for fewer than two values.
fn standard_error(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let mean = average(values.clone())?;
    let n = values.clone().count();
    let freedom = n.checked_sub(1).filter(|freedom| *freedom > 0)?;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    Some((squares / freedom as f64 / n as f64).sqrt())
}

/// Rounded to a millionth: nothing here is known better, and files are easier to read.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
