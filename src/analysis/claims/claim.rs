//! A claim, what became of it, and the numbers behind that.

use serde::Serialize;

use crate::analysis::consistency::{Mechanism, Verdict};
use crate::analysis::stats::Difference;
use crate::config::{ExperimentName, Pacing};
use crate::model::ReplicationOrder;

/// What can be said of a claim under the experiment's conditions. That one run of it came out
/// this way or that is not enough: another seed may give the contrary.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimFinding {
    /// It is so beyond chance, or a mechanism makes it so.
    Confirmed,
    /// It is not so beyond chance, or there is a counterexample.
    Refuted,
    /// Neither can be said.
    NotTestable,
}

/// One statement and what became of it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// The lab's statement.
    pub statement: &'static str,
    /// What the data say.
    pub finding: ClaimFinding,
    /// Why, in one or two sentences with the numbers.
    pub sentence: String,
    /// The numbers.
    pub evidence: Evidence,
}

/// The numbers behind a [`Claim`].
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Differences of mean latency between quorums.
    Steps {
        /// Each difference that was looked at.
        steps: Vec<Step>,
    },
    /// How near a typical write is to the slow ones.
    Tails {
        /// At the lowest quorum, then at the highest.
        shapes: Vec<TailShape>,
    },
    /// How many pairs of follower and key differed.
    Divergence {
        /// Each run that was looked at, by quorum.
        runs: Vec<Divergence>,
    },
    /// What speaks against a guarantee.
    Counterexamples {
        /// Each counterexample, by experiment.
        examples: Vec<Counterexample>,
    },
}

/// The difference of mean latency between two quorums: of the same writes where they met the
/// same delays at both, else of all writes of each run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// The lower W.
    pub from: u32,
    /// The higher W.
    pub to: u32,
    /// Whether it is of the same writes.
    pub is_paired: bool,
    /// Whether the latencies of a run depend on each other, so that one run of each quorum tells
    /// nothing of the step.
    pub is_dependent: bool,
    /// Mean latency at the lower W.
    pub from_mean_ms: f64,
    /// Mean latency at the higher W.
    pub to_mean_ms: f64,
    /// How much higher the latter is.
    pub rise: Difference,
    /// How much higher it should be by theory.
    pub predicted_rise_ms: Option<f64>,
    /// The p-value of the paired test of that, corrected for the other tests of the page.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub p_adjusted: Option<f64>,
}

/// Where the middle of a run's latencies lies against their tail.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TailShape {
    /// W.
    pub quorum: u32,
    /// The median.
    pub median_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// Median / p95: near 1 where a typical write is as slow as the slow ones.
    pub median_to_p95: f64,
    /// The least that ratio may be, by the intervals of both.
    pub median_to_p95_low: Option<f64>,
    /// The most that ratio may be.
    pub median_to_p95_high: Option<f64>,
    /// Writes it is told from.
    pub n: u64,
    /// Whether the run's latencies depend on each other.
    pub is_dependent: bool,
    /// p99 / median: how far the slowest writes stand out.
    pub p99_to_median: f64,
}

/// How far the followers of one run differed from their leader, and whether they had to match.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Divergence {
    /// W.
    pub quorum: u32,
    /// What can be said of the run.
    pub verdict: Verdict,
    /// Whether the claim held in this run; `None` if what became of the followers is not known.
    pub held: Option<bool>,
    /// Pairs of follower and key that could be judged.
    pub pairs: u64,
    /// Those that differed once nothing was in flight.
    pub diverged: u64,
    /// Those that differed because an older write arrived last.
    pub overtaken: u64,
    /// Those that differed because the newest write was lost on its way, or with a restart.
    pub lost: u64,
    /// Those that differed when the last write was answered.
    pub behind_at_last_ack: u64,
    /// Acknowledged writes that an older one replaced on some follower, for good or for a while. `None`
    /// if the system does not tell what arrived where.
    pub replaced: Option<u64>,
    /// Why the run could not end but consistent.
    pub mechanism: Option<Mechanism>,
    /// The share of simulated runs in which some copy differs in the end.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub chance_of_any: Option<f64>,
    /// Simulated runs.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub trials: Option<u32>,
}

/// What contradicts "consistency is guaranteed only when W = N".
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Counterexample {
    /// W = N did not guarantee it: some copy may differ all the same.
    DivergedAtN {
        /// The experiment.
        experiment: ExperimentName,
        /// How its writes were paced.
        pacing: Pacing,
        /// What its followers did with older writes.
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::order"))]
        order: ReplicationOrder,
        /// The run at W = N.
        #[serde(flatten)]
        run: Divergence,
    },
    /// A smaller W did.
    ConsistentBelowN {
        /// The experiment.
        experiment: ExperimentName,
        /// What its followers did with older writes.
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::order"))]
        order: ReplicationOrder,
        /// Why no pair can differ.
        mechanism: Mechanism,
        /// Each W below N at which it held.
        quorums: Vec<u32>,
    },
}

/// Names quorums as in "W = 1, 2 and 4".
pub(super) fn quorum_list(quorums: &[u32]) -> String {
    let names: Vec<String> = quorums.iter().map(u32::to_string).collect();
    match names.split_last() {
        None => "no W".to_owned(),
        Some((last, [])) => format!("W = {last}"),
        Some((last, first)) => format!("W = {} and {last}", first.join(", ")),
    }
}
