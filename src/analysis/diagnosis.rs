//! Recognises a broken leader by its figures across quorums, and says so in words.

use self::rules::{below_theory, cancels_at_quorum, excess_at_low_w, p99_below_median, waits_for_all, waits_for_none};
use self::symptoms::Patient;
use crate::config::Experiment;

mod finding;
mod rules;
mod symptoms;
#[cfg(test)]
mod tests;

pub use finding::{Diagnosis, Fault, Reading};
pub use symptoms::Symptoms;

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
