//! Writes a second without delays, of this system and of others, round by round.

use super::systems::noted;
use crate::analysis::Throughput;
use crate::report::model::Report;
use crate::report::number::{grouped, list};
use crate::report::side_by_side::throughput;
use crate::report::topic::{Finding, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "throughput",
    heading: "Writes a second without delays",
    file: None,
    needs: &[],
    finding: Finding::IfAny(|report| finding(shown(report)?)),
    answer: |_| None,
    blocks: |report, _| Ok(shown(report).and_then(throughput).map(noted).unwrap_or_default()),
};

/// Every throughput there is, in reports that set systems side by side, and in those of what was measured several times or
/// beside other systems.
fn shown(report: &Report) -> Option<&[Throughput]> {
    let all = &report.side_by_side.throughput;
    let is_several = |of: &Throughput| of.rounds_per_s.len() > 1;
    let is_own = all.iter().any(|of| of.experiment == report.experiment && is_several(of));
    (!report.side_by_side.systems.is_empty() || is_own).then_some(all.as_slice()).filter(|all| !all.is_empty())
}

/// The medians at the highest W that was run under the load with the most writes at a time.
fn finding(all: &[Throughput]) -> Option<String> {
    let load = all.first()?.load();
    let quorum = all.iter().filter(|of| of.load() == load).map(|of| of.quorum).max()?;
    let at = all.iter().filter(|of| of.load() == load && of.quorum == quorum);
    let rates: Vec<String> =
        at.map(|of| format!("{} with {}", grouped(of.median_per_s.round() as u64), of.system)).collect();
    Some(format!("Writes a second without delays, {} at a time, at W = {quorum}: {}", load.0, list(&rates)))
}
