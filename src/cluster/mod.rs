//! Where the nodes run: containers, child processes, or virtual time.

mod backend;
mod compose;
mod docker;
mod fault;
mod owner;
mod process;
mod sim;
mod spec;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use backend::Backend;
pub use compose::{
    ComposeCluster, Deployment, NodeImage, PLAY_PROJECT, ProjectLeft, checkout, checkout_around, labnode_beside,
    projects_left, remove_project,
};
use docker::advice;
pub use docker::{Docker, DockerFacts, Programs, Unavailable, engine_variables, ignored_variables, probe};
pub use fault::{Act, FaultAction};
pub use owner::{Fate, Owner};
pub use process::{ProcessCluster, end_processes_left};
pub use sim::{BreakableCluster, Condition, Refused, SimCluster, Way, direct, in_virtual_time, over_http, routers};
pub use spec::{ClusterSpec, Endpoints};
use tokio_util::sync::CancellationToken;

use crate::data::BackendFacts;

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

/// Why a cluster could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A command could not be started at all.
    #[error("cannot run `{command}`: {source}")]
    Spawn {
        /// The command line.
        command: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no place for a temporary file.
    #[error(
        "cannot make a temporary file in {}: {source}; set TMPDIR to a folder that can be written",
        .folder.display()
    )]
    Temporary {
        /// Where it was to be.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A command ended badly.
    #[error("`{command}` failed ({status}){}{}", indented(.stderr), indented(advice(.stderr)))]
    Failed {
        /// The command line.
        command: String,
        /// `exit status 1`, `killed by signal 9`.
        status: String,
        /// What it printed, its last lines.
        stderr: String,
    },
    /// A command did not end in time and was killed.
    #[error("`{command}` did not end within {} s and was killed{}", .limit.as_secs(), indented(.stderr))]
    Deadline {
        /// The command line.
        command: String,
        /// How long it had.
        limit: Duration,
        /// What it printed, its last lines.
        stderr: String,
    },
    /// A node did not start, or not in time.
    #[error("{node}: {reason}{}", indented(.log))]
    Node {
        /// Which one.
        node: String,
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// Something about this machine or checkout is missing; the message says what to do.
    #[error("{0}")]
    Setup(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How many of a node's last lines an error shows.
const LOG_LINES: usize = 8;

impl ClusterError {
    /// A temporary file or folder could not be made.
    #[must_use]
    pub fn temporary(source: io::Error) -> Self {
        Self::Temporary { folder: std::env::temp_dir(), source }
    }

    /// What is wrong with a node, with the end of its log.
    #[must_use]
    pub fn of_node(node: &str, reason: impl Into<String>, log: &[u8]) -> Self {
        let text = String::from_utf8_lossy(log);
        let lines: Vec<&str> = text.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Self::Node { node: node.to_owned(), reason: reason.into(), log }
    }
}

/// Text on lines of its own, indented; nothing where it is blank.
fn indented(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("\n    {line}")).collect()
}
