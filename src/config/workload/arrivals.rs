//! `pacing`, `rate_per_s` and `arrivals`: when writes start.

use clap::ValueEnum;
use rand_distr::{Distribution as _, Exp};
use serde::{Deserialize, Serialize};

use super::Workload;
use crate::config::setting::{choice, optional_setting};
use crate::model::{Accepted, Micros, named_stream, ranged_integer};

/// When the next write starts.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// As soon as one ends
    Window,
    /// In batches: a batch starts when all of the one before have ended
    Batch,
    /// At its time, `rate_per_s` in a second, whether or not those before have ended
    Open,
}

choice!(Pacing);

ranged_integer!(
    /// How many writes are to start in a second.
    Rate(u32), "the rate", 1..=1_000_000
);

/// How far apart the writes of an open loop start.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// As those of many clients that know nothing of each other: a Poisson process
    #[default]
    Poisson,
    /// At equal distances
    Constant,
}

choice!(Arrivals);
optional_setting!(Rate, Arrivals);

impl Rate {
    /// What is accepted.
    pub(super) fn in_words() -> String {
        format!("the number of writes that start in a second: {}", Self::accepted())
    }
}

impl Workload {
    /// When each write is to start, by write: microseconds from the start of the load, in ascending order. The same at
    /// every quorum, and of the seed if arrivals are random. `None` of a closed loop, where writes start as others end.
    #[must_use]
    pub fn intended_starts(&self, seed: u64) -> Option<Vec<Micros>> {
        let rate = f64::from(self.rate_per_s.filter(|_| self.pacing == Pacing::Open)?.get());
        // A rate is above 0, as the distribution asks.
        let gaps_s = Exp::new(rate).ok().filter(|_| self.arrivals.unwrap_or_default() == Arrivals::Poisson);
        let mut rng = named_stream(seed, "load: arrivals");
        let mut at_s = 0.0;
        let start = |write: u32| {
            match gaps_s {
                Some(gaps_s) => at_s += gaps_s.sample(&mut rng),
                None => at_s = f64::from(write) / rate,
            }
            Micros::new((at_s * 1e6).round() as i64)
        };
        Some((0..self.writes.get()).map(start).collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn open(arrivals: Arrivals) -> Workload {
        let (writes, rate) = (20_000.try_into().unwrap(), 200.try_into().unwrap());
        let (rate_per_s, arrivals) = (Some(rate), Some(arrivals));
        Workload { writes, pacing: Pacing::Open, rate_per_s, arrivals, ..Workload::default() }
    }

    #[test]
    fn a_closed_loop_intends_no_starts() {
        assert_eq!(Workload::default().intended_starts(42), None);
    }

    #[test]
    fn constant_arrivals_are_equally_far_apart() {
        let starts = open(Arrivals::Constant).intended_starts(42).unwrap();
        assert_eq!(starts[..3], [0, 5_000, 10_000].map(Micros::new));
        assert_eq!(starts.last(), Some(&Micros::new(19_999 * 5_000)));
    }

    #[test]
    fn poisson_arrivals_come_at_the_rate_with_exponential_gaps() {
        let starts = open(Arrivals::Poisson).intended_starts(42).unwrap();
        assert!(starts.is_sorted());
        let gaps_s: Vec<f64> = starts.windows(2).map(|pair| (pair[1] - pair[0]).as_ms() / 1_000.0).collect();
        let mean_s = gaps_s.iter().sum::<f64>() / gaps_s.len() as f64;
        // Four standard errors of the mean, 5 ms.
        assert!((mean_s - 0.005).abs() < 4.0 * 0.005 / (gaps_s.len() as f64).sqrt(), "{mean_s}");
        let longer = gaps_s.iter().filter(|gap_s| **gap_s > 0.005).count() as f64 / gaps_s.len() as f64;
        assert!((longer - (-1.0_f64).exp()).abs() < 0.014, "{longer}");
    }

    #[test]
    fn arrivals_are_a_function_of_the_seed() {
        let starts = |seed| open(Arrivals::Poisson).intended_starts(seed);
        assert_eq!(starts(1), starts(1));
        assert_ne!(starts(1), starts(2));
    }
}
