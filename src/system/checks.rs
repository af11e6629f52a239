//! Settings of an experiment that its system cannot take, as far as its capabilities say so.

use super::traits::System;
use crate::config::{BackendChoice, Experiment, Misfits};
use crate::model::{CatchUp, QuorumControl, ReplicationOrder, RestartState};

/// Reports every setting that the capabilities of `system` rule out.
pub(super) fn check(system: &dyn System, experiment: &Experiment, misfits: &mut Misfits) {
    let (name, capabilities) = (system.name(), system.capabilities());
    let network = &experiment.network;
    if capabilities.ordered_log && network.order != ReplicationOrder::Arrival {
        let why = format!("{name} replicates one ordered log, so that a follower never has two writes to choose from");
        misfits
            .add("network.order", format!("{why}; order must be \"arrival\" or left out, not \"{}\"", network.order));
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
