//! Checks of settings that must fit one another.

use std::fmt::Display;

use super::experiment::Experiment;
use super::leader_death::{AfterLeaderDeath, is_fatal};
use super::reader::Problems;
use super::workload::Workload;
use crate::model::{LinkOrder, Quorum};

/// The most that all values of a run may take together: labctl keeps them in memory, and so does
/// each node.
const MAX_VALUES_BYTES: u64 = 1 << 30;

/// Why the values of a workload are more than memory may hold. `None` if they are not.
#[must_use]
pub fn refuse_values(workload: &Workload) -> Option<String> {
    let (writes, value_bytes) = (u64::from(workload.writes.get()), u64::from(workload.value_bytes.get()));
    (writes * value_bytes > MAX_VALUES_BYTES).then(|| {
        let most = MAX_VALUES_BYTES / writes;
        format!("the values of {writes} writes must be at most {most} bytes long (1 GiB in all), not {value_bytes}")
    })
}

/// Reports every setting of an experiment that does not fit another. `path` leads to the experiment.
pub(super) fn check(path: &str, experiment: &Experiment, problems: &mut Problems<'_>) {
    let mut report = |key: &str, message: String| problems.add_at(&format!("{path}{key}"), message);
    let Experiment { quorums, expect, reads, workload, network, .. } = experiment;
    if let Some(limit) = refuse_values(workload) {
        report("workload.value_bytes", format!("{path}workload.value_bytes: {limit}"));
    }
    for (key, message) in workload.contradictions() {
        report(&format!("workload.{key}"), format!("{path}workload.{key}{message}"));
    }
    if network.coherence_ms.is_some() && experiment.link_order() == LinkOrder::Independent {
        let message = "is only for ordered links; set link = \"ordered\" or leave it out";
        report("network.coherence_ms", format!("{path}network.coherence_ms {message}"));
    }
    if experiment.after_leader_death == AfterLeaderDeath::Promote && !is_fatal(&experiment.faults) {
        let message = "promote needs a fault that kills or stops the leader and has no until, so that a follower takes its \
                       place; add one, or leave after_leader_death out";
        report("after_leader_death", format!("{path}after_leader_death: {message}"));
    }
    let followers_at = |quorum: &Quorum| experiment.at(*quorum).followers;
    let is_above = |quorum: &Quorum| quorum.get() > followers_at(quorum).get();
    for (index, quorum) in quorums.iter().enumerate().filter(|(_, quorum)| is_above(quorum)) {
        let followers = followers_at(quorum);
        let limit = format!("a write quorum must be at most {followers}, the number of followers, not {quorum}");
        report(&format!("quorums[{index}]"), format!("{path}quorums: {limit}"));
    }
    for (index, expected) in expect.consistent_at.iter().enumerate().filter(|(_, one)| !quorums.contains(one)) {
        let limit = format!("each value must be among quorums ({}), not {expected}", list(quorums));
        report(&format!("expect.consistent_at[{index}]"), format!("{path}expect.consistent_at: {limit}"));
    }
    let followers = quorums.iter().map(followers_at).min().unwrap_or(experiment.followers);
    for (index, asked) in reads.replicas.iter().enumerate().filter(|(_, asked)| asked.get() > followers.get()) {
        let limit = format!("each value must be at most {followers}, the number of followers, not {asked}");
        report(&format!("reads.replicas[{index}]"), format!("{path}reads.replicas: {limit}"));
    }
}

fn list(values: &[impl Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
