//! Times in the order in which they came about, with intervals that hold where neighbours
//! depend on each other, as the latencies of a saturated cluster do.

use crate::model::Micros;
use serde::Serialize;

use super::stats::{Interval, Mean, Quantile, Sample, t_quantile};

#[cfg(test)]
mod tests;

/// Fewest values whose autocorrelation is tested.
const MIN_VALUES: usize = 20;

/// How many standard errors (1 / sqrt(n)) above 0 the lag-1 autocorrelation of independent
/// values lies once in 1,000 samples.
const SIGNIFICANT: f64 = 3.0902;

/// The same once in 20, for the few means of batches.
const SIGNIFICANT_OF_BATCHES: f64 = 1.645;

/// Most batches a series is cut into, and fewest that give an interval. More than 30 gain
/// little: B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations
/// Research 30 (1982), 556-568.
const MAX_BATCHES: usize = 20;
pub(super) const MIN_BATCHES: usize = 5;

/// Quantiles nearer an end than this rest on the fewest batches: the few values beyond them come
/// in clusters, and short batches see too little of those.
pub(super) const TAIL: f64 = 0.05;

/// Whether the end of an interval beyond the `p` quantile of a dependent series is withheld. A series
/// that met few of the clusters beyond a quantile shows a low quantile and a small spread of its
/// batches at once, so an interval from that spread ends too early, and most often where it is
/// narrow: in a queue four fifths busy, of the upper ends of p99 that 20,000 values gave, one in five
/// was too low, though nine in ten intervals covered, most of them without an upper end.
pub(super) fn is_open_beyond(p: f64) -> bool {
    1.0 - p < TAIL - ROUNDING
}

/// Differences of shares that mean nothing.
const ROUNDING: f64 = 1e-9;

/// Whether neighbouring values of a series depend on each other, and what its intervals rest on.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dependence {
    /// The lag-1 autocorrelation, -1 to 1; `None` of fewer than 20 values or of equal ones.
    pub lag1: Option<f64>,
    /// Whether it is above 0 by more than independent values show once in 1,000 samples, or the
    /// writes of the run hang together.
    pub is_dependent: bool,
    /// Batches whose means the intervals rest on; `None` of independent values, and where there are
    /// no intervals.
    pub batches: Option<u32>,
    /// Why there are no intervals.
    pub no_interval: Option<NoInterval>,
}

/// Why a dependent series has no intervals.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoInterval {
    /// It is too short for its dependence.
    TooShort,
    /// The run was saturated, in real time: runs then differ by more than one run shows.
    Saturated,
    /// The latencies of one run hang together, so that its own spread says nothing of other runs.
    HangsTogether,
}

/// A series of times.
#[derive(Debug, Clone)]
pub struct Series {
    values_us: Vec<Micros>,
    sample: Sample,
    dependence: Dependence,
}

impl Series {
    /// Signed times in microseconds, in the order in which they came about. `concurrency` of
    /// them are under way together: a batch spans at least twice as many. [`Micros::MAX`] is a time
    /// that never came: for the autocorrelation it is as late as the latest that did.
    #[must_use]
    pub fn new(values_us: Vec<Micros>, concurrency: u32) -> Self {
        let latest_us = values_us.iter().copied().filter(|us| *us != Micros::MAX).max().unwrap_or_default();
        let values_ms: Vec<f64> = values_us.iter().map(|us| (*us).min(latest_us).as_ms()).collect();
        let lag1 = lag1_autocorrelation(&values_ms).filter(|_| values_us.len() >= MIN_VALUES);
        let is_dependent = lag1.is_some_and(|lag1| lag1 > SIGNIFICANT / (values_us.len() as f64).sqrt());
        let batches = is_dependent.then(|| batch_count(&values_ms, concurrency)).flatten();
        let batches = batches.and_then(|batches| u32::try_from(batches).ok());
        let no_interval = (is_dependent && batches.is_none()).then_some(NoInterval::TooShort);
        let sample = values_us.iter().copied().collect();
        Self { values_us, sample, dependence: Dependence { lag1, is_dependent, batches, no_interval } }
    }

    /// The same, of a run that was saturated in real time or was not: where it was, a dependent
    /// series has no intervals.
    #[must_use]
    pub fn saturated(mut self, is_saturated: bool) -> Self {
        if is_saturated && self.dependence.is_dependent {
            (self.dependence.batches, self.dependence.no_interval) = (None, Some(NoInterval::Saturated));
        }
        self
    }

    /// The same, of a run whose writes hang together or do not: where they do, it has no intervals,
    /// however little its autocorrelation.
    #[must_use]
    pub fn hanging_together(mut self, hangs_together: bool) -> Self {
        if hangs_together {
            let (batches, no_interval) = (None, Some(NoInterval::HangsTogether));
            self.dependence = Dependence { is_dependent: true, batches, no_interval, ..self.dependence };
        }
        self
    }

    /// The values in ascending order.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// Whether neighbours depend on each other.
    #[must_use]
    pub fn dependence(&self) -> Dependence {
        self.dependence
    }

    /// The mean with Student's interval: over the values where they are independent, over the
    /// means of consecutive batches where they are not.
    #[must_use]
    pub fn mean(&self) -> Option<Mean> {
        let independent = self.sample.mean()?;
        if !self.dependence.is_dependent {
            return Some(independent);
        }
        let values_ms: Vec<f64> = self.values_us.iter().map(|us| us.as_ms()).collect();
        let batches = self.dependence.batches.map(|batches| batches as usize);
        let error = batches.and_then(|batches| batched_error(&values_ms, batches));
        let half_ms = error.map(|error| error.half_width);
        Some(Mean {
            standard_error_ms: error.map(|error| error.standard_error),
            interval_ms: Interval {
                lower: half_ms.map(|half_ms| independent.value_ms - half_ms),
                upper: half_ms.map(|half_ms| independent.value_ms + half_ms),
            },
            ..independent
        })
    }

    /// The `p` quantile with its interval: binomial ranks where the values are independent.
    /// Where they are not, the interval of the share of values at or below the quantile, from
    /// batches, turned into ranks: R. S. Woodruff, "Confidence intervals for medians and other
    /// position measures", Journal of the American Statistical Association 47 (1952), 635-646.
    /// An end in the tail is then absent: slow writes come in clusters, of which one run has too few.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<Quantile> {
        let independent = self.sample.quantile(p)?;
        if !self.dependence.is_dependent {
            return Some(independent);
        }
        let is_below = |us: &Micros| f64::from(u8::from(us.as_ms() <= independent.value_ms));
        let below: Vec<f64> = self.values_us.iter().map(is_below).collect();
        let n = below.len() as f64;
        let is_tail = is_open_beyond(p.max(1.0 - p));
        let batches = self.dependence.batches.map(|batches| if is_tail { MIN_BATCHES } else { batches as usize });
        let half = batches.and_then(|batches| batched_error(&below, batches)).map(|error| error.half_width);
        let rank = |rank: f64| (rank >= 1.0 && rank <= n).then_some(rank as usize);
        let at = |rank: Option<usize>| self.sample.ranked_ms(rank?);
        let upper = half.filter(|_| !is_open_beyond(p));
        let lower = half.filter(|_| !is_open_beyond(1.0 - p));
        let interval_ms = Interval {
            lower: at(lower.and_then(|half| rank((n * (p - half)).floor()))),
            upper: at(upper.and_then(|half| rank((n * (p + half)).ceil() + 1.0))),
        };
        Some(Quantile { interval_ms, ..independent })
    }
}

/// The error of the mean of values in the series' order, from the spread of their batches.
fn batched_error(values: &[f64], batches: usize) -> Option<BatchedError> {
    error_of_batches(&batch_means(values, batches))
}

/// The same from the means of the batches, of which there are several.
pub(super) fn error_of_batches(means: &[f64]) -> Option<BatchedError> {
    let (count, mean) = (means.len() as f64, mean(means));
    let squares: f64 = means.iter().map(|batch| (batch - mean).powi(2)).sum();
    let standard_error = (squares / (count - 1.0) / count).sqrt();
    Some(BatchedError { standard_error, half_width: standard_error * t_quantile(count - 1.0)? })
}

/// How well a mean is known.
#[derive(Clone, Copy)]
pub(super) struct BatchedError {
    pub(super) standard_error: f64,
    /// Of the 95 % interval.
    pub(super) half_width: f64,
}

/// Into how many batches a dependent series is cut: as many as leave their means independent,
/// or the fewest; `None` of a series too short for those.
fn batch_count(values: &[f64], concurrency: u32) -> Option<usize> {
    let mut count = MAX_BATCHES.min(values.len() / (2 * concurrency.max(1) as usize));
    let depend = |count: usize| {
        let lag1 = lag1_autocorrelation(&batch_means(values, count));
        lag1.is_some_and(|lag1| lag1 > SIGNIFICANT_OF_BATCHES / (count as f64).sqrt())
    };
    while count > MIN_BATCHES && depend(count) {
        count = (count / 2).max(MIN_BATCHES);
    }
    (count >= MIN_BATCHES).then_some(count)
}

/// Means of `count` consecutive batches, none of them empty.
fn batch_means(values: &[f64], count: usize) -> Vec<f64> {
    let n = values.len();
    (0..count).map(|batch| mean(&values[batch * n / count..(batch + 1) * n / count])).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The correlation of each value with the next; `None` of equal values.
fn lag1_autocorrelation(values: &[f64]) -> Option<f64> {
    // Their mean may be off by a rounding, which alone would give them a correlation of nearly 1.
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let products: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    (squares > 0.0).then(|| products / squares)
}
