//! Settings of an experiment that its system cannot take, as far as its capabilities say so.

use clap::ValueEnum as _;

use super::traits::System;
use crate::config::{AfterLeaderDeath, BackendChoice, Experiment, FollowersByQuorum, Misfits, Network, Probing};
use crate::model::{CatchUp, Hosting, LinkOrder, QuorumControl, ReplicationOrder, RestartState, RunsAs, either};

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
    if (capabilities.restart == RestartState::Resync || capabilities.ordered_log) && network.catch_up != CatchUp::Off {
        let why = format!("{name} brings its followers up to date by itself");
        misfits.add(
            "network.catch_up",
            format!("{why}; catch_up must be \"off\" or left out, not \"{}\"", network.catch_up),
        );
    }
    let backend = experiment.backend;
    if backend.runs_as() == Some(RunsAs::VirtualTime) && !system.can_simulate() {
        let why = format!("{name} cannot run in virtual time");
        let others = BackendChoice::value_variants().iter();
        let others = others.filter(|other| other.runs_as() != backend.runs_as()).map(ToString::to_string);
        let accepted = either(&others.collect::<Vec<_>>());
        misfits.add("backend", format!("{why}; backend must be {accepted}, not \"{backend}\""));
    }
    if experiment.after_leader_death == AfterLeaderDeath::Promote && system.failover().is_none() {
        let why = format!("labctl cannot have a follower of {name} take the leader's place");
        misfits.add(
            "after_leader_death",
            format!("{why}; after_leader_death must be \"nothing\" or left out, not \"promote\""),
        );
    }
    if experiment.reads.probe == Probing::On && !capabilities.reads {
        let why = format!("nodes of {name} cannot be read while the load runs");
        misfits.add("reads.probe", format!("{why}; probe must be \"off\" or left out, not \"on\""));
    }
    if capabilities.quorum == QuorumControl::Majority {
        check_majority(system, experiment, misfits);
    }
    if matches!(system.hosting(experiment), Hosting::Running(_)) {
        check_running(system, experiment, misfits);
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

/// Reports quorums that are no majority, and faults of nodes that the smallest cluster does not have.
fn check_majority(system: &dyn System, experiment: &Experiment, misfits: &mut Misfits) {
    let name = system.name();
    for (index, quorum) in experiment.quorums.iter().enumerate() {
        let key = format!("quorums[{index}]");
        if experiment.followers_by_quorum.0 && FollowersByQuorum::of(*quorum).is_none() {
            let why = format!("{name} waits for a majority, and has 2 W followers where followers is left out");
            misfits.add(key, format!("{why}; each value must be from 1 to 49, not {quorum}"));
            continue;
        }
        let followers = experiment.at(*quorum).followers;
        // More than half of the followers and the leader together, which counts itself.
        let majority = followers.get().div_ceil(2);
        if quorum.get() != majority {
            let why =
                format!("{name} waits for a majority, which with {followers} followers is the leader and {majority}");
            misfits.add(key, format!("{why}; quorums must be [{majority}], not {quorum}"));
        }
    }
    let fewest = experiment.quorums.iter().map(|quorum| experiment.at(*quorum).followers).min();
    for (index, fault) in experiment.faults.iter().enumerate() {
        if let Some(fewest) = fewest.filter(|fewest| !fault.node.is_in(*fewest)) {
            let why = format!("the smallest cluster of the experiment has {fewest} followers");
            misfits.add(format!("fault[{index}].node"), format!("{why}, and no {}", fault.node));
        }
    }
}

/// Reports every setting that needs nodes that labctl starts.
fn check_running(system: &dyn System, experiment: &Experiment, misfits: &mut Misfits) {
    let (name, capabilities, backend) = (system.name(), system.capabilities(), experiment.backend);
    if backend.starts_nodes() {
        let why = format!("labctl does not start the nodes of {name}");
        misfits.add("backend", format!("{why}; backend must be \"auto\" or left out, not \"{backend}\""));
    }
    if capabilities.quorum == QuorumControl::PerStart && experiment.quorums.len() > 1 {
        let why = format!("the nodes of {name} run already, with the quorum with which they were started");
        misfits.add("quorums", format!("{why}; quorums must have one value, not {}", experiment.quorums.len()));
    }
    if !capabilities.own_delays && experiment.network.has_delays(experiment.followers.get()) {
        let why = format!("labctl has no proxies between the nodes of {name}, which it does not start");
        misfits.add(
            "network",
            format!("{why}; set min_delay_ms = 0 and max_delay_ms = 0, or have the nodes delay messages themselves"),
        );
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        let why = format!("labctl does not start the nodes of {name}, so it can break none");
        misfits.add(format!("fault[{index}]"), format!("{why}; leave out the fault of {}", fault.node));
    }
}
