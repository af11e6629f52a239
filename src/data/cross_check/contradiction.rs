//! What one file of a run says and another rules out.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::NodeId;

/// A file of a run directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunFile {
    /// `manifest.json`.
    Manifest,
    /// `writes.csv`.
    Writes,
    /// `reads.csv`.
    Reads,
    /// `replication.csv`.
    Replication,
    /// `arrivals.csv`.
    Arrivals,
    /// `failover.json`.
    Failover,
    /// `at-last-ack/NODE.json`.
    AtLastAck(NodeId),
    /// `NODE.json`.
    Settled(NodeId),
}

impl fmt::Display for RunFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest.json"),
            Self::Writes => f.write_str("writes.csv"),
            Self::Reads => f.write_str("reads.csv"),
            Self::Replication => f.write_str("replication.csv"),
            Self::Arrivals => f.write_str("arrivals.csv"),
            Self::Failover => f.write_str("failover.json"),
            Self::AtLastAck(node) => write!(f, "at-last-ack/{node}.json"),
            Self::Settled(node) => write!(f, "{node}.json"),
        }
    }
}

impl Serialize for RunFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something that a file says and another file of the same run rules out.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contradiction {
    /// The file that says it, in the run's folder.
    #[cfg_attr(test, schemars(with = "String"))]
    pub file: RunFile,
    /// The line, counted from 1; `None` of a JSON file.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub line: Option<u64>,
    /// The node it is about; `None` if it is about none.
    pub node: Option<NodeId>,
    /// The key it is about; `None` if it is about none.
    pub key: Option<String>,
    /// What it says, and what rules that out.
    pub message: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        match (&self.node, &self.key) {
            (Some(node), Some(key)) => write!(f, "{node}, key {key}: ")?,
            (Some(node), None) => write!(f, "{node}: ")?,
            (None, Some(key)) => write!(f, "{key}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)
    }
}

impl Contradiction {
    pub(super) fn new(file: RunFile, line: Option<u64>, message: String) -> Self {
        Self { file, line, node: None, key: None, message }
    }

    pub(super) fn at(mut self, node: NodeId, key: &str) -> Self {
        (self.node, self.key) = (Some(node), Some(key.to_owned()));
        self
    }

    pub(super) fn of_node(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    pub(super) fn of_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}
