//! The original lab's statements, each held against the data.

use self::consistency::{consistent_at_n, guaranteed_only_at_n, inconsistent_below_n, never_diverge};
use self::latency::{extremes, rises, tails};
use super::figures::ExperimentFigures;

mod claim;
mod consistency;
mod latency;
#[cfg(test)]
mod tests;

pub use claim::{Claim, ClaimFinding, Counterexample, Divergence, Evidence, Step, TailShape};

/// Tests every claim on an experiment's runs, and one more where links are ordered; `others` are further experiments that may
/// speak for or against what is said in general.
#[must_use]
pub fn claims(experiment: &ExperimentFigures, others: &[ExperimentFigures]) -> Vec<Claim> {
    let of_the_lab = [
        rises(experiment),
        extremes(experiment),
        tails(experiment),
        inconsistent_below_n(experiment),
        consistent_at_n(experiment),
        guaranteed_only_at_n(experiment, others),
    ];
    of_the_lab.into_iter().chain(never_diverge(experiment)).collect()
}
