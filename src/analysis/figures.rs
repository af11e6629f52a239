//! Everything that one run, and the runs of one experiment, say on their own.

use serde::Serialize;

use super::consistency::{Mechanism, RunConsistency};
use super::durability::Durability;
use super::expected::Expected;
use super::faults::{FaultFigures, faults_left_out};
use super::ks;
use super::latency::Latency;
use super::load::Load;
use super::overhead::Overhead;
use super::paired::{Paired, paired};
use super::stats::Interval;
use super::summary::Summary;
use crate::config::{Experiment, ExperimentName};
use crate::data::RunData;

/// The figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunFigures {
    /// Its line in the summary.
    pub summary: Summary,
    /// Latency, with intervals and theory.
    pub latency: Latency,
    /// Latency beyond the injected delays.
    pub overhead: Overhead,
    /// Writes in flight and a second; `None` of a run that took no time.
    pub load: Option<Load>,
    /// The followers against their leader.
    pub consistency: RunConsistency,
    /// Why the run could not end but consistent; `None` if only luck could bring that about.
    pub mechanism: Option<Mechanism>,
    /// Acknowledged writes that an older one replaced on some follower, for good or for a while.
    pub replaced: u64,
    /// What the model expects; `None` of a load too large to simulate, and where something was
    /// broken, which the model does not know.
    pub expected: Option<Expected>,
    /// What the faults did; `None` where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<FaultFigures>,
    /// See [`faults_left_out`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults_left_out: Vec<String>,
}

impl RunFigures {
    /// The figures of one run, with as many trials of the model as given, or none.
    #[must_use]
    pub fn of(run: &RunData, trials: Option<u32>) -> Self {
        let (latency, overhead, consistency) = (Latency::of(run), Overhead::of(run), RunConsistency::of(run));
        let (config, quorum) = (&run.manifest.config, run.manifest.quorum);
        Self {
            summary: Summary::from_parts(run, &latency, &overhead, &consistency),
            expected: trials
                .filter(|_| config.faults.is_empty())
                .map(|trials| Expected::simulate(config, quorum, trials)),
            faults: FaultFigures::of(run, &consistency),
            faults_left_out: faults_left_out(run),
            mechanism: Mechanism::of(run),
            replaced: Durability::of(run).overwritten_writes,
            load: Load::of(run, &overhead),
            latency,
            overhead,
            consistency,
        }
    }

    /// W.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.latency.quorum
    }
}

/// The runs of one experiment, by quorum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentFigures {
    /// Its name.
    pub name: ExperimentName,
    /// Its configuration, as its first run has it.
    pub config: Experiment,
    /// Its runs' figures, by ascending quorum.
    pub runs: Vec<RunFigures>,
    /// Each two of its runs, write by write, by the lower quorum, then the higher one.
    pub paired: Vec<Paired>,
}

/// What one more acknowledgement cost, from the lowest quorum to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CostPerAck {
    /// The lowest W of 1 to N that was run.
    pub from: u32,
    /// The highest.
    pub to: u32,
    /// Writes that met the same delays at both: the figures are theirs.
    pub n: u64,
    /// The mean cost of one of the acknowledgements between the two, in milliseconds.
    pub mean_ms: f64,
    /// Its 95 % interval.
    pub interval_ms: Interval,
    /// The cheapest step from one quorum to the next, for each acknowledgement, in milliseconds.
    pub least_ms: f64,
    /// The dearest.
    pub most_ms: f64,
    /// The mean cost by theory, in milliseconds.
    pub predicted_ms: Option<f64>,
}

impl CostPerAck {
    /// Of an experiment; `None` where no two of its runs share writes that met the same delays,
    /// or where the latencies of a run depend on each other, and one run of each W tells too little.
    #[must_use]
    pub fn of(experiment: &ExperimentFigures) -> Option<Self> {
        let within = 1..=experiment.followers();
        let steps = || experiment.steps().filter(|pair| within.contains(&pair.from) && within.contains(&pair.to));
        let (from, to) = (steps().map(|pair| pair.from).min()?, steps().map(|pair| pair.to).max()?);
        let whole = experiment.pair(from, to)?;
        if [from, to].iter().any(|w| experiment.at(*w).is_some_and(|run| run.latency.dependence.is_dependent)) {
            return None;
        }
        let mean = whole.mean?;
        let acks = |pair: &Paired| f64::from(pair.to) - f64::from(pair.from);
        let costs = || steps().filter_map(|pair| Some(pair.mean?.value_ms / acks(pair)));
        Some(Self {
            from,
            to,
            n: mean.n,
            mean_ms: mean.value_ms / acks(whole),
            interval_ms: Interval {
                lower: mean.interval_ms.lower.map(|end_ms| end_ms / acks(whole)),
                upper: mean.interval_ms.upper.map(|end_ms| end_ms / acks(whole)),
            },
            least_ms: costs().reduce(f64::min)?,
            most_ms: costs().reduce(f64::max)?,
            predicted_ms: whole.predicted_mean_ms.map(|predicted_ms| predicted_ms / acks(whole)),
        })
    }
}

impl ExperimentFigures {
    /// The figures of an experiment's runs, in any order; `None` without a run. The model gets
    /// as many trials as [can be afforded](Expected::affordable_trials).
    #[must_use]
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a RunData>) -> Option<Self> {
        Self::with_trials(runs, Expected::affordable_trials)
    }

    /// The same, with as many trials of the model as `trials` says.
    #[must_use]
    pub fn with_trials<'a>(
        runs: impl IntoIterator<Item = &'a RunData>,
        trials: impl Fn(&Experiment) -> Option<u32>,
    ) -> Option<Self> {
        let mut runs: Vec<&RunData> = runs.into_iter().collect();
        runs.sort_by_key(|run| run.manifest.quorum);
        let first = &runs.first()?.manifest;
        let mut figures: Vec<RunFigures> =
            runs.iter().map(|run| RunFigures::of(run, trials(&run.manifest.config))).collect();
        ks::correct(&mut figures.iter_mut().map(|run| &mut run.latency).collect::<Vec<_>>());
        Some(Self {
            name: first.experiment.clone(),
            config: first.config.clone(),
            paired: paired(&runs, &figures),
            runs: figures,
        })
    }

    /// The runs at these two quorums, write by write.
    #[must_use]
    pub fn pair(&self, from: u32, to: u32) -> Option<&Paired> {
        self.paired.iter().find(|pair| (pair.from, pair.to) == (from, to))
    }

    /// Each run and the one at the next higher quorum, write by write.
    pub fn steps(&self) -> impl Iterator<Item = &Paired> {
        self.runs.windows(2).filter_map(|two| self.pair(two[0].quorum(), two[1].quorum()))
    }

    /// The run at quorum W.
    #[must_use]
    pub fn at(&self, quorum: u32) -> Option<&RunFigures> {
        self.runs.iter().find(|run| run.quorum() == quorum)
    }

    /// N.
    #[must_use]
    pub fn followers(&self) -> u32 {
        self.config.followers.get()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::analysis::fixture::RunBuilder;

    #[test]
    fn runs_are_found_by_quorum_in_whatever_order_they_come() {
        let runs: Vec<RunData> = [5, 1, 3].map(|w| RunBuilder::new(w).write_with_delays(0, 9, &[1; 5]).build()).into();
        let figures = ExperimentFigures::of(&runs).unwrap();
        assert_eq!(figures.runs.iter().map(RunFigures::quorum).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!(figures.at(3).map(RunFigures::quorum), Some(3));
        assert_eq!((figures.at(2), figures.followers()), (None, 5));
        assert_eq!(figures.runs[0].expected.as_ref().map(|expected| expected.trials), Some(2_000));
    }

    #[test]
    fn an_acknowledgement_costs_the_paired_difference_between_the_ends_and_each_step_its_own() {
        // Each step costs a write 100, 250 and 10 ms; W = 0 is no acknowledgement at all.
        let latency_us = [1_000, 101_000, 201_000, 451_000, 461_000];
        let run = |w: u32| {
            let own = |write: u64| latency_us[w as usize] + write % 2 * 20_000 * u64::from(w);
            (0..40).fold(RunBuilder::new(w), |run, i| run.write_with_delays(i, own(i), &[1; 5])).build()
        };
        let runs: Vec<RunData> = [0, 1, 2, 3, 4].map(run).into();
        let cost = CostPerAck::of(&ExperimentFigures::with_trials(&runs, |_| None).unwrap()).unwrap();
        assert_eq!((cost.from, cost.to, cost.n), (1, 4, 40));
        assert_eq!((cost.mean_ms, cost.least_ms, cost.most_ms), (130.0, 20.0, 260.0));
        assert!(cost.interval_ms.lower.unwrap() < 130.0 && cost.predicted_ms.is_some());
        assert_eq!(CostPerAck::of(&ExperimentFigures::with_trials(&runs[..2], |_| None).unwrap()), None);
    }

    #[test]
    fn without_a_run_there_is_no_experiment() {
        assert_eq!(ExperimentFigures::of([]), None);
    }
}
