//! Distributions of times of which each is only known to lie between two ends.
//!
//! The estimate is the nonparametric maximum likelihood estimate for interval-censored data by
//! self-consistency: B. W. Turnbull, "The empirical distribution function with arbitrarily grouped,
//! censored and truncated data", Journal of the Royal Statistical Society B 38 (1976), 290-295. Beside
//! it stand the bounds that no assumption goes into: if each time were as early as it may be, and as late.

use super::bounds::Bounds;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
mod turnbull;

pub(crate) use self::turnbull::{Censored, Mass, NEVER_US};

/// A sample of such times.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CensoredSample {
    /// Ascending.
    earliest_us: Vec<i64>,
    /// Ascending.
    latest_us: Vec<i64>,
    /// Ascending; they sum up to 1.
    masses: Vec<Mass>,
}

/// A share of times, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CensoredShare {
    /// Between these ends it lies, whatever is true of the sample.
    pub(crate) bounds: Bounds<f64>,
    /// The estimate; it has two ends where the data do not tell when within an interval.
    pub(crate) estimate: Bounds<f64>,
}

/// A quantile: the least time by which a share of the times has come. An end is [`NEVER_US`] where so
/// many may never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CensoredQuantile {
    /// Between these ends it lies, whatever is true of the sample, in microseconds.
    pub(crate) bounds: Bounds<i64>,
    /// The estimate, in microseconds.
    pub(crate) estimate: Bounds<i64>,
}

impl CensoredSample {
    /// The sample of these times, in any order.
    pub(crate) fn new(times: impl IntoIterator<Item = Censored>) -> Self {
        let times: Vec<Censored> = times.into_iter().collect();
        let masses = turnbull::estimate(&times);
        let (mut earliest_us, mut latest_us): (Vec<i64>, Vec<i64>) =
            times.into_iter().map(|time| (time.earliest_us, time.latest_us)).unzip();
        earliest_us.sort_unstable();
        latest_us.sort_unstable();
        Self { earliest_us, latest_us, masses }
    }

    /// How many times there are.
    pub(crate) fn len(&self) -> usize {
        self.earliest_us.len()
    }

    /// Where the estimate has its mass, ascending.
    #[cfg(test)]
    pub(crate) fn masses(&self) -> &[Mass] {
        &self.masses
    }

    /// The share of times that have come by `at_us`; `None` of an empty sample.
    pub(crate) fn share_by(&self, at_us: i64) -> Option<CensoredShare> {
        if self.len() == 0 {
            return None;
        }
        let share = |ends: &[i64]| ends.partition_point(|end_us| *end_us <= at_us) as f64 / ends.len() as f64;
        let bounds = Bounds { lower: share(&self.latest_us), upper: share(&self.earliest_us) };
        let mass = |end: fn(&Mass) -> i64| -> f64 {
            let by = self.masses.partition_point(|mass| end(mass) <= at_us);
            self.masses[..by].iter().map(|mass| mass.share).sum()
        };
        // Rounding must not put the estimate outside what is certain.
        let within = |share: f64| share.clamp(bounds.lower, bounds.upper);
        let estimate =
            Bounds { lower: within(mass(|mass| mass.latest_us)), upper: within(mass(|mass| mass.earliest_us)) };
        Some(CensoredShare { bounds, estimate })
    }

    /// The least time by which the share `p`, above 0 and up to 1, of the times has come; `None` of an
    /// empty sample.
    pub(crate) fn quantile(&self, p: f64) -> Option<CensoredQuantile> {
        const ROUNDING: f64 = 1e-9;
        let rank = (p * self.len() as f64 - ROUNDING).ceil().max(1.0) as usize;
        let bounds = Bounds { lower: *self.earliest_us.get(rank - 1)?, upper: *self.latest_us.get(rank - 1)? };
        let mut reached = 0.0;
        let mass = self.masses.iter().find(|mass| {
            reached += mass.share;
            reached >= p - turnbull::TOLERANCE
        });
        let mass = mass.or(self.masses.last())?;
        let within = |us: i64| us.clamp(bounds.lower, bounds.upper);
        let estimate = Bounds { lower: within(mass.earliest_us), upper: within(mass.latest_us) };
        Some(CensoredQuantile { bounds, estimate })
    }
}
