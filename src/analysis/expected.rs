//! What the model expects of a run: a seeded Monte Carlo of the experiment with its delays and
//! software that takes no time.

use rand::rngs::ChaCha8Rng;
use serde::Serialize;

pub(super) use self::model::Model;
use self::model::Trial;
use super::random::stream;
use crate::config::Experiment;
use crate::model::{CatchUp, Quorum};

mod model;
#[cfg(test)]
mod tests;
mod with_own_time;

/// The distribution of one figure of a run over the trials.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expectation {
    /// Its mean.
    pub mean: f64,
    /// The mean's standard error, from the number of trials.
    pub standard_error: f64,
    /// At most 2.5 % of the trials were below.
    pub low: f64,
    /// At most 2.5 % of the trials were above.
    pub high: f64,
}

impl Expectation {
    /// Of at least one value, each finite.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let beyond = (n * 0.025) as usize;
        let at = |index: usize| values.get(index).copied().unwrap_or(mean);
        Self {
            mean,
            standard_error: (squares / (n - 1.0).max(1.0) / n).sqrt(),
            low: at(beyond),
            high: at(values.len() - 1 - beyond),
        }
    }
}

/// What the model expects of a run at one quorum.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expected {
    /// W.
    pub quorum: u32,
    /// Simulated runs.
    pub trials: u32,
    /// Pairs of follower and key in each.
    pub pairs: u64,
    /// Pairs that do not match once nothing is in flight.
    pub diverged: Expectation,
    /// The chance that any pair does not match then.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub chance_of_any: f64,
    /// Its standard error, from the number of trials.
    pub chance_standard_error: f64,
    /// Pairs that do not match when the last write is answered.
    pub behind_at_last_ack: Expectation,
    /// A run's mean latency over its acknowledged writes in milliseconds; `None` where there
    /// is a run without any.
    pub mean_latency_ms: Option<Expectation>,
    /// From a run's start to its last answer, in milliseconds.
    pub load_ms: Expectation,
}

impl Expected {
    /// Simulates `trials` runs of the experiment at a quorum, at least one. The delays do not
    /// depend on the quorum, as in a real run; the same experiment gives the same figures.
    #[must_use]
    pub fn simulate(experiment: &Experiment, quorum: Quorum, trials: u32) -> Self {
        let model = Model::new(experiment, quorum);
        let mut rng: ChaCha8Rng = stream(experiment.seed, "analysis: expected");
        let mut scratch = model.scratch();
        let trials = trials.max(1);
        let runs: Vec<Trial> = (0..trials).map(|_| model.run(&mut scratch, &mut rng)).collect();
        Self::from_trials(quorum, model.pairs(), trials, &runs)
    }

    /// How many trials give useful figures in well under half a second: 2,000 of the lab, fewer
    /// of larger runs, none (`None`) of those where a single trial would take too long, or that
    /// the model knows nothing of: it brings no follower up to date.
    #[must_use]
    pub fn affordable_trials(experiment: &Experiment) -> Option<u32> {
        if experiment.network.catch_up != CatchUp::Off {
            return None;
        }
        const DRAWS: u64 = 4_000_000;
        const FEWEST: u64 = 20;
        const MOST: u64 = 2_000;
        let draws = u64::from(experiment.workload.writes.get()) * u64::from(experiment.followers.get());
        let trials = (DRAWS / draws).min(MOST);
        u32::try_from(trials).ok().filter(|_| trials >= FEWEST)
    }

    fn from_trials(quorum: Quorum, pairs: u64, trials: u32, runs: &[Trial]) -> Self {
        let expectation = |figure: fn(&Trial) -> f64| Expectation::of(runs.iter().map(figure).collect());
        let n = f64::from(trials);
        let chance = runs.iter().filter(|run| run.diverged > 0).count() as f64 / n;
        let latencies: Option<Vec<f64>> = runs.iter().map(Trial::mean_latency_ms).collect();
        Self {
            quorum: quorum.get(),
            trials,
            pairs,
            diverged: expectation(|run| run.diverged as f64),
            chance_of_any: chance,
            chance_standard_error: (chance * (1.0 - chance) / n).sqrt(),
            behind_at_last_ack: expectation(|run| run.behind_at_last_ack as f64),
            mean_latency_ms: latencies.map(Expectation::of),
            load_ms: expectation(|run| run.load_us.as_ms()),
        }
    }
}
