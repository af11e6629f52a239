//! `data/W<n>`: the only reader and writer of run directories.

mod aside;
mod columns;
mod conditions;
mod cross_check;
mod failover;
mod folder;
mod forecast;
mod manifest;
mod placement;
mod read;
mod reads;
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
pub use failover::{FailoverRecord, SurvivorRow};
pub use folder::{DataFolder, Lock, command_line};
pub use forecast::ForecastRow;
pub use manifest::{
    GapFacts, GapKind, GitFacts, HostFacts, LeaderChangeFacts, LoadCost, Manifest, SCHEMA, config_sha256,
};
pub use placement::Placement;
pub use reads::{ReadPurpose, ReadRow};
pub use rows::{ArrivalRow, FaultRow, ReplicationRow, WriteRow};
pub(crate) use sync::sync_folder;

pub use crate::config::FaultEvent;
use crate::model::NodeId;
pub use crate::model::{BackendFacts, ReadOutcome, ReplicationOutcome, StoreDump, WriteOutcome};

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
    /// One row a read and node that it asked, by `read`; no file where there was none.
    pub reads: Vec<ReadRow>,
    /// What was done to the cluster on purpose, in its order; no file where that is nothing.
    pub faults: Vec<FaultRow>,
    /// Which follower took the leader's place after its death; no file unless the experiment asks for that.
    pub failover: Option<FailoverRecord>,
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

impl RunData {
    /// Under which name a client's value is looked for: its key, or in a list, where the key of a dump is a place, the
    /// message itself.
    #[must_use]
    pub fn name_of<'a>(&self, key: &'a str, value: &'a str) -> &'a str {
        if self.manifest.capabilities().append_log { value } else { key }
    }
}

impl AsRef<Self> for RunData {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What is wrong with a data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Something that has to be there is not.
    #[error("{}: {what}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What is missing, and what to do.
        what: String,
    },
    /// Runs that a command of labctl can make are not there.
    #[error("{}: {what}; `{command}` makes them", path.display())]
    NoRuns {
        /// Where they should be.
        path: PathBuf,
        /// Which runs.
        what: String,
        /// The command.
        command: String,
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
