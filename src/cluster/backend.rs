//! What a backend says of itself: before it is chosen, and once it is ready to run nodes.

use std::fmt::Debug;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Cluster, ClusterError, ClusterSpec, Tell};
use crate::model::{ContainerSpec, NodeSpec};

/// A kind of backends: an entry of the list.
pub trait BackendKind: Debug + Sync {
    /// Its name in files and messages, that of its line in the list.
    fn name(&self) -> &'static str;

    /// What people call it, such as `Docker Compose`.
    fn title(&self) -> &'static str;

    /// Why `auto` takes it though another backend would do, such as `a Docker engine answers`.
    fn merit(&self) -> &'static str;

    /// What this machine has of it, for `labctl doctor`.
    ///
    /// # Errors
    /// When the machine could not be asked.
    fn examine(&self) -> Result<Vec<DoctorLine>, ClusterError> {
        Ok(Vec::new())
    }

    /// Makes it ready to run nodes. Blocks: images may have to be built or pulled. `reason` is why `auto` takes it, and
    /// `None` if the user named it.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot run these nodes on this machine.
    fn prepare(&self, request: &BackendRequest<'_>, reason: Option<String>) -> Result<Arc<dyn Backend>, Refusal>;

    /// Removes the cluster of `labctl up` and what labctls that were killed have left, where this backend is in use.
    ///
    /// # Errors
    /// When it cannot be asked for, or something cannot be removed.
    fn remove_all(&self, _tell: Tell, _cancel: &CancellationToken) -> Result<Cleared, ClusterError> {
        Ok(Cleared::default())
    }
}

/// A backend that was chosen and found to be there.
pub trait Backend: Debug + Send + Sync {
    /// Its name in manifests.
    fn name(&self) -> &'static str;

    /// The name, with versions, or with why this one where `auto` chose it.
    fn describe(&self) -> String;

    /// A cluster that is not up yet.
    ///
    /// # Errors
    /// In virtual time, where nothing is up outside a simulation.
    fn cluster(&self, spec: ClusterSpec) -> Result<Box<dyn Cluster>, ClusterError>;

    /// The cluster of `labctl up`, not up yet.
    ///
    /// # Errors
    /// Why there can be none.
    fn play(&self, spec: ClusterSpec) -> Result<PlayCluster, String>;

    /// Makes room for the cluster of `labctl up` where one is there already, if `replace` says so.
    ///
    /// # Errors
    /// When it may not be removed, or cannot.
    fn make_room(&self, _replace: bool, _tell: Tell, _cancel: &CancellationToken) -> Result<(), ClusterError> {
        Ok(())
    }

    /// Removes what labctls that were killed have left, except the cluster of `labctl up`.
    ///
    /// # Errors
    /// When it cannot be asked for, or something cannot be removed.
    fn remove_orphans(&self, _cancel: &CancellationToken) -> Result<Cleared, ClusterError> {
        Ok(Cleared::default())
    }

    /// SHA-256 of the executable that the nodes run. `None` if it was compiled in a container, is part of somebody
    /// else's image, or is not run by labctl.
    fn node_sha256(&self) -> Option<String> {
        None
    }

    /// Whether the nodes are labctl's own processes, which have its limit of open files.
    fn shares_limits(&self) -> bool {
        false
    }

    /// Why the nodes of two runs cannot be up at the same time. `None` if they can.
    fn only_one_at_a_time(&self) -> Option<&'static str> {
        None
    }

    /// Whether the nodes run in virtual time, by a simulation instead of a cluster.
    fn is_virtual_time(&self) -> bool {
        false
    }
}

/// The nodes that a backend is to run.
pub struct BackendRequest<'a> {
    /// The system's name, for messages.
    pub system: &'a str,
    /// The nodes of some run.
    pub nodes: &'a [NodeSpec],
    /// How they run in containers. `None` if they cannot.
    pub containers: Option<&'a ContainerSpec>,
    /// Finds out whether this machine has what local processes of the system need; an error says what is missing and
    /// how to get it.
    pub presence: &'a dyn Fn() -> Result<(), String>,
    /// Gets what the user should know meanwhile.
    pub tell: Tell<'a>,
    /// Ends what takes its time.
    pub cancel: &'a CancellationToken,
}

/// Why a backend cannot run nodes.
#[derive(Debug)]
pub enum Refusal {
    /// It is not there. `auto` goes on with the next one.
    NotHere {
        /// What was found instead.
        found: String,
        /// The error if there is no other backend to take.
        error: ClusterError,
    },
    /// Another backend would do no better, or was not asked for.
    Failed(ClusterError),
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for ClusterError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotHere { error, .. } | Refusal::Failed(error) => error,
        }
    }
}

/// The cluster of `labctl up`.
pub struct PlayCluster {
    /// The cluster.
    pub cluster: Box<dyn Cluster>,
    /// Whether it can run on by itself once labctl has ended.
    pub outlives_labctl: bool,
}

/// What became of what earlier labctls had started.
#[derive(Debug, Default)]
pub struct Cleared {
    /// Names of what was removed.
    pub removed: Vec<String>,
    /// What is left alone, each with the reason.
    pub left_alone: Vec<String>,
    /// Why nothing was looked for. `None` if it was.
    pub not_looked: Option<String>,
}

/// A line of `labctl doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorLine {
    /// What it is about, in a word.
    pub what: &'static str,
    /// What was found, or is missing.
    pub detail: String,
    /// How to get what is missing. `None` if nothing is.
    pub advice: Option<&'static str>,
}

/// What to do where a cluster of `labctl up` is there already.
pub const REPLACE_ADVICE: &str = "`labctl up --replace` puts a new one in its place, without what was written to it; \
                                  `labctl down` removes it";
