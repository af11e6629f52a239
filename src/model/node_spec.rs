//! Nodes to start, and where they then listen: what a system and a cluster tell each other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::lifecycle::Lifecycle;
use super::node_id::NodeId;
use super::text::{Place, Text};

/// A node to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub node: NodeId,
    /// The program that a local process runs; in containers the [`ContainerSpec`](super::ContainerSpec) says what runs.
    pub program: NodeProgram,
    /// The program's arguments.
    pub arguments: Vec<Text>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Text>,
    /// Files in the node's own folder, [`Place::Folder`], by name.
    pub files: BTreeMap<String, Text>,
    /// The folder in which a local process starts. `None`: the node's own, or labctl's if the node
    /// runs labctl itself.
    pub start_in: Option<PathBuf>,
    /// How a local process shows that it listens.
    pub readiness: Readiness,
    /// How long a local process may take until it listens, its preparation included.
    pub start_limit: Duration,
    /// What it needs beyond its program.
    pub lifecycle: Lifecycle,
}

impl NodeSpec {
    /// Whether it listens for other nodes on another port than for clients.
    #[must_use]
    pub fn has_peer_port(&self) -> bool {
        self.arguments.iter().any(|argument| argument.has(Place::PeerPort))
    }
}

/// What a local process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeProgram {
    /// labctl itself, which ends by itself once its parent is gone.
    Labctl,
    /// Another program: a path, or a name that is looked up on the path.
    Executable(PathBuf),
}

/// How a local process shows that it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It chooses a port unless it is told one, and prints a line with its address, `HOST:PORT`,
    /// after these words.
    Announces(String),
    /// It listens on the port that it is told.
    Accepts,
}

/// Where the nodes of a running cluster are reached from labctl, each as `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The leader's, e.g. `127.0.0.1:8080`.
    pub leader: String,
    /// The followers', in index order.
    pub followers: Vec<String>,
}

impl Endpoints {
    /// Every node's address.
    pub fn addresses(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let followers = self.followers.iter().zip(0..);
        let followers = followers.map(|(address, index)| (NodeId::Follower(index), address.as_str()));
        std::iter::once((NodeId::Leader, self.leader.as_str())).chain(followers)
    }

    /// Every node's base URL, for a system that speaks HTTP.
    pub fn urls(&self) -> impl Iterator<Item = (NodeId, String)> {
        self.addresses().map(|(node, address)| (node, format!("http://{address}")))
    }
}
