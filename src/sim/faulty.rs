//! Runs in virtual time in which something breaks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use labnode::clock::Clock;
use labnode::follower::Follower;
use labnode::node::Node;
use labnode::transport::Transport;
use tokio_util::sync::CancellationToken;

use super::breakable::BreakableCluster;
use super::cluster::SimSpec;
use super::error::SimError;
use super::gated::GatedClient;
use super::recording::record_unless_cancelled;
use crate::cluster::ClusterError;
use crate::config::FaultAction;
use crate::load::{Injector, Progress, RunRecord};
use crate::model::NodeId;
use crate::system::labnode::Client;

/// How a leader and its clients come to reach nodes.
#[derive(Clone, Copy)]
pub(super) struct Reach<C> {
    /// The leader its followers.
    pub(super) followers: fn(&[Arc<Follower>]) -> Arc<dyn Transport>,
    /// Clients all nodes, the leader within a time limit.
    pub(super) nodes: fn(BTreeMap<NodeId, Node>, Clock, Duration) -> C,
}

/// Loads a cluster and breaks it meanwhile as its experiment says.
pub(super) async fn run<C: Client>(
    spec: &SimSpec,
    clock: Clock,
    reach: Reach<C>,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<RunRecord, SimError> {
    let limit = spec.experiment.network.global_request_timeout_s.duration();
    let cluster = BreakableCluster::new(spec, clock, reach.followers)?;
    let client = || (reach.nodes)(cluster.nodes(), clock, limit);
    let gated = GatedClient::new(client(), cluster.leader_link(), cluster.follower_links(), clock, limit);
    let injector = SimFaultInjector { cluster: &cluster, client: &client, gated: gated.clone() };
    record_unless_cancelled(gated, &spec.experiment, &injector, &clock, progress, cancel).await
}

/// Injects faults into a simulated cluster and gives its client the nodes there are afterwards.
struct SimFaultInjector<'a, C> {
    cluster: &'a BreakableCluster,
    /// A client of the nodes that there are now.
    client: &'a (dyn Fn() -> C + Sync),
    gated: GatedClient<C>,
}

impl<C: Client> Injector for SimFaultInjector<'_, C> {
    async fn inject(&self, action: &FaultAction) -> Result<(), ClusterError> {
        action.acts.iter().try_for_each(|act| self.cluster.carry_out(action.node, *act))?;
        self.gated.replace((self.client)());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
