//! Descriptive statistics of a sample of times, with their uncertainty.

use crate::model::{Micros, TimeSpan};
use serde::Serialize;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

#[cfg(test)]
mod tests;

/// The share of intervals that cover what they estimate.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// Microseconds in a millisecond.
const US_PER_MS: f64 = 1000.0;

/// Times in ascending order, kept as the whole microseconds they were measured in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    sorted_us: Vec<Micros>,
}

/// A 95 % interval; an end the sample is too small to give is absent.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub lower: Option<f64>,
    /// The upper end.
    pub upper: Option<f64>,
}

/// A quantile of a sample and where the population's may lie.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// Which quantile, 0 to 1.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p: f64,
    /// The estimate, in milliseconds.
    pub value_ms: f64,
    /// The distribution-free 95 % interval, in milliseconds.
    pub interval_ms: Interval,
}

/// A mean and where the population's may lie.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The estimate, in milliseconds.
    pub value_ms: f64,
    /// Its standard error in milliseconds, from two values on.
    pub standard_error_ms: Option<f64>,
    /// Student's 95 % interval, in milliseconds; without ends below two values.
    pub interval_ms: Interval,
    /// How many values it is of.
    pub n: u64,
}

/// The difference of the means of two independent samples.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The second mean less the first, in milliseconds.
    pub value_ms: f64,
    /// Welch's 95 % interval, in milliseconds; without ends below two values in either sample.
    pub interval_ms: Interval,
}

impl FromIterator<Micros> for Sample {
    /// A sample of signed times, in any order.
    fn from_iter<I: IntoIterator<Item = Micros>>(times_us: I) -> Self {
        let mut sorted_us: Vec<Micros> = times_us.into_iter().collect();
        sorted_us.sort_unstable();
        Self { sorted_us }
    }
}

impl FromIterator<TimeSpan> for Sample {
    /// A sample of lengths of time, in any order.
    fn from_iter<I: IntoIterator<Item = TimeSpan>>(times_us: I) -> Self {
        times_us.into_iter().map(Micros::from).collect()
    }
}

impl Sample {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted_us.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted_us.is_empty()
    }

    /// How often a value occurs.
    pub(crate) fn count_of(&self, us: Micros) -> u64 {
        let below = self.sorted_us.partition_point(|other| *other < us);
        (self.sorted_us.partition_point(|other| *other <= us) - below) as u64
    }

    /// The values in milliseconds, ascending.
    pub fn iter_ms(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.sorted_us.iter().map(|us| us.as_ms())
    }

    /// The least value in milliseconds.
    #[must_use]
    pub fn min_ms(&self) -> Option<f64> {
        self.sorted_us.first().map(|us| us.as_ms())
    }

    /// The greatest value in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        self.sorted_us.last().map(|us| us.as_ms())
    }

    /// The arithmetic mean in milliseconds, summed exactly.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        let sum: i128 = self.sorted_us.iter().map(|us| i128::from(us.get())).sum();
        (!self.is_empty()).then(|| sum as f64 / self.len() as f64 / US_PER_MS)
    }

    /// The `p` quantile in milliseconds, interpolated linearly between the order statistics
    /// around rank `(n - 1) p + 1`: type 7 of Hyndman and Fan, "Sample Quantiles in
    /// Statistical Packages", The American Statistician 50 (1996), 361-365, the default of
    /// NumPy, pandas and R. `p` outside 0 to 1 is taken as the nearer end.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> Option<f64> {
        let last = self.len().checked_sub(1)?;
        let position = last as f64 * p.clamp(0.0, 1.0);
        let below = position.floor() as usize;
        let low = *self.sorted_us.get(below)?;
        let high = *self.sorted_us.get((below + 1).min(last))?;
        let (low, high) = (low.get() as f64, high.get() as f64);
        Some((low + (position - below as f64) * (high - low)) / US_PER_MS)
    }

    /// The value of this rank, from 1, in milliseconds.
    pub(super) fn ranked_ms(&self, rank: usize) -> Option<f64> {
        self.sorted_us.get(rank.checked_sub(1)?).map(|us| us.as_ms())
    }

    /// The `p` quantile with its 95 % interval, see [`quantile_ranks`].
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<Quantile> {
        let value_ms = self.quantile_ms(p)?;
        let (lower, upper) = quantile_ranks(self.len(), p);
        let at = |rank: Option<usize>| self.ranked_ms(rank?);
        Some(Quantile { p, value_ms, interval_ms: Interval { lower: at(lower), upper: at(upper) } })
    }

    /// The mean with its standard error, s / sqrt(n), and Student's 95 % interval. The
    /// interval leans on the central limit theorem: it is approximate for skewed samples.
    #[must_use]
    pub fn mean(&self) -> Option<Mean> {
        let value_ms = self.mean_ms()?;
        let standard_error_ms = self.standard_deviation_ms(value_ms).map(|s| s / (self.len() as f64).sqrt());
        let half = standard_error_ms.and_then(|error| Some(error * t_quantile(self.len() as f64 - 1.0)?));
        let interval_ms = Interval { lower: half.map(|h| value_ms - h), upper: half.map(|h| value_ms + h) };
        Some(Mean { value_ms, standard_error_ms, interval_ms, n: self.len() as u64 })
    }

    /// The sample standard deviation (divisor n - 1) in milliseconds around a known mean.
    fn standard_deviation_ms(&self, mean_ms: f64) -> Option<f64> {
        let freedom = self.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
        let squares: f64 = self.iter_ms().map(|x| (x - mean_ms).powi(2)).sum();
        Some((squares / freedom as f64).sqrt())
    }
}

impl Mean {
    /// How far this mean lies above `earlier`, taking the samples as independent: Welch, "The
    /// generalization of 'Student's' problem when several different population variances are
    /// involved", Biometrika 34 (1947), 28-35.
    #[must_use]
    pub fn above(&self, earlier: &Self) -> Difference {
        let value_ms = self.value_ms - earlier.value_ms;
        let half = self.welch_half_width_ms(earlier);
        let interval_ms = Interval { lower: half.map(|h| value_ms - h), upper: half.map(|h| value_ms + h) };
        Difference { value_ms, interval_ms }
    }

    fn welch_half_width_ms(&self, other: &Self) -> Option<f64> {
        let (a, b) = (self.standard_error_ms?.powi(2), other.standard_error_ms?.powi(2));
        if a + b == 0.0 {
            return Some(0.0);
        }
        let freedom = (a + b).powi(2) / (a.powi(2) / (self.n as f64 - 1.0) + b.powi(2) / (other.n as f64 - 1.0));
        Some((a + b).sqrt() * t_quantile(freedom)?)
    }
}

/// Ranks (from 1) of the two order statistics of `n` values between which the population's
/// `p` quantile lies with at least 95 % confidence, whatever the distribution.
///
/// The number of values at or below the quantile is binomial(n, p); each end leaves out at
/// most 2.5 %. An end is `None` where even the extreme value leaves out more. See David and
/// Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1.
#[must_use]
pub fn quantile_ranks(n: usize, p: f64) -> (Option<usize>, Option<usize>) {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let Ok(count) = Binomial::new(p, n as u64) else {
        return (None, None);
    };
    // `below(r)` is the chance that fewer than r values are at or below the quantile.
    let below = |rank: u64| if rank == 0 { 0.0 } else { count.cdf(rank - 1) };
    let last = n as u64 + 1;
    let lower = (first_that(last, |rank| below(rank) > tail) as usize).saturating_sub(1);
    let upper = first_that(last, |rank| below(rank) >= 1.0 - tail) as usize;
    (Some(lower).filter(|rank| *rank >= 1), Some(upper).filter(|rank| *rank <= n))
}

/// The first of 0..=last for which `holds`, which stays true once it is; `last` if it never is before.
pub(super) fn first_that(last: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// How many standard errors Student's 95 % interval reaches to each side.
pub(super) fn t_quantile(freedom: f64) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(student.inverse_cdf(0.5 + CONFIDENCE / 2.0)).filter(|t| t.is_finite())
}
