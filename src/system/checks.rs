//! Settings of an experiment that its system cannot take, as far as its capabilities say so.

use super::traits::System;
use crate::config::{BackendChoice, Experiment, Misfits, Network};
use crate::model::{CatchUp, LinkOrder, QuorumControl, ReplicationOrder, RestartState};

/// Why a system cannot have links of this order. `None` if it can.
fn refuse_link(system: &dyn System, link: LinkOrder) -> Option<String> {
    let (name, capabilities) = (system.name(), system.capabilities());
    let reason = match link {
        LinkOrder::Ordered => return None,
        LinkOrder::Independent if capabilities.ordered_log => "replicates one ordered log over one connection",
        LinkOrder::Independent if !capabilities.own_delays => {
            "is delayed by proxies, which keep what passes through them in order"
        }
        LinkOrder::Independent => return None,
    };
    Some(format!("{name} {reason}; link must be \"ordered\" or left out, not \"independent\""))
}

/// Reports every setting that the capabilities of `system` rule out.
pub(super) fn check(system: &dyn System, experiment: &Experiment, misfits: &mut Misfits) {
    let (name, capabilities) = (system.name(), system.capabilities());
    let network = &experiment.network;
    if let Some(why) = network.link.and_then(|link| refuse_link(system, link)) {
        misfits.add("network.link", why);
    }
    if capabilities.ordered_log && network.order != ReplicationOrder::Arrival {
        let why = format!("{name} replicates one ordered log, so that a follower never has two writes to choose from");
        misfits
            .add("network.order", format!("{why}; order must be \"arrival\" or left out, not \"{}\"", network.order));
    }
    let timeout = network.replication_timeout_s;
    if capabilities.ordered_log && timeout != Network::default().replication_timeout_s {
        let why = format!("the log of {name} waits for a slow follower, and no copy is given up");
        misfits.add("network.replication_timeout_s", format!("{why}; leave replication_timeout_s out"));
    }
    if capabilities.restart == RestartState::Resync && network.catch_up != CatchUp::Off {
        let why = format!("{name} brings its followers up to date by itself");
        misfits.add(
            "network.catch_up",
            format!("{why}; catch_up must be \"off\" or left out, not \"{}\"", network.catch_up),
        );
    }
    if experiment.backend == BackendChoice::Sim && !system.can_simulate() {
        let why = format!("{name} cannot run in virtual time");
        misfits.add("backend", format!("{why}; backend must be \"auto\", \"compose\" or \"process\", not \"sim\""));
    }
    if capabilities.quorum == QuorumControl::Majority {
        let followers = experiment.followers.get();
        // More than half of the followers and the leader together, which counts itself.
        let majority = followers.div_ceil(2);
        for (index, quorum) in experiment.quorums.iter().enumerate().filter(|(_, quorum)| quorum.get() != majority) {
            let why =
                format!("{name} waits for a majority, which with {followers} followers is the leader and {majority}");
            misfits.add(format!("quorums[{index}]"), format!("{why}; quorums must be [{majority}], not {quorum}"));
        }
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        let comes_back_empty = fault.kind.ends_the_node() && capabilities.restart == RestartState::Empty;
        if fault.node.is_leader() && fault.until.is_some() && comes_back_empty {
            let why = "a leader that was killed or stopped cannot come back: it would be empty and number its writes from \
                       1 again. Leave out until";
            misfits.add(format!("fault[{index}].until"), why);
        }
    }
}
