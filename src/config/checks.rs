//! Checks of settings that must fit one another.

use std::fmt::Display;

use super::experiment::Experiment;
use super::reader::Problems;
use crate::model::LinkOrder;

/// The most that all values of a run may take together: labctl keeps them in memory, and so does
/// each node.
const MAX_VALUES_BYTES: u64 = 1 << 30;

/// Reports every setting of an experiment that does not fit another. `path` leads to the experiment.
pub(super) fn check(path: &str, experiment: &Experiment, problems: &mut Problems<'_>) {
    let mut report = |key: &str, message: String| problems.add_at(&format!("{path}{key}"), message);
    let Experiment { followers, quorums, expect, reads, workload, network, .. } = experiment;
    let (writes, value_bytes) = (u64::from(workload.writes.get()), u64::from(workload.value_bytes.get()));
    if writes * value_bytes > MAX_VALUES_BYTES {
        let most = MAX_VALUES_BYTES / writes;
        let limit = format!(
            "the values of {writes} writes must be at most {most} bytes long (1 GiB in all), not {value_bytes}"
        );
        report("workload.value_bytes", format!("{path}workload.value_bytes: {limit}"));
    }
    if network.coherence_ms.is_some() && experiment.link_order() == LinkOrder::Independent {
        let message = "is only for ordered links; set link = \"ordered\" or leave it out";
        report("network.coherence_ms", format!("{path}network.coherence_ms {message}"));
    }
    for (index, quorum) in quorums.iter().enumerate().filter(|(_, quorum)| quorum.get() > followers.get()) {
        let limit = format!("a write quorum must be at most {followers}, the number of followers, not {quorum}");
        report(&format!("quorums[{index}]"), format!("{path}quorums: {limit}"));
    }
    for (index, expected) in expect.consistent_at.iter().enumerate().filter(|(_, one)| !quorums.contains(one)) {
        let limit = format!("each value must be among quorums ({}), not {expected}", list(quorums));
        report(&format!("expect.consistent_at[{index}]"), format!("{path}expect.consistent_at: {limit}"));
    }
    for (index, asked) in reads.replicas.iter().enumerate().filter(|(_, asked)| asked.get() > followers.get()) {
        let limit = format!("each value must be at most {followers}, the number of followers, not {asked}");
        report(&format!("reads.replicas[{index}]"), format!("{path}reads.replicas: {limit}"));
    }
}

fn list(values: &[impl Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
