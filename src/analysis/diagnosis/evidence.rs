//! The figures by which a broken leader is recognised.

use serde::Serialize;

use crate::analysis::account::Account;
use crate::analysis::consistency::RunConsistency;
use crate::analysis::faults::undisturbed;
use crate::analysis::latency::{Latency, latency_series};
use crate::analysis::stats::Mean;
use crate::analysis::theory::{PredictedFigures, Prediction};
use crate::config::Experiment;
use crate::data::RunData;
use crate::model::Quorum;

/// The figures of one run that the rules look at. They can come from any leader's run, with
/// or without a trace. Latencies are those of writes that met no fault: what the others waited
/// for was not the leader.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeaderEvidence {
    /// W.
    pub quorum: u32,
    /// Mean latency.
    pub mean: Option<Mean>,
    /// Median latency in milliseconds.
    pub median_ms: Option<f64>,
    /// 99th percentile of latency in milliseconds.
    pub p99_ms: Option<f64>,
    /// The share of replications, 0 to 1, that never reached their follower; `None` without a trace.
    pub undelivered: Option<f64>,
    /// The share of pairs, 0 to 1, where the follower ended without the key; `None` where
    /// no store could be judged.
    pub missing: Option<f64>,
    /// What latency should be.
    pub predicted: Option<PredictedFigures>,
}

impl LeaderEvidence {
    /// The evidence of one run.
    #[must_use]
    pub fn of(run: &RunData, latency: &Latency, consistency: &RunConsistency) -> Self {
        Self::by(&Account::of(run), latency, consistency)
    }

    /// The same by an account of the run that others use too.
    #[must_use]
    pub fn by(account: &Account<'_>, latency: &Latency, consistency: &RunConsistency) -> Self {
        let run = account.run;
        let total = consistency.settled.total;
        let series = latency_series(run, undisturbed(run));
        let predicted = if run.faults.is_empty() {
            latency.predicted
        } else {
            Prediction::new(&run.manifest.config, run.manifest.quorum).ok().map(|prediction| prediction.figures())
        };
        Self {
            quorum: latency.quorum,
            mean: series.mean(),
            median_ms: series.sample().quantile_ms(0.5),
            p99_ms: series.sample().quantile_ms(0.99),
            undelivered: undelivered(account),
            missing: (total.pairs() > 0).then(|| total.missing as f64 / total.pairs() as f64),
            predicted,
        }
    }
}

/// A run that has a latency and a prediction to hold it against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    pub(super) quorum: u32,
    pub(super) mean_ms: f64,
    /// Four standard errors of the mean.
    pub(super) margin_ms: f64,
    pub(super) predicted: PredictedFigures,
}

/// An experiment's evidence beside what theory says.
pub(super) struct ExperimentEvidence<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) evidence: &'a [LeaderEvidence],
    /// Runs at 1 to N, by quorum.
    pub(super) compared: Vec<Compared>,
}

impl<'a> ExperimentEvidence<'a> {
    pub(super) fn new(experiment: &'a Experiment, evidence: &'a [LeaderEvidence]) -> Self {
        let compare = |run: &LeaderEvidence| {
            let mean = run.mean.filter(|_| run.quorum > 0)?;
            Some(Compared {
                quorum: run.quorum,
                mean_ms: mean.value_ms,
                margin_ms: 4.0 * mean.standard_error_ms?,
                predicted: run.predicted?,
            })
        };
        Self { experiment, evidence, compared: evidence.iter().filter_map(compare).collect() }
    }

    pub(super) fn followers(&self) -> u32 {
        self.experiment.followers.get()
    }

    /// Mean latency at W by theory.
    pub(super) fn predicted_ms(&self, quorum: u32) -> Option<f64> {
        let run = self.evidence.iter().find(|run| run.quorum == quorum);
        let known = run.and_then(|run| run.predicted).map(|predicted| predicted.mean_ms);
        known.or_else(|| {
            let quorum = Quorum::try_from(i64::from(quorum)).ok()?;
            Some(Prediction::new(self.experiment, quorum).ok()?.mean_ms())
        })
    }
}

/// The share of a run's replications that reached no follower, of those writes of which that is known.
fn undelivered(account: &Account<'_>) -> Option<f64> {
    let run = account.run;
    // Without a trace and without reads nothing is known of any copy.
    if !run.manifest.capabilities().trace && run.reads.is_empty() {
        return None;
    }
    let arrivals = account.copies().writes.iter().filter(|write| write.is_exact()).flat_map(|write| &write.arrivals);
    let (all, lost) = arrivals
        .fold((0_u64, 0_u64), |(all, lost), arrival| (all + 1, lost + u64::from(arrival.earliest_us.is_none())));
    (all > 0).then(|| lost as f64 / all as f64)
}
