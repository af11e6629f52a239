//! Where the nodes run: containers, child processes, or virtual time.

mod backend;
mod compose;
mod docker;
mod error;
mod fault;
mod folder;
mod owner;
mod process;
mod spec;

use std::collections::BTreeMap;

pub use backend::Backend;
pub use compose::{
    ComposeCluster, Deployment, NodeImage, PLAY_PROJECT, ProjectLeft, binary_beside, checkout, checkout_around,
    projects_left, remove_project,
};
pub use docker::{Docker, DockerFacts, Programs, Unavailable, engine_variables, ignored_variables, probe};
pub use error::ClusterError;
pub use fault::{Act, FaultAction};
pub use owner::{Fate, Owner};
pub use process::{Orphans, ProcessCluster, end_orphans, find_program, supervise};
pub use spec::ClusterSpec;
use tokio_util::sync::CancellationToken;

use crate::model::{BackendFacts, Endpoints};

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

    /// Breaks or mends something on purpose, and says where the nodes listen then: one that
    /// was started again may have moved. A node that was started again may not answer yet.
    ///
    /// # Errors
    /// [`ClusterError`] where it could not be done; `Interrupted` once `cancel` is cancelled.
    fn inject(&mut self, action: &FaultAction, cancel: &CancellationToken) -> Result<Endpoints, ClusterError>;

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

    /// Where the nodes run, with versions, for the manifest.
    fn facts(&self) -> BackendFacts;
}
