//! Everything that one run, and the runs of one experiment, say on their own.

use serde::Serialize;

use super::consistency::{Mechanism, RunConsistency};
use super::durability::Durability;
use super::expected::Expected;
use super::faults::{FaultFigures, faults_left_out};
use super::latency::Latency;
use super::overhead::Overhead;
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
        Some(Self {
            name: first.experiment.clone(),
            config: first.config.clone(),
            runs: runs.iter().map(|run| RunFigures::of(run, trials(&run.manifest.config))).collect(),
        })
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
    fn without_a_run_there_is_no_experiment() {
        assert_eq!(ExperimentFigures::of([]), None);
    }
}
