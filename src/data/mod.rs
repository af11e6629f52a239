//! `data/W<n>`: the only reader and writer of run directories.

mod aside;
mod columns;
mod conditions;
mod cross_check;
mod folder;
mod forecast;
mod manifest;
mod placement;
mod read;
mod rows;
mod staging;
mod sync;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

pub use conditions::Conditions;
pub use cross_check::{Contradiction, RunFile};
pub use folder::{DataFolder, Lock, command_line};
pub use forecast::ForecastRow;
pub use manifest::{GapFacts, GapKind, GitFacts, HostFacts, Manifest, SCHEMA, config_sha256};
pub use placement::Placement;
pub use rows::{ArrivalRow, FaultEvent, FaultRow, ReplicationRow, WriteRow};
pub(crate) use sync::sync_folder;

use crate::model::NodeId;
pub use crate::model::{BackendFacts, ReplicationOutcome, StoreDump, WriteOutcome};

/// Every node's store at one moment. A node that could not be asked (it was down) is absent.
pub type Snapshot = BTreeMap<NodeId, StoreDump>;

/// The leader's name in files, services and figures.
pub const LEADER: &str = "leader";

/// One run directory, read whole or about to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct RunData {
    /// The conditions.
    pub manifest: Manifest,
    /// One row a client write, by `write`.
    pub writes: Vec<WriteRow>,
    /// One row a write and follower, by `write`, then follower; empty, without a file, of a system
    /// that keeps no trace.
    pub replication: Vec<ReplicationRow>,
    /// One row an arrival, by follower, then in order of arrival; empty likewise.
    pub arrivals: Vec<ArrivalRow>,
    /// What was done to the cluster on purpose, in its order; no file where that is nothing.
    pub faults: Vec<FaultRow>,
    /// The nodes' stores the moment the last write was answered.
    pub at_last_ack: Snapshot,
    /// The nodes' stores once nothing was in flight.
    pub settled: Snapshot,
    /// What the simulation of the same experiment and seed foresaw of this run, by write, then
    /// node. `None` if nothing was foreseen: a simulated run, one with faults, a very large one, and
    /// every run of schema 1.
    pub forecast: Option<Vec<ForecastRow>>,
    /// Each node's log. Not read back: nothing is concluded from them.
    pub logs: BTreeMap<String, Vec<u8>>,
    /// What its files say that cannot all be true, once they were held against each other: see
    /// [`RunData::without_contradicted`].
    pub contradictions: Vec<Contradiction>,
}

/// What is wrong with a data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Something that has to be there is not.
    #[error("{}: {what}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What is missing and the command that makes it.
        what: String,
    },
    /// A file says something that cannot be.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A run's files contradict each other.
    #[error("{}: the files of this run contradict each other{}: {first}", path.display(), match .more {
        0 => String::new(),
        more => format!(" in {} places, first", more + 1),
    })]
    Contradicted {
        /// The run's folder.
        path: PathBuf,
        /// The first contradiction.
        first: Box<Contradiction>,
        /// How many more there are.
        more: usize,
    },
    /// Something that is no folder has the name of a run.
    #[error("{}: a run is to be saved here, and this is no folder; move it away, or give --data another folder", path.display())]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// Another labctl is at work in this folder.
    #[error("{}: another labctl is running in this folder: {holder}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// What the holder wrote into the lock: its process id and command line.
        holder: String,
    },
}
