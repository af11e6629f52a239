//! The values an experiment is made of. Each newtype holds only what makes sense,
//! and its deserialization is where everything else is refused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::network::Network;
use super::reads::Reads;
use super::setting::words;
use crate::model::{Accepted, Followers, Quorum, ranged_integer};

ranged_integer!(
    /// How many writes the load makes.
    WriteCount(u32), "the number of writes", 1..=10_000_000
);
ranged_integer!(
    /// How many writes are under way together.
    Concurrency(u32), "the concurrency", 1..=10_000
);
ranged_integer!(
    /// How many keys the writes go round.
    KeyCount(u32), "the number of keys", 1..=1_000_000
);

ranged_integer!(
    /// A bound of a uniform delay, in milliseconds.
    WholeMillis(u32), "a delay in milliseconds", 0..=3_600_000
);
ranged_integer!(
    /// How much a slow link adds, in milliseconds.
    AddedMillis(u32), "an added delay in milliseconds", 1..=3_600_000
);

/// An experiment's name: it becomes a folder, a Compose project and a heading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentName(String);

impl ExperimentName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExperimentName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let good = name != "all"
            && name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if !good {
            return Err(format!("an experiment must have {}, not {name:?}", Self::accepted()));
        }
        Ok(Self(name))
    }
}

impl Accepted for ExperimentName {
    fn accepted() -> String {
        "a name of a lower-case letter and then up to 39 of a-z, 0-9, - and _, other than all".to_owned()
    }
}

impl FromStr for ExperimentName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<ExperimentName> for String {
    fn from(name: ExperimentName) -> Self {
        name.0
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where the nodes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// Compose where a Docker engine answers, else processes.
    Auto,
    /// One container a node, by Docker Compose.
    Compose,
    /// One local process a node.
    Process,
    /// The same node code in virtual time, in this process.
    Sim,
}

words!(BackendChoice: "auto", "compose", "process", "sim");

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Compose => "compose",
            Self::Process => "process",
            Self::Sim => "sim",
        })
    }
}

/// How the load keeps `concurrency` writes under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// A new write starts when one ends.
    Window,
    /// A batch starts when all of the one before have ended.
    Batch,
}

words!(Pacing: "window", "batch");

impl fmt::Display for Pacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Window => "window",
            Self::Batch => "batch",
        })
    }
}

/// `[experiment.NAME.workload]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// How many writes.
    pub writes: WriteCount,
    /// How many at a time.
    pub concurrency: Concurrency,
    /// How many keys; write i goes to key k(i mod keys).
    pub keys: KeyCount,
    /// When the next write starts.
    pub pacing: Pacing,
}

/// `[experiment.NAME.expect]`: what `check-consistency` holds the run to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Expect {
    /// Quorums at which every follower must end equal to the leader.
    pub consistent_at: Vec<Quorum>,
}

/// `[experiment.NAME]`, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// The write quorums to run, in this order.
    pub quorums: Vec<Quorum>,
    /// How many followers.
    pub followers: Followers,
    /// The one seed all randomness comes from.
    pub seed: u64,
    /// Where the nodes run.
    pub backend: BackendChoice,
    /// Delays, limits and order.
    pub network: Network,
    /// The load.
    pub workload: Workload,
    /// What must hold.
    pub expect: Expect,
    /// What breaks, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Reads that staleness is told of.
    #[serde(default, skip_serializing_if = "Reads::is_default")]
    pub reads: Reads,
}

impl Default for Experiment {
    /// The lab as written: five followers, W = 1..5, a delay of 0..1000 ms, 100 writes.
    fn default() -> Self {
        Self {
            quorums: (1..=5).map(Quorum::constant).collect(),
            followers: Followers::constant(5),
            seed: 42,
            backend: BackendChoice::Auto,
            network: Network::default(),
            workload: Workload {
                writes: WriteCount(100),
                concurrency: Concurrency(10),
                keys: KeyCount(10),
                pacing: Pacing::Window,
            },
            expect: Expect::default(),
            faults: Vec::new(),
            reads: Reads::default(),
        }
    }
}
