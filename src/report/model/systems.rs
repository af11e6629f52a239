//! Other systems in the same network, under the same load.

use serde::Serialize;

use crate::analysis::{Bounds, ExperimentFigures, RunFigures, Verdict};
use crate::config::{Experiment, ExperimentName, Fault, Network, Workload};
use crate::model::{Followers, LinkOrder};

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
    /// Its runs, by W.
    pub runs: Vec<SystemRun>,
}

/// One run of a system among several.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SystemRun {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes.
    pub n: u64,
    /// Their mean latency.
    pub mean_ms: Option<f64>,
    /// The mean that is predicted of the network.
    pub predicted_mean_ms: Option<f64>,
    /// What can be said of its replicas.
    pub verdict: Verdict,
    /// Pairs of follower and key.
    pub pairs: u64,
    /// Those that differed once nothing was in flight; `None` where that is not known.
    pub diverged: Option<u64>,
    /// Acknowledged writes that no node holds in the end, nor a newer one of the key; `None` if no
    /// node could be asked.
    pub lost: Option<Bounds<u64>>,
}

/// This experiment and the others that differ in what they measure alone; nothing if there are none.
pub(super) fn systems(this: &ExperimentFigures, others: &[ExperimentFigures]) -> Vec<ComparedSystem> {
    let is_other =
        |other: &&ExperimentFigures| other.system_name() != this.system_name() && conditions(this) == conditions(other);
    let others: Vec<&ExperimentFigures> = others.iter().filter(is_other).collect();
    if others.is_empty() {
        return Vec::new();
    }
    std::iter::once(this).chain(others).map(ComparedSystem::of).collect()
}

/// What two systems must have in common to stand side by side: network, followers, load and faults.
#[derive(PartialEq)]
struct Conditions<'a> {
    /// Without the order of its links: left out of the file, that is as the system has it.
    network: Network,
    link: LinkOrder,
    followers: Followers,
    workload: Workload,
    faults: &'a [Fault],
}

fn conditions(figures: &ExperimentFigures) -> Conditions<'_> {
    let Experiment { network, followers, workload, faults, .. } = &figures.config;
    Conditions {
        network: Network { link: None, ..network.clone() },
        link: figures.config.link_order(),
        followers: *followers,
        workload: *workload,
        faults,
    }
}

impl ComparedSystem {
    fn of(figures: &ExperimentFigures) -> Self {
        Self {
            experiment: figures.name.clone(),
            system: figures.system_name().to_owned(),
            version: figures.system.as_ref().map(|system| system.version.clone()).filter(|version| !version.is_empty()),
            runs: figures.runs.iter().map(SystemRun::of).collect(),
        }
    }
}

impl SystemRun {
    fn of(figures: &RunFigures) -> Self {
        Self {
            quorum: figures.quorum(),
            n: figures.latency.n,
            mean_ms: figures.summary.mean_ms,
            predicted_mean_ms: figures.summary.predicted_mean_ms,
            verdict: figures.consistency.verdict,
            pairs: figures.consistency.settled.total.pairs(),
            diverged: figures.summary.diverged,
            lost: figures.survival.lost,
        }
    }
}
