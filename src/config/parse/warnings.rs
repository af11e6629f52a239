//! What an experiment says that can be meant, but cannot have the effect it seems to have: the
//! file is accepted, and the user is told.

use std::ops::Range;
use std::time::Duration;

use super::{Located, Problems};
use crate::config::fault::{Fault, FaultKind, Trigger};
use crate::config::network::Network;
use crate::config::types::{Experiment, ExperimentName};
use crate::data::follower_name;
use crate::model::Quorum;

/// What the client waits for beyond the time limit of a write.
const CLIENT_MARGIN: Duration = Duration::from_secs(5);
/// What the software may add to each write, so that a slow machine makes no warning wrong.
const SOFTWARE: Duration = Duration::from_millis(100);

/// Where the parts of an experiment stand in the file.
pub(super) struct Places {
    pub(super) quorums: Vec<Located<Quorum>>,
    /// By follower.
    pub(super) links: Vec<Range<usize>>,
    /// By fault.
    pub(super) faults: Vec<Range<usize>>,
}

/// Notes what has no effect.
pub(super) fn check(name: &ExperimentName, experiment: &Experiment, places: &Places, problems: &mut Problems<'_>) {
    let mut warn = |span: &Range<usize>, message: String| problems.warn(name, span.clone(), message);
    let links = Links::of(&experiment.network, experiment.followers.get());
    for (follower, place) in places.links.iter().enumerate() {
        if links.loses_all(follower, 0.0) {
            warn(place, links.lost(&follower_name(follower), links.least_ms[follower]));
        }
    }
    for quorum in &places.quorums {
        if let Some(reason) = links.out_of_reach(quorum.value) {
            warn(&quorum.span, format!("no write at W = {} can be acknowledged: {reason}", quorum.value));
        }
    }
    let load = longest_load(experiment, &links);
    for (fault, place) in experiment.faults.iter().zip(&places.faults) {
        let follower = fault.node.follower_index();
        if let (FaultKind::Slow { delay_ms }, Some(follower)) = (fault.kind, follower)
            && links.loses_all(follower, f64::from(delay_ms))
            && !links.loses_all(follower, 0.0)
        {
            let least_ms = links.least_ms[follower] + f64::from(delay_ms);
            warn(place, format!("`{fault}`: while it lasts, {}", links.lost(&fault.node.to_string(), least_ms)));
        }
        for (moment, what) in [(Some(fault.at), "does not begin"), (fault.until, "does not end")] {
            if let Some(Trigger::After(elapsed)) = moment
                && elapsed.duration() > load
            {
                let (writes, at_once) = (experiment.workload.writes, experiment.workload.concurrency);
                let seconds = load.as_secs_f64();
                let limit = format!("{writes} writes, {at_once} at a time, take at most {seconds:.1} s");
                warn(place, format!("`{fault}` {what} while the load lasts: {limit}"));
            }
        }
    }
}

/// The least time that a copy and its acknowledgement take, by follower.
struct Links {
    least_ms: Vec<f64>,
    replication_timeout_ms: f64,
    request_timeout_ms: f64,
}

impl Links {
    fn of(network: &Network, followers: u32) -> Self {
        let least = |link: &labnode::delay::LinkDelays| {
            link.write.quantile_ms(0.0) + link.ack.as_ref().map_or(0.0, |ack| ack.quantile_ms(0.0))
        };
        Self {
            least_ms: network.links(followers).iter().map(least).collect(),
            replication_timeout_ms: network.replication_timeout_s.secs() * 1000.0,
            request_timeout_ms: network.global_request_timeout_s.secs() * 1000.0,
        }
    }

    /// Whether every copy to this follower passes the replication timeout with so much added.
    fn loses_all(&self, follower: usize, added_ms: f64) -> bool {
        self.least_ms[follower] + added_ms >= self.replication_timeout_ms
    }

    fn lost(&self, follower: &str, least_ms: f64) -> String {
        format!(
            "every copy to {follower} is given up: it takes at least {least_ms} ms, and replication_timeout_s is {}",
            self.replication_timeout_ms / 1000.0
        )
    }

    /// Why no write can ever have so many acknowledgements in time. `None` if one can.
    fn out_of_reach(&self, quorum: Quorum) -> Option<String> {
        let needed = (quorum.get() as usize).checked_sub(1)?;
        let mut in_time: Vec<f64> =
            self.least_ms.iter().copied().filter(|least_ms| *least_ms < self.replication_timeout_ms).collect();
        in_time.sort_by(f64::total_cmp);
        match in_time.get(needed) {
            // That there are too few followers is another problem.
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
/// than `concurrency` at a time, so that there are at most writes / concurrency in a row.
fn longest_load(experiment: &Experiment, links: &Links) -> Duration {
    let of = |fault: &Fault| (fault.node.is_leader(), fault.kind);
    let faults: Vec<_> = experiment.faults.iter().map(of).collect();
    let replication_timeout = experiment.network.replication_timeout_s.duration();
    let request_timeout = experiment.network.global_request_timeout_s.duration();
    let one = if faults.iter().any(|(is_leader, _)| *is_leader) {
        request_timeout + CLIENT_MARGIN
    } else if faults.is_empty() || faults.iter().all(|(_, kind)| matches!(kind, FaultKind::Kill | FaultKind::Stop)) {
        let followers = u32::try_from(links.least_ms.len()).unwrap_or(u32::MAX);
        let end = |link: &labnode::delay::LinkDelays| {
            Some(
                link.write.upper_bound_ms()?
                    + link.ack.as_ref().map_or(Some(0.0), labnode::delay::Distribution::upper_bound_ms)?,
            )
        };
        let ends: Option<Vec<f64>> = experiment.network.links(followers).iter().map(end).collect();
        let longest = ends.map(|ends| Duration::from_secs_f64(ends.into_iter().fold(0.0, f64::max) / 1000.0));
        longest.unwrap_or(replication_timeout).min(replication_timeout).min(request_timeout)
    } else {
        replication_timeout.min(request_timeout)
    };
    let (writes, at_once) = (experiment.workload.writes.get(), experiment.workload.concurrency.get());
    (one + SOFTWARE) * writes.div_ceil(at_once)
}
