//! Everything that the runs of one experiment say together.

use std::cmp::Reverse;

use serde::Serialize;

use super::expected::Expected;
use super::multiple::correct;
use super::paired::{Pairable, Paired, paired, same_writes};
use super::run_figures::RunFigures;
use super::stats::Interval;
use crate::config::{Experiment, ExperimentName};
use crate::data::{Manifest, RunData};
use crate::model::{SystemFacts, SystemName};

/// The runs of one experiment, by quorum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExperimentFigures {
    /// Its name.
    pub name: ExperimentName,
    /// Its configuration, as the first of its runs with the most followers has it.
    pub config: Experiment,
    /// What it measured; `None` of runs that were saved before that was kept, which measured the lab's node.
    #[serde(skip)]
    pub system: Option<SystemFacts>,
    /// Its runs' figures, by ascending quorum.
    pub runs: Vec<RunFigures>,
    /// Each two of its runs, write by write, by the lower quorum, then the higher one.
    pub paired: Vec<Paired>,
    /// What one more acknowledgement cost; `None` where the runs do not tell.
    pub cost_per_ack: Option<CostPerAck>,
}

/// One run of an experiment, reduced to what the figures of all its runs need.
#[derive(Debug)]
pub struct RunParts<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Its own figures.
    pub figures: RunFigures,
    /// What is compared with the other runs; see [`Pairable::of`].
    pub pairable: Option<Pairable>,
}

/// What one more acknowledgement cost, from the lowest quorum to the highest.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CostPerAck {
    /// The lowest W of 1 to N that was run.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub from: u32,
    /// The highest.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub to: u32,
    /// Writes acknowledged at every W of 1 to N that was run, with the same delays: all figures are
    /// theirs, so that the mean lies between the cheapest step and the dearest.
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
    /// Of an experiment's runs by ascending quorum, and their figures; `None` where no write met the
    /// same delays in all of them, or where the latencies of the lowest or the highest W depend on
    /// each other, and one run of each W tells too little.
    fn of(runs: &[&Pairable], figures: &[RunFigures]) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last().filter(|_| runs.len() > 1)?);
        let (from, to) = (first.quorum(), last.quorum());
        let at = |quorum: u32| figures.iter().find(|run| run.quorum() == quorum);
        if [from, to].into_iter().filter_map(at).any(|run| run.latency.dependence.is_dependent) {
            return None;
        }
        let writes = same_writes(runs);
        let cost = |from: &Pairable, to: &Pairable| {
            let mean = Paired::of_writes(from, to, |write| writes.contains(&write)).mean?;
            Some((mean, f64::from(to.quorum() - from.quorum())))
        };
        let steps = || runs.windows(2).filter_map(|two| cost(two[0], two[1]));
        let costs = || steps().map(|(mean, acks)| mean.value_ms / acks);
        let (mean, acks) = cost(first, last)?;
        let predicted_ms = |quorum| Some(at(quorum)?.latency.predicted?.mean_ms);
        Some(Self {
            from,
            to,
            n: mean.n,
            mean_ms: mean.value_ms / acks,
            interval_ms: Interval {
                lower: mean.interval_ms.lower.map(|end_ms| end_ms / acks),
                upper: mean.interval_ms.upper.map(|end_ms| end_ms / acks),
            },
            least_ms: costs().reduce(f64::min)?,
            most_ms: costs().reduce(f64::max)?,
            predicted_ms: predicted_ms(from).zip(predicted_ms(to)).map(|(from, to)| (to - from) / acks),
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
        let figures = |run: &'a RunData| RunParts {
            manifest: &run.manifest,
            figures: RunFigures::of(run, trials(&run.manifest.config)),
            pairable: Pairable::of(run),
        };
        Self::of_parts(runs.into_iter().map(figures).collect())
    }

    /// The same of runs whose own figures are known.
    #[must_use]
    pub fn of_parts(mut runs: Vec<RunParts<'_>>) -> Option<Self> {
        runs.sort_by_key(|run| run.manifest.quorum);
        let first = runs.first()?.manifest;
        let most = runs.iter().map(|run| &run.manifest.config).min_by_key(|config| Reverse(config.followers))?;
        let pairable: Option<Vec<Pairable>> = runs.iter_mut().map(|run| run.pairable.take()).collect();
        let pairable = pairable.unwrap_or_default();
        let within = |run: &&Pairable| (1..=most.followers.get()).contains(&run.quorum());
        let within: Vec<&Pairable> = pairable.iter().filter(within).collect();
        let mut figures: Vec<RunFigures> = runs.into_iter().map(|run| run.figures).collect();
        let mut paired = paired(&pairable, &figures);
        correct(
            figures.iter_mut().filter_map(|run| run.latency.tested()).collect(),
            paired.iter_mut().filter_map(|pair| pair.test.as_mut()).collect(),
        );
        Some(Self {
            name: first.experiment.clone(),
            config: most.clone(),
            system: first.system.clone(),
            paired,
            cost_per_ack: CostPerAck::of(&within, &figures),
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

    /// The name of the measured system.
    #[must_use]
    pub fn system_name(&self) -> &str {
        self.system.as_ref().map_or(SystemName::LABNODE, |system| &system.name)
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
        let cost = |runs: &[RunData]| ExperimentFigures::with_trials(runs, |_| None).unwrap().cost_per_ack;
        let of_two = cost(&runs[..2]);
        let cost = cost(&runs).unwrap();
        assert_eq!((cost.from, cost.to, cost.n), (1, 4, 40));
        assert_eq!((cost.mean_ms, cost.least_ms, cost.most_ms), (130.0, 20.0, 260.0));
        assert!(cost.interval_ms.lower.unwrap() < 130.0 && cost.predicted_ms.is_some());
        assert_eq!(of_two, None);
    }

    #[test]
    fn the_mean_cost_of_an_acknowledgement_lies_between_the_cheapest_step_and_the_dearest() {
        // Each step costs the even writes 100 ms and the odd ones 10 ms; no odd one is acknowledged at W = 3.
        let own = |w: u32, write: u64| 1_000 + u64::from(w) * if write.is_multiple_of(2) { 100_000 } else { 10_000 };
        let run = |w: u32| {
            let mut run =
                (0..40).fold(RunBuilder::new(w), |run, i| run.write_with_delays(i, own(w, i), &[1; 5])).build();
            let odd = run.writes.iter_mut().filter(|row| w == 3 && row.write.get() % 2 == 1);
            odd.for_each(|row| row.outcome = crate::data::WriteOutcome::Failed);
            run
        };
        let runs: Vec<RunData> = [1, 2, 3].map(run).into();
        let cost = ExperimentFigures::with_trials(&runs, |_| None).unwrap().cost_per_ack.unwrap();
        assert_eq!((cost.n, cost.mean_ms, cost.least_ms, cost.most_ms), (20, 100.0, 100.0, 100.0));
    }

    #[test]
    fn without_a_run_there_is_no_experiment() {
        assert_eq!(ExperimentFigures::of([]), None);
    }
}
