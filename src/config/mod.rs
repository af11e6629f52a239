//! `experiments.toml` as checked types, one file a table. `setting.rs` says how a setting is declared.

mod backend;
mod checks;
mod distribution;
mod expect;
mod experiment;
mod experiment_name;
mod faults;
mod file;
mod followers_by_quorum;
mod kinds;
mod leader_death;
mod network;
mod probe;
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
pub(crate) use backend::backends;
pub use checks::refuse_values;
pub use expect::Expect;
pub use experiment::{Experiment, MAX_SEED};
pub use experiment_name::ExperimentName;
pub use faults::{
    CutFrom, Elapsed, Fault, FaultAction, FaultEvent, FaultKind, Kill, Partition, Pause, Slow, Stop, Trigger,
};
pub use file::{Config, SCHEMA, parse};
pub use followers_by_quorum::FollowersByQuorum;
pub use kinds::{Misfit, Misfits, SystemKinds};
pub use leader_death::AfterLeaderDeath;
pub use network::{Coherence, FollowerNetwork, Network};
pub use probe::{ProbeInterval, Probing};
pub use problem::{ConfigError, Problem, Warning};
pub use reader::{Fields, Problems};
pub use reads::Reads;
#[allow(unused_imports, reason = "a system declares its settings with these, if it has any")]
pub(crate) use setting::{Setting, choice, is_default, settings};
pub use system::{SystemConfig, SystemSettings};
pub use system_tables::{default_experiment, default_settings};
pub use timeout::Timeout;
pub use workload::{Arrivals, Concurrency, KeyCount, KeyOrder, Pacing, Rate, Workload, WriteCount, ZipfExponent};
