//! What a cluster is asked to be, and where it then listens.

use std::collections::BTreeMap;

use crate::config::{Experiment, ExperimentName, Link, Network, Quorum, links};
use crate::data::{LEADER, follower_name};

/// A cluster to start: everything that a node's environment depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// The experiment's name, for projects and messages.
    pub experiment: ExperimentName,
    /// W.
    pub quorum: Quorum,
    /// N.
    pub followers: u32,
    /// Delays, limits and order.
    pub network: Network,
    /// Seed of the nodes' delays.
    pub delay_seed: u64,
    /// Ways that lead through a relay, for faults to work on; none without such faults.
    pub links: Vec<Link>,
}

impl ClusterSpec {
    /// The cluster of one run of an experiment.
    #[must_use]
    pub fn new(name: &ExperimentName, experiment: &Experiment, quorum: Quorum) -> Self {
        Self {
            experiment: name.clone(),
            quorum,
            followers: experiment.followers.get(),
            network: experiment.network,
            delay_seed: experiment.seed,
            links: links(&experiment.faults, (0..experiment.followers.get() as usize).map(follower_name)),
        }
    }

    /// `leader`, `f1`, ...: every node of the cluster, the leader first.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        std::iter::once(LEADER.to_owned()).chain((0..self.followers as usize).map(follower_name)).collect()
    }

    /// The variables that describe the experiment to a node (DESIGN, section 2), all but
    /// its role, name, address and followers.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let network = &self.network;
        let pairs = [
            ("WRITE_QUORUM", self.quorum.to_string()),
            ("MIN_DELAY_MS", network.delay.min_ms().to_string()),
            ("MAX_DELAY_MS", network.delay.max_ms().to_string()),
            ("REPLICATION_TIMEOUT_S", network.replication_timeout_s.secs().to_string()),
            ("GLOBAL_REQUEST_TIMEOUT_S", network.global_request_timeout_s.secs().to_string()),
            ("REPLICATION_ORDER", network.order.to_string()),
            ("DELAY_SEED", self.delay_seed.to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Base URLs of a running cluster, reachable from labctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The leader's, e.g. `http://127.0.0.1:8080`.
    pub leader: String,
    /// The followers', in index order.
    pub followers: Vec<String>,
}
