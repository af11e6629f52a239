//! Where the nodes run: containers, child processes, or virtual time.

mod backend;
mod compose;
mod docker;
mod error;
mod folder;
mod list;
mod owner;
mod process;
mod running;
mod setup;
mod sim;
mod spec;

use std::collections::BTreeMap;

pub use backend::{Backend, BackendKind, BackendRequest, Cleared, DoctorLine, PlayCluster, REPLACE_ADVICE, Refusal};
pub use compose::{ComposeCluster, Deployment, NodeImage, ProjectLeft, ProxyImage, projects_left};
pub use docker::{Docker, DockerFacts, Programs, Unavailable, probe};
pub use error::ClusterError;
pub use list::{BACKENDS, choose, foresee};
pub use owner::{Fate, Owner};
pub use process::{Orphans, ProcessCluster, Supervision, end_orphans, supervise, supervise_session};
pub use spec::ClusterSpec;
use tokio_util::sync::CancellationToken;

use crate::model::{Act, BackendFacts, Endpoints, NodeId};

/// The leader's port in the cluster of `labctl up`; the followers' follow it.
pub const FIRST_PLAY_PORT: u16 = 8080;

/// Gets what a user should know while something takes its time.
pub type Tell<'a> = &'a dyn Fn(&str);

/// One leader and its followers, started fresh for one run.
///
/// Every method blocks (call it through `spawn_blocking`) and has a deadline of its own.
/// Dropping a cluster takes it down, so an error or a panic leaves nothing behind.
pub trait Cluster: Send {
    /// Starts every node and says where they listen. They may not answer yet.
    ///
    /// # Errors
    /// [`ClusterError`]; `Interrupted` once `cancel` is cancelled. What had been started
    /// is removed by [`Self::down`].
    fn up(&mut self, cancel: &CancellationToken) -> Result<Endpoints, ClusterError>;

    /// Does these to a node, in this order, and says where the nodes listen then: one that was started again may have
    /// moved. A node that was started again may not answer yet.
    ///
    /// # Errors
    /// [`ClusterError`] where it could not be done; `Interrupted` once `cancel` is cancelled.
    fn inject(&mut self, node: NodeId, acts: &[Act], cancel: &CancellationToken) -> Result<Endpoints, ClusterError>;

    /// Has the delays of the proxies begin now: the draws of their first slots hold from now on.
    ///
    /// # Errors
    /// [`ClusterError`] if a proxy does not take orders.
    fn start_epoch(&mut self) -> Result<(), ClusterError>;

    /// Whether every node still runs that was not stopped on purpose.
    ///
    /// # Errors
    /// [`ClusterError::Node`] for one that does not, with what became of it and the last lines
    /// of its log.
    fn check(&mut self, cancel: &CancellationToken) -> Result<(), ClusterError>;

    /// What every node has printed so far, by node name. A node without a log is absent.
    fn logs(&mut self) -> BTreeMap<String, Vec<u8>>;

    /// Stops and removes all that `up` started. Calling it again does nothing.
    ///
    /// # Errors
    /// [`ClusterError`] naming what is left.
    fn down(&mut self) -> Result<(), ClusterError>;

    /// Lets the nodes run on when this value is dropped, where they can: see [`PlayCluster::outlives_labctl`].
    fn detach(&mut self) {}

    /// Where the nodes run, with versions, for the manifest.
    fn facts(&self) -> BackendFacts;
}
