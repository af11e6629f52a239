//! A cluster in virtual time whose nodes can be killed, frozen, cut off and slowed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use labnode::clock::Clock;
use labnode::follower::Follower;
use labnode::node::Node;
use labnode::transport::{Connection, SerialConnection, Transport, TransportError};
use labnode::wire::{Replicate, Replicated};
use tokio::sync::oneshot;

use super::cluster::{SimCluster, SimSpec, new_follower, new_leader};
use super::connection::{Route, SimConnection};
use super::error::SimError;
use super::link_state::{LinkMode, NodeLink, NodeState, Refused};
use crate::model::{Act, NodeId, ignore_poison};

/// How a leader comes to reach its followers.
type Connect = fn(&[Arc<Follower>]) -> Arc<dyn Transport>;

/// A [`SimCluster`] that faults work on as they do on local processes.
pub(super) struct BreakableCluster {
    spec: SimSpec,
    clock: Clock,
    connect: Connect,
    /// How each follower is, and the leader's link to it.
    links: Vec<NodeLink>,
    /// How the leader is, and its clients' link to it.
    leader_link: NodeLink,
    now: Mutex<Now>,
}

/// What a restart replaces.
struct Now {
    nodes: SimCluster,
    /// How this leader is: one that was killed never sends again, though its tasks run on.
    leader: NodeLink,
    /// Leads to these followers, whatever has become of them.
    followers: Arc<RwLock<Arc<dyn Transport>>>,
}

impl fmt::Debug for BreakableCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakableCluster").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl BreakableCluster {
    /// A whole cluster whose leader reaches its followers as `connect` says.
    ///
    /// # Errors
    /// When the nodes refuse their settings.
    pub(super) fn new(spec: &SimSpec, clock: Clock, connect: Connect) -> Result<Self, SimError> {
        let followers =
            spec.followers().map(|node| new_follower(spec, node, clock, None)).collect::<Result<Vec<_>, _>>()?;
        let links: Vec<NodeLink> = spec.followers().map(|_| NodeLink::default()).collect();
        let now = {
            let (leader, current) = (NodeLink::default(), Arc::new(RwLock::new(connect(&followers))));
            let transport = BreakableTransport::new(&leader, &links, &current, clock);
            let nodes = SimCluster { leader: new_leader(spec, clock, None, Arc::new(transport))?, followers };
            Now { nodes, leader, followers: current }
        };
        Ok(Self { spec: spec.clone(), clock, connect, links, leader_link: NodeLink::default(), now: Mutex::new(now) })
    }

    /// The nodes that there are now by their names, for those who do not mind their condition.
    #[must_use]
    pub(super) fn nodes(&self) -> BTreeMap<NodeId, Node> {
        self.now().nodes.nodes()
    }

    /// The clients' link to the leader.
    #[must_use]
    pub(super) fn leader_link(&self) -> NodeLink {
        self.leader_link.clone()
    }

    /// How each follower is, and the leader's link to it.
    #[must_use]
    pub(super) fn follower_links(&self) -> Vec<NodeLink> {
        self.links.clone()
    }

    /// Does one thing to a node or to its links.
    ///
    /// # Errors
    /// When there is no such node, or one that is started again refuses its settings.
    pub(super) fn carry_out(&self, node: NodeId, act: Act) -> Result<(), SimError> {
        match act {
            Act::Kill | Act::Stop => self.change(node, NodeState::die),
            Act::Start => self.restart(node),
            Act::Freeze => self.change(node, |now| now.frozen = true),
            Act::Thaw => self.change(node, |now| now.frozen = false),
            Act::Cut => self.change_links(node, LinkMode::Cut),
            Act::Mute => self.change_links(node, LinkMode::Mute),
            Act::Slow { added_ms } => self.change_links(node, LinkMode::Slow { added_ms }),
            Act::Pass => self.change_links(node, LinkMode::Pass),
            Act::Hide => self.change_link(node, |now| now.hidden = true),
            Act::Show => self.change_link(node, |now| now.hidden = false),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        ignore_poison(self.now.lock())
    }

    /// The link to a node: the clients' to the leader, or the leader's to a follower.
    fn link(&self, node: NodeId) -> Result<&NodeLink, SimError> {
        let found = match node {
            NodeId::Leader => Some(&self.leader_link),
            NodeId::Follower(index) => self.links.get(index as usize),
        };
        found.ok_or(SimError::UnknownNode(node))
    }

    /// Changes how a node looks to those that take the link to it.
    fn change_link(&self, node: NodeId, change: impl Fn(&mut NodeState)) -> Result<(), SimError> {
        self.link(node)?.change(&change);
        Ok(())
    }

    /// Changes all links between a node and others: the leader's own to its followers as well.
    fn change_links(&self, node: NodeId, mode: LinkMode) -> Result<(), SimError> {
        let change = |now: &mut NodeState| now.mode = mode;
        if node.is_leader() {
            self.links.iter().for_each(|link| link.change(change));
        }
        self.change_link(node, change)
    }

    /// Changes a node.
    fn change(&self, node: NodeId, change: impl Fn(&mut NodeState)) -> Result<(), SimError> {
        if node.is_leader() {
            self.now().leader.change(&change);
        }
        self.change_link(node, change)
    }

    /// Puts an empty node in the place of one that is down.
    fn restart(&self, node: NodeId) -> Result<(), SimError> {
        let mut now = self.now();
        if let Some(index) = node.follower_index() {
            let follower = new_follower(&self.spec, node, self.clock, None)?;
            now.nodes.followers.splice(index..=index, [follower]);
            *ignore_poison(now.followers.write()) = (self.connect)(&now.nodes.followers);
        } else {
            let leader = NodeLink::default();
            let transport = BreakableTransport::new(&leader, &self.links, &now.followers, self.clock);
            now.nodes.leader = new_leader(&self.spec, self.clock, None, Arc::new(transport))?;
            now.leader = leader;
        }
        drop(now);
        self.change_link(node, |now| (now.down, now.frozen) = (false, false))
    }
}

/// What a leader sends, through whatever is broken.
struct BreakableTransport {
    leader: NodeLink,
    links: Vec<NodeLink>,
    followers: Arc<RwLock<Arc<dyn Transport>>>,
    clock: Clock,
}

impl BreakableTransport {
    fn new(leader: &NodeLink, links: &[NodeLink], followers: &Arc<RwLock<Arc<dyn Transport>>>, clock: Clock) -> Self {
        Self { leader: leader.clone(), links: links.to_vec(), followers: Arc::clone(followers), clock }
    }

    fn link(&self, follower: usize) -> Result<&NodeLink, TransportError> {
        self.links.get(follower).ok_or(TransportError::UnknownFollower(follower))
    }

    /// Gets to a follower and back.
    async fn exchange<T: Send + 'static>(
        &self,
        follower: usize,
        exchange: impl FnOnce(Arc<dyn Transport>) -> BoxFuture<'static, Result<T, TransportError>> + Send + 'static,
    ) -> Result<T, TransportError> {
        self.leader.thawed().await?;
        let link = self.link(follower)?;
        // What is in flight is dropped with this future when the leader gives it up.
        link.pass(&self.clock).await?;
        // With the leader ends what it had under way, also what waits in a slow or cut link.
        if self.leader.state().down {
            return Err(Refused.into());
        }
        // What has got to the machine of a frozen node waits there, whatever the leader does.
        let (answer, answered) = oneshot::channel();
        let (link, followers) = (link.clone(), Arc::clone(&self.followers));
        tokio::spawn(async move {
            let exchanged = async {
                link.thawed().await?;
                let followers = Arc::clone(&*ignore_poison(followers.read()));
                let answer = exchange(followers).await;
                link.answers_pass().await?;
                answer
            };
            // Nobody may be waiting any more.
            let _ = answer.send(exchanged.await);
        });
        let answer = answered.await.map_err(|_| Refused)?;
        self.leader.thawed().await?;
        answer
    }
}

impl From<Refused> for TransportError {
    fn from(refused: Refused) -> Self {
        Self::NoAnswer(refused.to_string())
    }
}

impl Transport for BreakableTransport {
    fn replicate<'a>(
        &'a self,
        follower: usize,
        key: &'a Arc<str>,
        body: &'a Arc<Replicate>,
    ) -> BoxFuture<'a, Result<Replicated, TransportError>> {
        let (key, body) = (Arc::clone(key), Arc::clone(body));
        let exchange = move |to: Arc<dyn Transport>| async move { to.replicate(follower, &key, &body).await }.boxed();
        self.exchange(follower, exchange).boxed()
    }

    fn started_us(&self, follower: usize) -> BoxFuture<'_, Result<Option<u64>, TransportError>> {
        let exchange = move |to: Arc<dyn Transport>| async move { to.started_us(follower).await }.boxed();
        self.exchange(follower, exchange).boxed()
    }

    fn connect(self: Arc<Self>, follower: usize) -> Arc<dyn Connection> {
        let Ok(link) = self.link(follower).cloned() else {
            return SerialConnection::open(self, follower);
        };
        let (leader, followers) = (self.leader.clone(), Arc::clone(&self.followers));
        SimConnection::open(Route { leader, link, followers, follower, clock: self.clock })
    }
}
