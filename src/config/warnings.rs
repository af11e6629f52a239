//! Warns of settings that make sense, but cannot have the effect they seem to have. The file is
//! accepted all the same.

use std::time::Duration;

use super::experiment::Experiment;
use super::experiment_name::ExperimentName;
use super::faults::Trigger;
use super::network::Network;
use super::reader::Problems;
use crate::model::{Capabilities, Distribution, LinkDelays, NodeId, Quorum};

/// What the client waits beyond the time limit of a write.
const CLIENT_MARGIN: Duration = Duration::from_secs(5);
/// What the software may add to each write, so that no warning is wrong on a slow machine.
const SOFTWARE: Duration = Duration::from_millis(100);

/// Warns of everything in an experiment that has no effect. `path` leads to the experiment.
/// `capabilities` are those of its system, if that can be configured.
pub(super) fn check(
    name: &ExperimentName,
    path: &str,
    experiment: &Experiment,
    capabilities: Option<Capabilities>,
    problems: &mut Problems<'_>,
) {
    let mut warn = |key: String, message: String| problems.warn_at(&format!("{path}{key}"), name, message);
    // A log waits for a slow follower, where the lab's node gives a copy up.
    let gives_up_copies = capabilities.is_none_or(|capabilities| !capabilities.ordered_log);
    let links = Links::of(&experiment.network, experiment.followers.get(), gives_up_copies);
    for (node, least_ms) in NodeId::followers(experiment.followers).zip(&links.least_ms) {
        if links.loses_all(*least_ms) {
            warn(format!("network.follower.{node}"), links.lost(node, *least_ms));
        }
    }
    for (index, quorum) in experiment.quorums.iter().enumerate() {
        if let Some(reason) = links.out_of_reach(*quorum) {
            warn(format!("quorums[{index}]"), format!("no write at W = {quorum} can be acknowledged: {reason}"));
        }
    }
    let load = longest_load(experiment);
    for (index, fault) in experiment.faults.iter().enumerate() {
        let place = format!("fault[{index}]");
        let least_ms = fault.node.follower_index().and_then(|index| links.least_ms.get(index));
        if let (Some(delay_ms), Some(least_ms)) = (fault.kind.added_delay_ms(), least_ms) {
            let slow_ms = least_ms + f64::from(delay_ms);
            if links.loses_all(slow_ms) && !links.loses_all(*least_ms) {
                warn(place.clone(), format!("`{fault}`: while it lasts, {}", links.lost(fault.node, slow_ms)));
            }
        }
        for (moment, what) in [(Some(fault.at), "does not begin"), (fault.until, "does not end")] {
            if let Some(Trigger::After(elapsed)) = moment
                && elapsed.duration() > load
            {
                let (writes, at_once) = (experiment.workload.writes, experiment.workload.concurrency);
                let seconds = load.as_secs_f64();
                let limit = format!("{writes} writes, {at_once} at a time, take at most {seconds:.1} s");
                warn(place.clone(), format!("`{fault}` {what} while the load lasts: {limit}"));
            }
        }
    }
}

/// The links to the followers.
struct Links {
    /// The shortest time of a copy and its acknowledgement, by follower.
    least_ms: Vec<f64>,
    /// Infinite if copies are never given up.
    replication_timeout_ms: f64,
    request_timeout_ms: f64,
}

impl Links {
    fn of(network: &Network, followers: u32, gives_up_copies: bool) -> Self {
        let least =
            |link: &LinkDelays| link.write.quantile_ms(0.0) + link.ack.as_ref().map_or(0.0, |ack| ack.quantile_ms(0.0));
        Self {
            least_ms: network.links(followers).iter().map(least).collect(),
            replication_timeout_ms: if gives_up_copies {
                network.replication_timeout_s.secs() * 1000.0
            } else {
                f64::INFINITY
            },
            request_timeout_ms: network.global_request_timeout_s.secs() * 1000.0,
        }
    }

    /// Whether copies that take at least this long all reach the replication timeout.
    fn loses_all(&self, least_ms: f64) -> bool {
        least_ms >= self.replication_timeout_ms
    }

    fn lost(&self, follower: NodeId, least_ms: f64) -> String {
        format!(
            "every copy to {follower} is given up: it takes at least {least_ms} ms, and replication_timeout_s is {}",
            self.replication_timeout_ms / 1000.0
        )
    }

    /// Why no write can have this many acknowledgements in time. `None` if one can.
    fn out_of_reach(&self, quorum: Quorum) -> Option<String> {
        let needed = (quorum.get() as usize).checked_sub(1)?;
        let mut in_time: Vec<f64> =
            self.least_ms.iter().copied().filter(|least_ms| *least_ms < self.replication_timeout_ms).collect();
        in_time.sort_by(f64::total_cmp);
        match in_time.get(needed) {
            // Too few followers in all are reported elsewhere.
            None if needed < self.least_ms.len() => {
                Some(format!("only {} followers can answer within replication_timeout_s", in_time.len()))
            }
            Some(least_ms) if *least_ms >= self.request_timeout_ms => Some(format!(
                "it takes at least {least_ms} ms, and global_request_timeout_s is {}",
                self.request_timeout_ms / 1000.0
            )),
            _ => None,
        }
    }
}

/// An upper bound of the time that all writes take: writes start in their order and never fewer
/// than `concurrency` at a time, so that there are at most writes / concurrency in a row, after the last one was to start if
/// the loop is open.
fn longest_load(experiment: &Experiment) -> Duration {
    let faults = &experiment.faults;
    let replication_timeout = experiment.network.replication_timeout_s.duration();
    let request_timeout = experiment.network.global_request_timeout_s.duration();
    let one = if faults.iter().any(|fault| fault.node.is_leader()) {
        request_timeout + CLIENT_MARGIN
    } else if faults.iter().all(|fault| fault.kind.ends_the_node()) {
        let end = |link: &LinkDelays| {
            Some(link.write.upper_bound_ms()? + link.ack.as_ref().map_or(Some(0.0), Distribution::upper_bound_ms)?)
        };
        let ends: Option<Vec<f64>> = experiment.network.links(experiment.followers.get()).iter().map(end).collect();
        let longest = ends.map(|ends| Duration::from_secs_f64(ends.into_iter().fold(0.0, f64::max) / 1000.0));
        longest.unwrap_or(replication_timeout).min(replication_timeout).min(request_timeout)
    } else {
        replication_timeout.min(request_timeout)
    };
    let (writes, at_once) = (experiment.workload.writes.get(), experiment.workload.concurrency.get());
    let starts = experiment.workload.intended_starts(experiment.seed).unwrap_or_default();
    let last_start = starts.last().map_or(Duration::ZERO, |last| last.abs().to_duration());
    last_start + (one + SOFTWARE) * writes.div_ceil(at_once)
}
