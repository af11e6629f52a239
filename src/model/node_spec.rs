//! Nodes to start, and where they then listen: what a system and a cluster tell each other.

use std::collections::BTreeMap;

use super::node_id::NodeId;

/// A node to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name.
    pub node: NodeId,
    /// Arguments of its program when it runs as a local process.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Variable>,
}

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// This text.
    Text(String),
    /// Base URLs of other nodes, separated by commas, as this node reaches them. Those nodes
    /// start first.
    Urls(Vec<NodeId>),
}

impl Variable {
    /// The variable's text, if `url` gives the base URL of another node.
    pub fn resolve(&self, url: impl Fn(NodeId) -> String) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Urls(nodes) => nodes.iter().map(|node| url(*node)).collect::<Vec<_>>().join(","),
        }
    }
}

/// How a system's nodes run in containers: a Compose file of the checkout, in which the leader
/// and the first followers are services by their names, and the image they share.
#[derive(Debug, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The Compose file, from the checkout's root.
    pub compose_file: &'static str,
    /// How many followers it has; more are copies of the first.
    pub followers: u32,
    /// The port on which every node listens in its container.
    pub port: u16,
    /// The image's recipe, from the checkout's root. Its targets are `prebuilt`, around a binary,
    /// and `source`, which compiles one.
    pub dockerfile: &'static str,
    /// The node's Cargo package, binary and image, all of one name.
    pub binary: &'static str,
    /// The build argument that names the binary.
    pub binary_argument: &'static str,
    /// The variable of the Compose file that names the image.
    pub image_variable: &'static str,
    /// Further variables of the Compose file and what labctl sets them to.
    pub variables: &'static [(&'static str, &'static str)],
    /// Every variable that the Compose file takes from its user; labctl sets what it needs of
    /// them and ignores the user's.
    pub user_variables: &'static [&'static str],
}

/// Base URLs of a running cluster, reachable from labctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The leader's, e.g. `http://127.0.0.1:8080`.
    pub leader: String,
    /// The followers', in index order.
    pub followers: Vec<String>,
}

impl Endpoints {
    /// Every node's URL.
    pub fn urls(&self) -> impl Iterator<Item = (NodeId, &str)> {
        let followers = self.followers.iter().zip(0..).map(|(url, index)| (NodeId::Follower(index), url.as_str()));
        std::iter::once((NodeId::Leader, self.leader.as_str())).chain(followers)
    }
}
