//! The distribution of the n-th fastest of several delays.

use crate::model::Distribution;
use statrs::distribution::{Beta, ContinuousCDF};
use statrs::function::beta::ln_beta;

use super::quadrature::mean_over_unit;

/// The `rank`-th smallest of `of` independent delays with one distribution F, where it is below
/// a limit.
///
/// It is F's quantile function applied to a Beta(rank, of + 1 - rank) variable (David and
/// Nagaraja, "Order Statistics", 3rd edition (2003), section 2.1), whatever F is. That it is
/// below the limit only cuts the variable's distribution off.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderStatistic {
    delay: Distribution,
    rank: u32,
    of: u32,
    beta: Beta,
    /// The chance that one delay is at most the limit, and that it is above.
    within: f64,
    beyond: f64,
    /// The chance that the statistic is at most the limit.
    reach: f64,
}

/// A chance, and 1 less it, each exact where it is small.
#[derive(Clone, Copy)]
struct Share {
    below: f64,
    above: f64,
}

impl OrderStatistic {
    /// The `rank`-th smallest of `of` delays, ranks from 1, given that it is at most `limit_ms`;
    /// `None` for a rank there is not, or where that never happens.
    #[must_use]
    pub fn new(delay: Distribution, rank: u32, of: u32, limit_ms: f64) -> Option<Self> {
        let above = of.checked_sub(rank)?;
        let beta = Beta::new(f64::from(rank), f64::from(above) + 1.0).ok()?;
        let (within, beyond) = (delay.cdf(limit_ms), delay.survival(limit_ms));
        let reach = if within < 1.0 { beta.cdf(within) } else { 1.0 };
        (reach > 0.0).then_some(Self { delay, rank, of, beta, within, beyond, reach })
    }

    /// Whether there is a greatest delay.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.delay.upper_bound_ms().is_some()
    }

    /// Whether no single value has a chance of its own.
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        self.delay.is_continuous()
    }

    /// The mean in milliseconds: a + (b - a) rank / (of + 1) for a whole uniform distribution,
    /// else the quantile function's mean under the Beta distribution.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        if self.within >= 1.0 && self.delay.as_uniform_ms().is_some() {
            return self.delay.quantile_ms(f64::from(self.rank) / (f64::from(self.of) + 1.0));
        }
        self.pieces().windows(2).map(|ends| self.integral(ends[0], ends[1])).sum::<f64>() / self.reach
    }

    /// Where the quantile function is not smooth, from 0 to the limit.
    fn pieces(&self) -> Vec<Share> {
        let mut corners_ms = self.delay.corners_ms();
        corners_ms.sort_by(f64::total_cmp);
        corners_ms.dedup();
        let at = |x_ms: f64| Share { below: self.delay.cdf(x_ms), above: self.delay.survival(x_ms) };
        let inner = corners_ms.into_iter().flat_map(|x_ms| [at(x_ms - x_ms * 1e-12), at(x_ms)]);
        let mut pieces = vec![Share { below: 0.0, above: 1.0 }];
        pieces.extend(inner.filter(|share| share.below < self.within));
        pieces.push(Share { below: self.within, above: self.beyond });
        pieces
    }

    /// The integral of the quantile function over the density of the Beta variable.
    fn integral(&self, from: Share, to: Share) -> f64 {
        let width = to.below - from.below;
        if width <= 0.0 {
            return 0.0;
        }
        let (rank, above) = (f64::from(self.rank), f64::from(self.of - self.rank));
        let ln_norm = ln_beta(rank, above + 1.0);
        let integrand = |low: f64, high: f64| {
            let (u, s) = (from.below + width * low, to.above + width * high);
            let density = ((rank - 1.0) * u.ln() + above * s.ln() - ln_norm).exp();
            let delay_ms = if u < s { self.delay.quantile_ms(u) } else { self.delay.upper_quantile_ms(s) };
            delay_ms * density
        };
        mean_over_unit(integrand) * width
    }

    /// The `p` quantile in milliseconds; `p` outside 0 to 1 is taken as the nearer end.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        let share = match p {
            p if p <= 0.0 => 0.0,
            p if p >= 1.0 => self.within,
            p => self.beta.inverse_cdf(p * self.reach),
        };
        self.delay.quantile_ms(share)
    }

    /// The chance of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        (self.beta.cdf(self.delay.cdf(x_ms)) / self.reach).min(1.0)
    }
}
