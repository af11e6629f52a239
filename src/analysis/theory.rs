//! What latency at a write quorum should be, were the software free: the W-th smallest of
//! the N injected delays.

use serde::Serialize;
use statrs::distribution::{Beta, Continuous, ContinuousCDF};

use crate::config::{Followers, Network, Quorum};

#[cfg(test)]
mod tests;

/// The injected delay: uniform between two different bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UniformDelay {
    min_ms: f64,
    width_ms: f64,
}

impl UniformDelay {
    /// The distribution between two bounds in milliseconds; `None` where they coincide.
    #[must_use]
    pub fn new(min_ms: f64, max_ms: f64) -> Option<Self> {
        let width_ms = max_ms - min_ms;
        (width_ms > 0.0).then_some(Self { min_ms, width_ms })
    }

    /// The chance of a delay of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        ((x_ms - self.min_ms) / self.width_ms).clamp(0.0, 1.0)
    }

    /// The delay in milliseconds that is not exceeded with chance `p`, 0 to 1.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        self.min_ms + self.width_ms * p
    }

    /// The density at `x_ms`, per millisecond.
    #[must_use]
    pub fn density(&self, x_ms: f64) -> f64 {
        let inside = (self.min_ms..=self.min_ms + self.width_ms).contains(&x_ms);
        if inside { 1.0 / self.width_ms } else { 0.0 }
    }
}

/// The `rank`-th smallest of `of` independent delays with one distribution F.
///
/// It is F's quantile function applied to a Beta(rank, of + 1 - rank) variable (David and
/// Nagaraja, "Order Statistics", 3rd edition (2003), section 2.1), which holds for every
/// continuous F; only the mean uses that the delay is uniform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderStatistic {
    delay: UniformDelay,
    rank: u32,
    of: u32,
    beta: Beta,
}

impl OrderStatistic {
    /// The `rank`-th smallest of `of` delays, ranks from 1; `None` for a rank there is not.
    #[must_use]
    pub fn new(delay: UniformDelay, rank: u32, of: u32) -> Option<Self> {
        let above = of.checked_sub(rank)?;
        let beta = Beta::new(f64::from(rank), f64::from(above) + 1.0).ok()?;
        Some(Self { delay, rank, of, beta })
    }

    /// The mean in milliseconds: a + (b - a) rank / (of + 1).
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.delay.quantile_ms(f64::from(self.rank) / (f64::from(self.of) + 1.0))
    }

    /// The `p` quantile in milliseconds; `p` outside 0 to 1 is taken as the nearer end.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        let share = match p {
            p if p <= 0.0 => 0.0,
            p if p >= 1.0 => 1.0,
            p => self.beta.inverse_cdf(p),
        };
        self.delay.quantile_ms(share)
    }

    /// The chance of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        self.beta.cdf(self.delay.cdf(x_ms))
    }

    /// The density at `x_ms`, per millisecond.
    #[must_use]
    pub fn density(&self, x_ms: f64) -> f64 {
        let density = self.delay.density(x_ms);
        if density > 0.0 { self.beta.pdf(self.delay.cdf(x_ms)) * density } else { 0.0 }
    }
}

/// A time at a write quorum by theory, without the software's own cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prediction {
    /// Always the same number of milliseconds: no waiting (W = 0), or a constant delay.
    Constant(f64),
    /// The W-th smallest of the N delays.
    OrderStatistic(OrderStatistic),
}

/// Why there is no [`Prediction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotPredicted {
    /// Every write fails.
    #[error("W is more than there are followers: every write fails")]
    QuorumBeyondFollowers,
    /// Some replications or writes time out, and what is left is not the whole distribution.
    #[error("a delay can reach a time limit, which cuts the distribution off")]
    Truncated,
    /// There is no closed form for these delays.
    #[error("the delays are not uniform and the same to all followers")]
    NotUniform,
}

/// A prediction's figures, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PredictedFigures {
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub median_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

/// The bounds of the delays on this network, where they can be told from these alone.
fn bounds_ms(network: &Network, followers: Followers, quorum: Quorum) -> Result<(f64, f64), NotPredicted> {
    if quorum.get() > followers.get() {
        return Err(NotPredicted::QuorumBeyondFollowers);
    }
    let limit_s = network.replication_timeout_s.secs().min(network.global_request_timeout_s.secs());
    let delay = network.common_delay(followers.get()).ok_or(NotPredicted::NotUniform)?;
    let constant = delay.as_constant_ms().map(|ms| (ms, ms));
    let (min_ms, max_ms) = delay.as_uniform_ms().or(constant).ok_or(NotPredicted::NotUniform)?;
    if max_ms >= limit_s * 1000.0 {
        return Err(NotPredicted::Truncated);
    }
    Ok((min_ms, max_ms))
}

impl Prediction {
    /// Latency at quorum W of N followers over this network.
    ///
    /// # Errors
    /// Where the model does not apply, see [`NotPredicted`].
    pub fn new(network: &Network, followers: Followers, quorum: Quorum) -> Result<Self, NotPredicted> {
        if quorum.get() == 0 {
            return Ok(Self::Constant(0.0));
        }
        let bounds = bounds_ms(network, followers, quorum)?;
        Ok(Self::nth_smallest(bounds, quorum.get(), followers.get()))
    }

    /// How long after its acknowledgement at quorum W a write reaches the last of N followers:
    /// the greatest delay less the W-th smallest. That difference of uniform order statistics
    /// has the distribution of the (N - W)-th smallest of N delays from 0 to b - a (David and
    /// Nagaraja, "Order Statistics", 3rd edition (2003), section 2.5).
    ///
    /// # Errors
    /// Where the model does not apply, see [`NotPredicted`].
    pub fn lag(network: &Network, followers: Followers, quorum: Quorum) -> Result<Self, NotPredicted> {
        let (min_ms, max_ms) = bounds_ms(network, followers, quorum)?;
        if quorum.get() == 0 {
            return Ok(Self::nth_smallest((min_ms, max_ms), followers.get(), followers.get()));
        }
        Ok(match followers.get() - quorum.get() {
            0 => Self::Constant(0.0),
            rank => Self::nth_smallest((0.0, max_ms - min_ms), rank, followers.get()),
        })
    }

    /// The `rank`-th smallest of `of` delays, a rank there is.
    fn nth_smallest((min_ms, max_ms): (f64, f64), rank: u32, of: u32) -> Self {
        let constant = Self::Constant(min_ms);
        UniformDelay::new(min_ms, max_ms)
            .and_then(|delay| OrderStatistic::new(delay, rank, of))
            .map_or(constant, Self::OrderStatistic)
    }

    /// The mean in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        match self {
            Self::Constant(value_ms) => *value_ms,
            Self::OrderStatistic(statistic) => statistic.mean_ms(),
        }
    }

    /// The `p` quantile in milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        match self {
            Self::Constant(value_ms) => *value_ms,
            Self::OrderStatistic(statistic) => statistic.quantile_ms(p),
        }
    }

    /// The chance of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        match self {
            Self::Constant(value_ms) if x_ms < *value_ms => 0.0,
            Self::Constant(_) => 1.0,
            Self::OrderStatistic(statistic) => statistic.cdf(x_ms),
        }
    }

    /// The density at `x_ms`, per millisecond; `None` where it is all in one point.
    #[must_use]
    pub fn density(&self, x_ms: f64) -> Option<f64> {
        match self {
            Self::Constant(_) => None,
            Self::OrderStatistic(statistic) => Some(statistic.density(x_ms)),
        }
    }

    /// The figures that summaries hold measurements against.
    #[must_use]
    pub fn figures(&self) -> PredictedFigures {
        PredictedFigures {
            mean_ms: self.mean_ms(),
            median_ms: self.quantile_ms(0.5),
            p95_ms: self.quantile_ms(0.95),
            p99_ms: self.quantile_ms(0.99),
        }
    }
}
