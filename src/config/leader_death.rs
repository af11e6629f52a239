//! `after_leader_death` in `[experiment.NAME]`: what is done once the leader has died for good.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::faults::Fault;
use super::setting::choice;

/// What is done once a fault has ended the leader for good.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterLeaderDeath {
    /// Nothing
    #[default]
    Nothing,
    /// The most advanced follower takes its place and is read
    Promote,
}

choice!(AfterLeaderDeath);

/// Whether one of these faults ends the leader for good.
pub(super) fn is_fatal(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.node.is_leader() && fault.kind.ends_the_node() && fault.until.is_none())
}
