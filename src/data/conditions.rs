//! What runs must have in common to stand in one table.

use super::Manifest;
use crate::config::{BackendChoice, Experiment};

/// The circumstances that bear on a run's figures: seed, configuration, backend and node binary.
/// Which quorums are planned, what is expected, and which reads are told of does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conditions {
    seed: u64,
    config: String,
    backend: String,
    node_sha256: Option<String>,
}

impl Conditions {
    /// The conditions of runs to come.
    #[must_use]
    pub fn new(experiment: &Experiment, backend: &str, node_sha256: Option<String>) -> Self {
        let lab = Experiment::default();
        let bearing = Experiment {
            quorums: Vec::new(),
            seed: 0,
            backend: BackendChoice::Auto,
            expect: lab.expect,
            reads: lab.reads,
            ..experiment.of_all_runs()
        };
        Self {
            seed: experiment.seed,
            // A configuration was read from TOML or JSON: there is nothing in it that JSON cannot hold.
            config: serde_json::to_string(&bearing).unwrap_or_default(),
            backend: backend.to_owned(),
            node_sha256,
        }
    }

    /// The conditions of a run that was made.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self::new(&manifest.config, &manifest.backend.name, manifest.node_sha256.clone())
    }

    /// In what they differ from others, in words: `seed 42 instead of 8, another configuration`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> String {
        let mut words = Vec::new();
        if self.seed != other.seed {
            words.push(format!("seed {} instead of {}", self.seed, other.seed));
        }
        if self.config != other.config {
            words.push("another configuration".to_owned());
        }
        if self.backend != other.backend {
            words.push(format!("backend {} instead of {}", self.backend, other.backend));
        } else if self.node_sha256 != other.node_sha256 {
            words.push("another node binary".to_owned());
        }
        words.join(", ")
    }
}
