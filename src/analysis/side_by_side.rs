//! Systems side by side: what each of them costs and keeps in one network, under one load.
//!
//! A figure that the runs of a system do not give has its reason in its place. What differs between the systems beside
//! what they are is told first: figures that rest on it are not comparable.

use std::collections::BTreeSet;

use serde::Serialize;

use self::conditions::differing;
pub use self::conditions::{Concern, DifferingCondition};
pub use self::known::Known;
pub use self::own_cost::{OwnCost, OwnCostBasis};
pub use self::run::{LossAtLeaderDeath, SystemLatency, SystemRun};
use self::throughput::throughputs;
pub use self::throughput::{MIN_WRITES, RunAtHand, Throughput};
use super::arrivals::ArrivalFigures;
use super::figures::ExperimentFigures;
use super::system_under_test::version;
use crate::config::{Experiment, ExperimentName, Fault, Network, Workload};
use crate::data::{Manifest, RunData};
use crate::model::{Followers, LinkOrder};

mod conditions;
mod known;
mod own_cost;
mod run;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
mod tests;
mod throughput;

/// The runs of one experiment and their figures.
#[derive(Debug, Clone)]
pub struct ExperimentRuns<'a> {
    /// By quorum; with the figures of arrivals where they are known.
    runs: Vec<(&'a RunData, Option<&'a ArrivalFigures>)>,
    /// In the same order.
    figures: &'a ExperimentFigures,
}

/// Systems side by side.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SideBySide {
    /// What differs between the systems, by path, beside what they are; left out if nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<DifferingCondition>,
    /// The systems.
    pub systems: Vec<ComparedSystem>,
    /// Writes a second without delays, by load, W and system; left out if no run tells them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub throughput: Vec<Throughput>,
}

/// One system among several.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedSystem {
    /// The experiment that measured it.
    pub experiment: ExperimentName,
    /// Its name.
    pub system: String,
    /// Its version; `None` if it told none, and of runs that were saved before that was kept.
    pub version: Option<String>,
    /// What differs from the first system so that figures which rest on it are not comparable.
    pub differs_in: BTreeSet<Concern>,
    /// Its runs, by W.
    pub runs: Vec<SystemRun>,
}

impl SideBySide {
    /// Of systems, the first of which the others are held against. `all` are all runs at hand, also those of other
    /// experiments and further rounds: what the systems do without delays, and what is lost with their leaders.
    #[must_use]
    pub fn of<'a>(systems: &[ExperimentRuns<'_>], all: &[impl Into<RunAtHand<'a>> + Copy]) -> Self {
        let all: Vec<RunAtHand<'_>> = all.iter().map(|run| (*run).into()).collect();
        let throughput = throughputs(&all);
        let all: Vec<&RunData> = all.into_iter().map(|of| of.run).collect();
        let manifests: Vec<Manifest> = systems.iter().filter_map(ExperimentRuns::manifest).collect();
        let conditions = differing(&manifests);
        let compared = systems.iter().enumerate().map(|(index, of)| {
            let differs = |one: &&DifferingCondition| one.values.first() != one.values.get(index);
            ComparedSystem {
                experiment: of.figures.name.clone(),
                system: of.figures.system_name().to_owned(),
                version: of.figures.system.as_ref().and_then(version),
                differs_in: conditions.iter().filter(differs).map(|one| one.concern).collect(),
                runs: (of.runs.iter().zip(&of.figures.runs))
                    .map(|((run, arrivals), figures)| SystemRun::of(run, *arrivals, figures, &throughput, &all))
                    .collect(),
            }
        });
        Self { systems: compared.collect(), throughput, conditions }
    }
}

impl ComparedSystem {
    /// The run at W.
    #[must_use]
    pub fn at(&self, quorum: u32) -> Option<&SystemRun> {
        self.runs.iter().find(|run| run.quorum == quorum)
    }
}

impl<'a> ExperimentRuns<'a> {
    /// Runs in any order, and their figures.
    #[must_use]
    pub fn new(runs: impl IntoIterator<Item = &'a RunData>, figures: &'a ExperimentFigures) -> Self {
        Self::with_arrivals(runs.into_iter().map(|run| (run, None)), figures)
    }

    /// The same, with the figures of arrivals where they are known: they are not computed from the runs' rows then.
    #[must_use]
    pub fn with_arrivals(
        runs: impl IntoIterator<Item = (&'a RunData, Option<&'a ArrivalFigures>)>,
        figures: &'a ExperimentFigures,
    ) -> Self {
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.sort_by_key(|(run, _)| run.manifest.quorum);
        Self { runs, figures }
    }

    /// The first run's manifest, with the configuration that all runs have in common.
    fn manifest(&self) -> Option<Manifest> {
        let (first, _) = self.runs.first()?;
        Some(Manifest { config: self.figures.config.clone(), ..first.manifest.clone() })
    }

    /// Whether another system can stand beside this one: under the same load and faults, and in the same network. A system
    /// that waits for a majority cannot be put into every network, since its followers follow from W: behind links that
    /// never change it stands beside systems behind others of that kind.
    #[must_use]
    pub fn is_comparable(&self, other: &ExperimentRuns<'_>) -> bool {
        let (this, that) = (Conditions::of(&self.figures.config), Conditions::of(&other.figures.config));
        let is_other = self.figures.system_name() != other.figures.system_name();
        is_other && this.load() == that.load() && (this == that || this.is_in_its_own_network(&that))
    }
}

/// What two systems must have in common to stand side by side: network, followers, load and faults.
#[derive(PartialEq)]
struct Conditions<'a> {
    /// Without the order of its links: left out of the file, that is as the system has it.
    network: Network,
    /// `None` without delays: then no message is late, and the order changes nothing.
    link: Option<LinkOrder>,
    followers: Followers,
    is_majority: bool,
    workload: Workload,
    faults: &'a [Fault],
}

impl<'a> Conditions<'a> {
    fn of(config: &'a Experiment) -> Self {
        let Experiment { network, followers, workload, faults, .. } = config;
        Self {
            network: Network { link: None, ..network.clone() },
            link: network.has_delays(followers.get()).then(|| config.link_order()),
            followers: *followers,
            is_majority: config.followers_by_quorum.0,
            workload: *workload,
            faults,
        }
    }

    fn load(&self) -> (&Workload, &[Fault]) {
        (&self.workload, self.faults)
    }

    /// Whether one of the two sweeps W by its followers, and no link of either changes. Links without delays stand beside
    /// others without delays only.
    fn is_in_its_own_network(&self, other: &Self) -> bool {
        let is_constant = |of: &Self| of.network.has_constant_delays(of.followers.get());
        let has_delays = |of: &Self| of.network.has_delays(of.followers.get());
        self.is_majority != other.is_majority
            && is_constant(self)
            && is_constant(other)
            && has_delays(self) == has_delays(other)
    }
}
