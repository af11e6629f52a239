//! The nodes of a cluster inside this process, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use labnode::api;
use labnode::clock::Clock;
use labnode::config::NodeConfig;
use labnode::follower::Follower;
use labnode::leader::Leader;
use labnode::node::Node;
use labnode::transport::{DirectTransport, InProcessTransport, Transport};
use labnode::wire::Role;
use tokio::runtime::Builder;

use super::error::SimError;
use crate::config::{Experiment, ExperimentName};
use crate::model::{NodeId, Quorum};
use crate::system::labnode::environment;
use crate::system::system_of;

/// How many units of tokio's time are one of virtual time. tokio's timers count milliseconds;
/// stretched so they count microseconds, and no delay is rounded.
const STRETCH: u32 = 1_000;

/// Runs a future to its end on this thread, in virtual time: its clock stands still while
/// anything can be done and then jumps to the next deadline. Tasks it has not waited for are
/// dropped with it.
///
/// # Errors
/// When the runtime cannot be set up.
pub(super) fn in_virtual_time<F: Future>(work: impl FnOnce(Clock) -> F) -> Result<F::Output, SimError> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(SimError::Runtime)?;
    Ok(runtime.block_on(async { work(Clock::at_zero().stretched(STRETCH)).await }))
}

/// Whether the system of an experiment can run in virtual time.
#[must_use]
pub fn can_simulate(experiment: &Experiment) -> bool {
    system_of(experiment).is_ok_and(|system| system.can_simulate())
}

/// A run to simulate.
#[derive(Debug, Clone)]
pub(super) struct SimSpec {
    /// The experiment's name.
    pub(super) name: ExperimentName,
    /// Its settings.
    pub(super) experiment: Experiment,
    /// W.
    pub(super) quorum: Quorum,
}

impl SimSpec {
    /// The followers, in order.
    pub(super) fn followers(&self) -> impl Iterator<Item = NodeId> {
        NodeId::followers(self.experiment.followers)
    }
}

/// One leader and its followers on one clock.
#[derive(Debug)]
pub(super) struct SimCluster {
    pub(super) leader: Arc<Leader>,
    pub(super) followers: Vec<Arc<Follower>>,
}

impl SimCluster {
    /// A cluster whose leader reaches its followers as `connect` says.
    ///
    /// # Errors
    /// When the nodes refuse their settings.
    pub(super) fn over(
        spec: &SimSpec,
        clock: Clock,
        connect: impl FnOnce(&[Arc<Follower>]) -> Arc<dyn Transport>,
    ) -> Result<Self, SimError> {
        Self::start(spec, clock, None, connect)
    }

    /// Below HTTP: the leader calls its followers' own code. It keeps no trace, and each
    /// follower's has room for `arrivals` arrivals.
    ///
    /// # Errors
    /// When the nodes refuse their settings.
    pub(super) fn untraced(spec: &SimSpec, clock: Clock, arrivals: usize) -> Result<Self, SimError> {
        Self::start(spec, clock, Some(arrivals), direct)
    }

    /// `arrivals` is the room in the followers' traces where the leader is to keep none.
    fn start(
        spec: &SimSpec,
        clock: Clock,
        arrivals: Option<usize>,
        connect: impl FnOnce(&[Arc<Follower>]) -> Arc<dyn Transport>,
    ) -> Result<Self, SimError> {
        if !can_simulate(&spec.experiment) {
            return Err(SimError::System(spec.experiment.system.name.clone()));
        }
        let followers =
            spec.followers().map(|node| new_follower(spec, node, clock, arrivals)).collect::<Result<Vec<_>, _>>()?;
        let leader = new_leader(spec, clock, arrivals.map(|_| 0), connect(&followers))?;
        Ok(Self { leader, followers })
    }

    /// The followers in index order.
    #[must_use]
    pub(super) fn followers(&self) -> &[Arc<Follower>] {
        &self.followers
    }

    /// Every node by its name.
    #[must_use]
    pub(super) fn nodes(&self) -> BTreeMap<NodeId, Node> {
        let leader = (NodeId::Leader, Node::Leader(Arc::clone(&self.leader)));
        let followers = (0..).zip(&self.followers);
        let followers =
            followers.map(|(index, follower)| (NodeId::Follower(index), Node::Follower(Arc::clone(follower))));
        followers.chain([leader]).collect()
    }
}

/// Followers reached by their HTTP routes.
#[must_use]
pub(super) fn over_http(followers: &[Arc<Follower>]) -> Arc<dyn Transport> {
    let router = |follower: &Arc<Follower>| api::router(Arc::new(Node::Follower(Arc::clone(follower))));
    Arc::new(InProcessTransport::new(followers.iter().map(router).collect()))
}

/// Followers reached below HTTP, by their own code.
#[must_use]
pub(super) fn direct(followers: &[Arc<Follower>]) -> Arc<dyn Transport> {
    Arc::new(DirectTransport::new(followers.to_vec()))
}

/// The nodes' HTTP routes.
#[must_use]
pub(super) fn routers(nodes: BTreeMap<NodeId, Node>) -> BTreeMap<NodeId, Router> {
    nodes.into_iter().map(|(name, node)| (name, api::router(Arc::new(node)))).collect()
}

/// A follower with nothing in its store, and with as much room in its trace as given.
pub(super) fn new_follower(
    spec: &SimSpec,
    node: NodeId,
    clock: Clock,
    trace_capacity: Option<usize>,
) -> Result<Arc<Follower>, SimError> {
    let mut config = node_config(spec, node, Role::Follower, String::new())?;
    config.trace_capacity = trace_capacity.unwrap_or(config.trace_capacity);
    Ok(Arc::new(Follower::new(config, clock)))
}

/// The same of a leader.
pub(super) fn new_leader(
    spec: &SimSpec,
    clock: Clock,
    trace_capacity: Option<usize>,
    transport: Arc<dyn Transport>,
) -> Result<Arc<Leader>, SimError> {
    let urls: Vec<String> = spec.followers().map(|follower| format!("http://{follower}:8000")).collect();
    let mut config = node_config(spec, NodeId::Leader, Role::Leader, urls.join(","))?;
    config.trace_capacity = trace_capacity.unwrap_or(config.trace_capacity);
    Ok(Arc::new(Leader::new(config, clock, transport)))
}

/// A node's settings, by the variables that a real one would find in its environment.
fn node_config(spec: &SimSpec, node: NodeId, role: Role, followers: String) -> Result<NodeConfig, SimError> {
    let mut variables = environment(&spec.experiment, spec.quorum);
    variables.insert("ROLE".to_owned(), role.to_string());
    variables.insert("NODE_NAME".to_owned(), node.to_string());
    variables.insert("FOLLOWERS".to_owned(), followers);
    NodeConfig::from_vars(|variable| variables.get(variable).cloned())
        .map_err(|error| SimError::Node { node, reason: error.to_string() })
}
