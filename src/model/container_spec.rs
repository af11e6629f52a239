//! How a system's nodes run in containers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::count::Followers;
use super::node_id::NodeId;

/// How a system's nodes run in containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerSpec {
    /// As a Compose file of the checkout says.
    File(&'static ComposeFile),
    /// From an image that exists, as labctl says.
    Image(ImageSpec),
    /// As services of a Compose file of the user's.
    Project(ProjectSpec),
}

/// A Compose file of the checkout, in which the leader and the first followers are services by their
/// names, and the image they share.
#[derive(Debug, PartialEq, Eq)]
pub struct ComposeFile {
    /// The Compose file, from the checkout's root.
    pub compose_file: &'static str,
    /// How many followers it has; more are copies of the first.
    pub followers: Followers,
    /// The port on which every node listens in its container.
    pub port: u16,
    /// How the image is built.
    pub recipe: ImageRecipe,
    /// The variable of the Compose file that names the image.
    pub image_variable: &'static str,
    /// Further variables of the Compose file and what labctl sets them to.
    pub variables: &'static [(&'static str, &'static str)],
    /// Every variable that the Compose file takes from its user; labctl sets what it needs of
    /// them and ignores the user's.
    pub user_variables: &'static [&'static str],
}

/// How an image around a binary of this workspace is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageRecipe {
    /// Its Dockerfile, from the checkout's root. Its targets are `prebuilt`, around a binary,
    /// and `source`, which compiles one.
    pub dockerfile: &'static str,
    /// The Cargo package, binary and image, all of one name.
    pub binary: &'static str,
    /// The build argument that names the binary.
    pub binary_argument: &'static str,
}

impl ImageRecipe {
    /// The image of the lab's node, which is also that of every proxy.
    pub const LAB: Self = Self { dockerfile: "node/Dockerfile", binary: "labnode", binary_argument: "LABNODE_BINARY" };
}

/// An image that exists, and how a node runs from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSpec {
    /// Its name, e.g. `redis:7`.
    pub image: String,
    /// The program in the image and its first arguments, before those of the node. Empty for the
    /// image's own command.
    pub command: Vec<String>,
    /// The port on which every node listens in its container.
    pub port: u16,
    /// Where the durable folder of a node is mounted, if nodes have one. If the image has that folder, the volume has
    /// its owner and its rights.
    pub storage: &'static str,
    /// The setting that names the image, for messages, e.g. `[system.redis] image`.
    pub setting: String,
}

/// A Compose file of the user's, of which the nodes are services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSpec {
    /// The Compose file.
    pub file: PathBuf,
    /// The service of each node.
    pub services: BTreeMap<NodeId, String>,
    /// The port on which every follower listens in its container.
    pub port: u16,
    /// The port on which the leader does.
    pub leader_port: u16,
    /// The setting that names file and services, for messages, e.g. `[system.mine.start] compose`.
    pub setting: String,
}

impl ProjectSpec {
    /// The port on which a node listens in its container.
    #[must_use]
    pub const fn port(&self, node: NodeId) -> u16 {
        if node.is_leader() { self.leader_port } else { self.port }
    }

    /// The service of a node; its own name if it has none.
    #[must_use]
    pub fn service(&self, node: NodeId) -> String {
        self.services.get(&node).cloned().unwrap_or_else(|| node.to_string())
    }
}
