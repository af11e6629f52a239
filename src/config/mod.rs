//! `experiments.toml` as validated types: what got in here is sound.

mod fault;
mod network;
mod parse;
mod problem;
mod reads;
mod setting;
mod types;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use fault::{CutFrom, Elapsed, Fault, FaultKind, Link, Trigger, link_name, links};
pub use network::{DelayRange, FollowerName, Network, Override, Timeout};
pub use parse::parse;
pub use problem::{ConfigError, Problem, Warning};
pub use reads::Reads;
pub use types::{
    BackendChoice, Concurrency, Expect, Experiment, ExperimentName, KeyCount, Pacing, Workload, WriteCount,
};

// For the rooms that do not name `crate::model` yet.
pub use crate::model::{CatchUp, Followers, Quorum, ReadQuorum, ReplicationOrder as Order};

/// The newest `schema` of `experiments.toml` that this labctl reads.
pub const SCHEMA: i64 = 1;

/// A whole `experiments.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What `labctl run all` runs; one of `experiments`.
    pub default: ExperimentName,
    /// Every experiment by its name.
    pub experiments: BTreeMap<ExperimentName, Experiment>,
    /// What cannot have the effect that it seems to have, in the order of the file.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads and validates `path`.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and, for every problem in it, line, column and text.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = fs::read(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let (at, text) = (error.utf8_error().valid_up_to(), String::from_utf8_lossy(error.as_bytes()).into_owned());
            let problems = vec![Problem::at(&text, at..at, "the file must be UTF-8 text, and from here on it is not")];
            ConfigError::Invalid { path: path.into(), problems }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        parse(&text, &|name| fs::read_to_string(folder.join(name)))
            .map_err(|problems| ConfigError::Invalid { path: path.into(), problems })
    }
}
