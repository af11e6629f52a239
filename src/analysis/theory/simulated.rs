//! Times at a write quorum by Monte Carlo, where no formula gives them.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use serde::Serialize;

use crate::analysis::random::stream;
use crate::analysis::way::Way;
use crate::config::{Experiment, Quorum};

/// Writes that are drawn.
const DRAWS: u32 = 100_000;

/// How a figure was simulated.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MonteCarlo {
    /// Writes drawn.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub draws: u32,
    /// The standard error of their mean, in milliseconds.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub mean_standard_error_ms: f64,
}

/// The times of the drawn writes that have one: of those that reach their quorum in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// Ascending, in milliseconds; never empty.
    values_ms: Arc<[f64]>,
    is_continuous: bool,
}

/// What is simulated of a lag.
pub(super) struct SimulatedLag {
    /// `None` where no drawn write reaches its quorum and every follower in time.
    pub(super) lag: Option<Simulated>,
    /// The share of followers, 0 to 1, that do not have a write at its acknowledgement.
    pub(super) behind: Option<f64>,
}

impl Simulated {
    /// Latency at quorum W, which is at least 1; `None` where no drawn write is acknowledged.
    pub(super) fn latency(experiment: &Experiment, quorum: Quorum) -> Option<Self> {
        let mut latencies_us = Vec::with_capacity(DRAWS as usize);
        each_write(experiment, quorum, |_, latency_us| latencies_us.extend(latency_us));
        Self::of(latencies_us, experiment)
    }

    /// From the acknowledgement at quorum W to the last follower.
    pub(super) fn lag(experiment: &Experiment, quorum: Quorum) -> SimulatedLag {
        let limit_us = experiment.network.replication_timeout_s.micros().length();
        let mut lags_us = Vec::with_capacity(DRAWS as usize);
        let (mut copies, mut behind) = (0_u64, 0_u64);
        each_write(experiment, quorum, |arrivals_us, latency_us| {
            let Some(latency_us) = latency_us else { return };
            copies += arrivals_us.len() as u64;
            behind +=
                arrivals_us.iter().filter(|arrival| **arrival > latency_us || **arrival >= limit_us).count() as u64;
            let last_us = arrivals_us.iter().copied().max().unwrap_or(0);
            if last_us < limit_us {
                lags_us.push(last_us.saturating_sub(latency_us));
            }
        });
        let behind = (copies > 0).then(|| behind as f64 / copies as f64);
        SimulatedLag { lag: Self::of(lags_us, experiment), behind }
    }

    fn of(mut values_us: Vec<u64>, experiment: &Experiment) -> Option<Self> {
        values_us.sort_unstable();
        let values_ms: Arc<[f64]> = values_us.into_iter().map(|us| us as f64 / 1000.0).collect();
        let links = experiment.network.links(experiment.followers.get());
        let is_continuous = links.iter().all(|link| link.write.is_continuous());
        (!values_ms.is_empty()).then_some(Self { values_ms, is_continuous })
    }

    /// How the figures came about.
    #[must_use]
    pub fn method(&self) -> MonteCarlo {
        let n = self.values_ms.len() as f64;
        let mean = self.mean_ms();
        let squares: f64 = self.values_ms.iter().map(|value| (value - mean).powi(2)).sum();
        MonteCarlo { draws: DRAWS, mean_standard_error_ms: (squares / (n - 1.0).max(1.0) / n).sqrt() }
    }

    /// How many values there are: draws that have one.
    #[must_use]
    pub fn n(&self) -> usize {
        self.values_ms.len()
    }

    /// Whether no single value but 0 has a chance of its own.
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        // A lag of 0 is the time of a write that is everywhere before it is acknowledged.
        self.is_continuous && self.values_ms.first().is_some_and(|least| *least > 0.0)
    }

    /// The mean in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.values_ms.iter().sum::<f64>() / self.values_ms.len() as f64
    }

    /// The `p` quantile in milliseconds; `p` outside 0 to 1 is taken as the nearer end.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        let last = self.values_ms.len() - 1;
        let rank = (p.clamp(0.0, 1.0) * self.values_ms.len() as f64).ceil() as usize;
        self.values_ms[rank.saturating_sub(1).min(last)]
    }

    /// The share of values of at most `x_ms`.
    #[must_use]
    pub fn cdf(&self, x_ms: f64) -> f64 {
        self.values_ms.partition_point(|value| *value <= x_ms) as f64 / self.values_ms.len() as f64
    }
}

/// Draws writes and hands on when each arrives at its followers, and after how long it is
/// acknowledged, if ever, in microseconds.
fn each_write(experiment: &Experiment, quorum: Quorum, mut take: impl FnMut(&[u64], Option<u64>)) {
    let Experiment { network, followers, .. } = experiment;
    let (copy_limit_us, write_limit_us) =
        (network.replication_timeout_s.micros().length(), network.global_request_timeout_s.micros().length());
    let ways: Vec<Way> = network.links(followers.get()).into_iter().map(Way::new).collect();
    let mut rng: ChaCha8Rng = stream(experiment.seed, "analysis: theory");
    let (mut arrivals_us, mut answers_us) = (Vec::new(), Vec::new());
    for _ in 0..DRAWS {
        arrivals_us.clear();
        answers_us.clear();
        for way in &ways {
            let (arrival_us, answer_us) = way.draw_us(&mut rng);
            arrivals_us.push(arrival_us);
            answers_us.extend((answer_us < copy_limit_us).then_some(answer_us));
        }
        answers_us.sort_unstable();
        let latency_us = match (quorum.get() as usize).checked_sub(1) {
            None => Some(0),
            Some(index) => answers_us.get(index).copied().filter(|latency_us| *latency_us < write_limit_us),
        };
        take(&arrivals_us, latency_us);
    }
}
