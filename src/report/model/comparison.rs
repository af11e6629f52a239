//! Several experiments side by side.

use serde::Serialize;

use crate::analysis::{ExperimentFigures, Mechanism, RunFigures, Verdict};
use crate::config::{ExperimentName, Pacing};
use crate::model::{LinkOrder, ReplicationOrder, as_uniform_ms};

/// One experiment among several.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedExperiment {
    /// Its name.
    pub name: ExperimentName,
    /// How its writes were paced.
    pub pacing: Pacing,
    /// What its followers did with older writes. Absent of a system that replicates one log, which brings them none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(schema_with = "crate::model::schema::order"))]
    pub order: Option<ReplicationOrder>,
    /// Whether its links kept copies in order.
    #[serde(skip)]
    pub link: LinkOrder,
    /// The injected delays, in words.
    pub delays: String,
    /// The longest of them, in milliseconds, where they are uniform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_ms: Option<u32>,
    /// Writes a run.
    pub writes: u32,
    /// Its runs, by W.
    pub runs: Vec<ComparedRun>,
}

/// One run among several.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ComparedRun {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes.
    pub n: u64,
    /// Their mean latency.
    pub mean_ms: Option<f64>,
    /// What can be said of its replicas.
    pub verdict: Verdict,
    /// Pairs of follower and key.
    pub pairs: u64,
    /// Those that differed once nothing was in flight; `None` where that is not known.
    pub diverged: Option<u64>,
    /// How many do by the model, on average; `None` of a load too large to simulate.
    pub expected_diverged: Option<f64>,
    /// The chance of any by the model.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub chance_of_any: Option<f64>,
    /// Why it could not end but consistent.
    #[serde(skip)]
    pub mechanism: Option<Mechanism>,
}

/// This experiment and the others; nothing where there are no others.
pub(super) fn experiments(this: &ExperimentFigures, others: &[ExperimentFigures]) -> Vec<ComparedExperiment> {
    if others.is_empty() {
        return Vec::new();
    }
    std::iter::once(this).chain(others).map(ComparedExperiment::of).collect()
}

/// Whether the system replicates one log.
fn has_log(figures: &ExperimentFigures) -> bool {
    figures.system.as_ref().is_some_and(|system| system.capabilities.ordered_log)
}

impl ComparedExperiment {
    fn of(figures: &ExperimentFigures) -> Self {
        let config = &figures.config;
        Self {
            name: figures.name.clone(),
            pacing: config.workload.pacing,
            order: (!has_log(figures)).then_some(config.network.order),
            link: config.link_order(),
            delays: config.network.delays_in_words(config.followers),
            max_delay_ms: as_uniform_ms(&config.network.delay).map(|(_, max)| max),
            writes: config.workload.writes.get(),
            runs: figures.runs.iter().map(ComparedRun::of).collect(),
        }
    }
}

impl ComparedRun {
    fn of(figures: &RunFigures) -> Self {
        let expected = figures.expected.as_ref();
        Self {
            quorum: figures.quorum(),
            n: figures.latency.n,
            mean_ms: figures.summary.mean_ms,
            verdict: figures.consistency.verdict,
            pairs: figures.consistency.settled.total.pairs(),
            diverged: figures.summary.diverged,
            expected_diverged: expected.map(|expected| expected.diverged.mean),
            chance_of_any: expected.map(|expected| expected.chance_of_any),
            mechanism: figures.mechanism,
        }
    }
}
