//! `experiments.toml` as checked types, one file a table. `setting.rs` says how a setting is declared.

mod backend;
mod checks;
mod distribution;
mod expect;
mod experiment;
mod experiment_name;
mod faults;
mod file;
mod kinds;
mod network;
mod problem;
mod reader;
mod reads;
mod setting;
mod system;
mod system_tables;
mod timeout;
mod warnings;
mod workload;

pub use backend::BackendChoice;
pub use expect::Expect;
pub use experiment::{Experiment, MAX_SEED};
pub use experiment_name::ExperimentName;
pub use faults::{CutFrom, Elapsed, Fault, FaultKind, Trigger};
pub use file::{Config, SCHEMA, parse};
pub use kinds::{Misfit, Misfits, SystemKinds};
pub use network::{Coherence, FollowerNetwork, Network};
pub use problem::{ConfigError, Problem, Warning};
pub use reader::{Fields, Problems};
pub use reads::Reads;
#[allow(unused_imports, reason = "a system declares its settings with these, if it has any")]
pub(crate) use setting::{Setting, choice, is_default, settings};
pub use system::{SystemConfig, SystemSettings};
pub use system_tables::default_settings;
pub use timeout::Timeout;
pub use workload::{Concurrency, KeyCount, Pacing, Workload, WriteCount};

// For the rooms that do not name `crate::model` yet.
pub use crate::model::{CatchUp, Followers, Quorum, ReadQuorum, ReplicationOrder as Order};
