//! Recognises a broken leader by its figures across quorums, and says so in words.

use self::evidence::ExperimentEvidence;
use self::rules::{below_theory, cancels_at_quorum, excess_at_low_w, p99_below_median, waits_for_all, waits_for_none};
use crate::config::Experiment;

mod evidence;
mod finding;
mod rules;
#[cfg(test)]
mod tests;

pub use evidence::LeaderEvidence;
pub use finding::{Diagnosis, LeaderDefect, Sign};

/// Looks for every fault in the runs of an experiment, given by ascending quorum.
#[must_use]
pub fn diagnose(experiment: &Experiment, evidence: &[LeaderEvidence]) -> Vec<Diagnosis> {
    let experiment = ExperimentEvidence::new(experiment, evidence);
    // A leader that waits for all is slow at low W as well, and one that waits for none is
    // below theory: the first of such a pair says it all.
    let waiting = waits_for_all(&experiment).or_else(|| excess_at_low_w(&experiment));
    let hasty = waits_for_none(&experiment).or_else(|| below_theory(&experiment));
    [waiting, hasty, cancels_at_quorum(&experiment), p99_below_median(&experiment)].into_iter().flatten().collect()
}
