//! Times at a write quorum by Monte Carlo, where no formula gives them. On independent links single
//! writes are drawn; on ordered ones whole runs, since a copy that is late holds up those behind it.
//!
//! Where the software's own time is known (see [`OwnTime`]), each write of a simulated run over ordered links takes one of the
//! measured latencies, drawn anew, before it enters the links. So writes that start together do not enter together, and meet
//! different slots of the links' delays, as real ones do. The limits of that: a part of the real time comes after the links,
//! where it moves no entry; draws are independent, while real ones hang together where a machine stalls; and the time was
//! measured while writes followed each other without a pause, which may make it longer than between delays.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use serde::Serialize;

use crate::analysis::expected::{Expectation, Model};
use crate::analysis::own_time::OwnTime;
use crate::analysis::random::stream;
use crate::analysis::stats::{Interval, Sample};
use crate::analysis::way::Way;
use crate::config::Experiment;
use crate::model::{LinkOrder, Quorum, TimeSpan};

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

/// How much the figures of one run differ from those of another that differs in its seed alone: the
/// middle 95 % of the simulated runs.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RunSpread {
    /// Simulated runs.
    pub runs: u32,
    /// Of a run's mean, in milliseconds.
    pub mean_ms: Interval,
    /// Of its median.
    pub median_ms: Interval,
    /// Of its 95th percentile.
    pub p95_ms: Interval,
    /// Of its 99th percentile.
    pub p99_ms: Interval,
}

/// Fewest runs that are simulated: below it their middle 95 % would rest on a single run.
const MIN_RUNS: u32 = 80;

/// Most runs that are simulated.
const MAX_RUNS: u32 = 500;

/// The times of the drawn writes that have one: of those that reach their quorum in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// Ascending, in milliseconds; never empty.
    values_ms: Arc<[f64]>,
    is_continuous: bool,
    draws: u32,
    spread: Option<RunSpread>,
    has_own_time: bool,
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
        let mut latencies_us = Runs::default();
        each_write(experiment, quorum, |run, _, latency_us| latencies_us.push(run, latency_us));
        Self::of(latencies_us, experiment)
    }

    /// Latency over ordered links at quorum W, of software that takes time; `None` where no drawn write is acknowledged.
    pub(super) fn latency_with_own_time(experiment: &Experiment, quorum: Quorum, own: &OwnTime) -> Option<Self> {
        let mut latencies_us = Runs::default();
        each_write_of_runs(experiment, quorum, Some(own), |run, _, latency_us| latencies_us.push(run, latency_us));
        let simulated = Self::of(latencies_us, experiment)?;
        Some(Self { has_own_time: true, ..simulated })
    }

    /// From the acknowledgement at quorum W to the last follower.
    pub(super) fn lag(experiment: &Experiment, quorum: Quorum) -> SimulatedLag {
        let limit_us = experiment.network.replication_timeout_s.span();
        let mut lags_us = Runs::default();
        let (mut copies, mut behind) = (0_u64, 0_u64);
        each_write(experiment, quorum, |run, arrivals_us, latency_us| {
            let Some(latency_us) = latency_us else { return };
            copies += arrivals_us.len() as u64;
            behind +=
                arrivals_us.iter().filter(|arrival| **arrival > latency_us || **arrival >= limit_us).count() as u64;
            let last_us = arrivals_us.iter().copied().max().unwrap_or_default();
            lags_us.push(run, (last_us < limit_us).then(|| last_us.saturating_sub(latency_us)));
        });
        let behind = (copies > 0).then(|| behind as f64 / copies as f64);
        SimulatedLag { lag: Self::of(lags_us, experiment), behind }
    }

    fn of(values_us: Runs, experiment: &Experiment) -> Option<Self> {
        let is_ordered = experiment.link_order() == LinkOrder::Ordered;
        let spread = if is_ordered { values_us.spread() } else { None };
        let draws = values_us.draws;
        let mut values_us: Vec<TimeSpan> = values_us.by_run.into_iter().flatten().collect();
        values_us.sort_unstable();
        let values_ms: Arc<[f64]> = values_us.into_iter().map(TimeSpan::as_ms).collect();
        let links = experiment.network.links(experiment.followers.get());
        let is_continuous = links.iter().all(|link| link.write.is_continuous());
        (!values_ms.is_empty()).then_some(Self { values_ms, is_continuous, draws, spread, has_own_time: false })
    }

    /// How the figures came about.
    #[must_use]
    pub fn method(&self) -> MonteCarlo {
        let n = self.values_ms.len() as f64;
        let mean = self.mean_ms();
        let squares: f64 = self.values_ms.iter().map(|value| (value - mean).powi(2)).sum();
        let of_writes = (squares / (n - 1.0).max(1.0) / n).sqrt();
        // The writes of a run hang together: only runs are independent.
        let error = self.spread.map_or(of_writes, |spread| spread.mean_standard_error_ms());
        MonteCarlo { draws: self.draws, mean_standard_error_ms: error }
    }

    /// How much runs differ; `None` where links are independent.
    #[must_use]
    pub fn spread(&self) -> Option<RunSpread> {
        self.spread
    }

    /// Whether each write took the software's own time before it entered the links.
    #[must_use]
    pub fn has_own_time(&self) -> bool {
        self.has_own_time
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

/// Values of writes by the run that they belong to.
#[derive(Default)]
struct Runs {
    by_run: Vec<Vec<TimeSpan>>,
    draws: u32,
}

impl Runs {
    /// Adds what a drawn write of run `run` came to, if anything. Runs come in their order.
    fn push(&mut self, run: usize, value_us: Option<TimeSpan>) {
        if self.by_run.len() <= run {
            self.by_run.resize_with(run + 1, Vec::new);
        }
        self.draws += 1;
        if let Some(values) = self.by_run.last_mut() {
            values.extend(value_us);
        }
    }

    /// The middle 95 % of the runs' figures; `None` if some run has no value.
    fn spread(&self) -> Option<RunSpread> {
        let figures: Vec<[f64; 4]> = self.by_run.iter().map(|run| figures_ms(run)).collect::<Option<_>>()?;
        let middle = |index: usize| {
            let expectation = Expectation::of(figures.iter().map(|figures| figures[index]).collect());
            Interval { lower: Some(expectation.low), upper: Some(expectation.high) }
        };
        let runs = u32::try_from(figures.len()).ok().filter(|runs| *runs > 0)?;
        Some(RunSpread { runs, mean_ms: middle(0), median_ms: middle(1), p95_ms: middle(2), p99_ms: middle(3) })
    }
}

/// Mean, median, 95th and 99th percentile of one run's values, in milliseconds.
fn figures_ms(values_us: &[TimeSpan]) -> Option<[f64; 4]> {
    let sample: Sample = values_us.iter().copied().collect();
    let quantile = |p| sample.quantile_ms(p);
    Some([sample.mean_ms()?, quantile(0.5)?, quantile(0.95)?, quantile(0.99)?])
}

impl RunSpread {
    /// The standard error of the mean over all runs, by the width of the middle 95 %.
    fn mean_standard_error_ms(&self) -> f64 {
        let Interval { lower, upper } = self.mean_ms;
        let width_ms = lower.zip(upper).map_or(0.0, |(lower, upper)| upper - lower);
        width_ms / (2.0 * 1.96) / f64::from(self.runs).sqrt()
    }
}

/// Draws writes and hands on to which run each belongs, when it arrives at its followers, and after
/// how long it is acknowledged, if ever. What never arrives does so at the end of time.
fn each_write(experiment: &Experiment, quorum: Quorum, mut take: impl FnMut(usize, &[TimeSpan], Option<TimeSpan>)) {
    if experiment.link_order() == LinkOrder::Ordered {
        return each_write_of_runs(experiment, quorum, None, take);
    }
    let Experiment { network, followers, .. } = experiment;
    let (copy_limit_us, write_limit_us) =
        (network.replication_timeout_s.span(), network.global_request_timeout_s.span());
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
            None => Some(TimeSpan::ZERO),
            Some(index) => answers_us.get(index).copied().filter(|latency_us| *latency_us < write_limit_us),
        };
        take(0, &arrivals_us, latency_us);
    }
}

/// The same over ordered links: the writes of whole runs. With and without the software's own time, run i meets the same links.
fn each_write_of_runs(
    experiment: &Experiment,
    quorum: Quorum,
    own: Option<&OwnTime>,
    mut take: impl FnMut(usize, &[TimeSpan], Option<TimeSpan>),
) {
    let model = Model::new(experiment, quorum);
    let mut rng: ChaCha8Rng = stream(experiment.seed, "analysis: theory of ordered links");
    let mut own_rng: ChaCha8Rng = stream(experiment.seed, "analysis: own time of the software");
    let mut scratch = model.scratch();
    let (_, followers) = model.size();
    let runs = (DRAWS / experiment.workload.writes.get()).clamp(MIN_RUNS, MAX_RUNS);
    let mut arrivals_us = Vec::new();
    for run in 0..runs as usize {
        match own {
            Some(own) => model.run_with_own_time(&mut scratch, &mut rng, own.latencies_us(), &mut own_rng),
            None => {
                model.run(&mut scratch, &mut rng);
            }
        }
        for (arrivals, latency_us) in scratch.times(followers) {
            arrivals_us.clear();
            arrivals_us.extend(arrivals.map(|arrival_us| arrival_us.unwrap_or(TimeSpan::MAX)));
            take(run, &arrivals_us, latency_us);
        }
    }
}
