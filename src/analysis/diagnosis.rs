//! Recognises a broken leader by its figures across quorums, and says so in words.

use serde::Serialize;

use self::rules::{below_theory, cancels_at_quorum, excess_at_low_w, p99_below_median, waits_for_all, waits_for_none};
use super::consistency::RunConsistency;
use super::copies::Copies;
use super::faults::undisturbed;
use super::latency::{Latency, latency_series};
use super::stats::Mean;
use super::theory::{PredictedFigures, Prediction};
use crate::config::{Experiment, Quorum};
use crate::data::RunData;

mod rules;
#[cfg(test)]
mod tests;

/// What is wrong with the leader, or with how it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It waits for every follower, whatever W is.
    WaitsForAll,
    /// It waits for no follower, whatever W is.
    WaitsForNone,
    /// It answers with fewer than W acknowledgements.
    FewerThanW,
    /// Something it shares between writes is used up where writes are fast.
    SaturatedPool,
    /// The percentiles were not taken from sorted latencies.
    UnsortedPercentiles,
    /// It gives replication up once the quorum is reached.
    CancelsAtQuorum,
}

/// One figure that speaks for a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reading {
    /// W.
    pub quorum: u32,
    /// The figure.
    pub measured: f64,
    /// What it should be.
    pub expected: f64,
}

/// A recognised fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The fault.
    pub fault: Fault,
    /// What shows it, in a sentence or two.
    pub sentence: String,
    /// The figures by quorum: mean latencies in milliseconds; for [`Fault::UnsortedPercentiles`]
    /// p99 and the median; for [`Fault::CancelsAtQuorum`] shares from 0 to 1.
    pub readings: Vec<Reading>,
}

/// The figures of one run that the rules look at. They can come from any leader's run, with
/// or without a trace. Latencies are those of writes that met no fault: what the others waited
/// for was not the leader.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Symptoms {
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

impl Symptoms {
    /// The symptoms of one run.
    #[must_use]
    pub fn of(run: &RunData, latency: &Latency, consistency: &RunConsistency) -> Self {
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
            undelivered: undelivered(run),
            missing: (total.pairs() > 0).then(|| total.missing as f64 / total.pairs() as f64),
            predicted,
        }
    }
}

/// Looks for every fault in the runs of an experiment, given by ascending quorum.
#[must_use]
pub fn diagnose(experiment: &Experiment, symptoms: &[Symptoms]) -> Vec<Diagnosis> {
    let patient = Patient::new(experiment, symptoms);
    // A leader that waits for all is slow at low W as well, and one that waits for none is
    // below theory: the first of such a pair says it all.
    let waiting = waits_for_all(&patient).or_else(|| excess_at_low_w(&patient));
    let hasty = waits_for_none(&patient).or_else(|| below_theory(&patient));
    [waiting, hasty, cancels_at_quorum(&patient), p99_below_median(&patient)].into_iter().flatten().collect()
}

/// A run that has a latency and a prediction to hold it against.
#[derive(Debug, Clone, Copy)]
struct Compared {
    quorum: u32,
    mean_ms: f64,
    /// Four standard errors of the mean.
    margin_ms: f64,
    predicted: PredictedFigures,
}

/// An experiment's symptoms beside what theory says.
struct Patient<'a> {
    experiment: &'a Experiment,
    symptoms: &'a [Symptoms],
    /// Runs at 1 to N, by quorum.
    compared: Vec<Compared>,
}

impl<'a> Patient<'a> {
    fn new(experiment: &'a Experiment, symptoms: &'a [Symptoms]) -> Self {
        let compare = |run: &Symptoms| {
            let mean = run.mean.filter(|_| run.quorum > 0)?;
            Some(Compared {
                quorum: run.quorum,
                mean_ms: mean.value_ms,
                margin_ms: 4.0 * mean.standard_error_ms?,
                predicted: run.predicted?,
            })
        };
        Self { experiment, symptoms, compared: symptoms.iter().filter_map(compare).collect() }
    }

    fn followers(&self) -> u32 {
        self.experiment.followers.get()
    }

    /// Mean latency at W by theory.
    fn predicted_ms(&self, quorum: u32) -> Option<f64> {
        let run = self.symptoms.iter().find(|run| run.quorum == quorum);
        let known = run.and_then(|run| run.predicted).map(|predicted| predicted.mean_ms);
        known.or_else(|| {
            let quorum = Quorum::try_from(i64::from(quorum)).ok()?;
            Some(Prediction::new(self.experiment, quorum).ok()?.mean_ms())
        })
    }
}

/// The share of a run's replications that reached no follower, of those writes of which that is known.
fn undelivered(run: &RunData) -> Option<f64> {
    let copies = Copies::of(run);
    let arrivals = copies.writes.iter().filter(|write| write.is_exact()).flat_map(|write| &write.arrivals);
    let (all, lost) = arrivals
        .fold((0_u64, 0_u64), |(all, lost), arrival| (all + 1, lost + u64::from(arrival.earliest_us.is_none())));
    (all > 0).then(|| lost as f64 / all as f64)
}
