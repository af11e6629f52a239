//! What latency at a write quorum should be, were the software free: the W-th smallest of
//! the N injected delays.

use serde::Serialize;
use statrs::distribution::{Beta, Continuous, ContinuousCDF};

use crate::config::{DelayRange, Followers, Network, Quorum};

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

/// Whether delays on this network can be told from their distribution alone.
fn applies(network: &Network, followers: Followers, quorum: Quorum) -> Result<(), NotPredicted> {
    if quorum.get() > followers.get() {
        return Err(NotPredicted::QuorumBeyondFollowers);
    }
    let limit_s = network.replication_timeout_s.secs().min(network.global_request_timeout_s.secs());
    if f64::from(network.delay.max_ms()) >= limit_s * 1000.0 {
        return Err(NotPredicted::Truncated);
    }
    Ok(())
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
        applies(network, followers, quorum)?;
        Ok(Self::nth_smallest(network.delay, quorum.get(), followers.get()))
    }

    /// How long after its acknowledgement at quorum W a write reaches the last of N followers:
    /// the greatest delay less the W-th smallest. That difference of uniform order statistics
    /// has the distribution of the (N - W)-th smallest of N delays from 0 to b - a (David and
    /// Nagaraja, "Order Statistics", 3rd edition (2003), section 2.5).
    ///
    /// # Errors
    /// Where the model does not apply, see [`NotPredicted`].
    pub fn lag(network: &Network, followers: Followers, quorum: Quorum) -> Result<Self, NotPredicted> {
        applies(network, followers, quorum)?;
        let delay = network.delay;
        if quorum.get() == 0 {
            return Ok(Self::nth_smallest(delay, followers.get(), followers.get()));
        }
        // A part of a valid range is one.
        let spread = DelayRange::new(0, delay.max_ms() - delay.min_ms()).unwrap_or(delay);
        Ok(match followers.get() - quorum.get() {
            0 => Self::Constant(0.0),
            rank => Self::nth_smallest(spread, rank, followers.get()),
        })
    }

    /// The `rank`-th smallest of `of` delays, a rank there is.
    fn nth_smallest(delay: DelayRange, rank: u32, of: u32) -> Self {
        let constant = Self::Constant(f64::from(delay.min_ms()));
        UniformDelay::new(f64::from(delay.min_ms()), f64::from(delay.max_ms()))
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
