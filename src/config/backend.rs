//! Where the nodes run.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::setting::choice;

/// Where the nodes run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// Docker Compose if an engine answers, else local processes
    Auto,
    /// Docker Compose: one container per node
    Compose,
    /// One local process per node
    Process,
    /// The same node code in virtual time, inside labctl
    Sim,
}

choice!(BackendChoice);
