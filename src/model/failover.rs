//! How a follower takes the place of a leader that has died, and what a system says of the writes it then holds.

use serde::{Deserialize, Serialize};

/// How a system has a leader again.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailoverKind {
    /// It has none: its followers cannot be promoted. The most advanced one is only read.
    ReadBack,
    /// labctl promotes the most advanced follower.
    Promotion,
    /// The followers elect one among themselves.
    Election,
}

/// What a system says of the death of its leader.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverFacts {
    /// How it has a leader again.
    pub kind: FailoverKind,
    /// The least W at which no acknowledged write is lost. `None` if it promises that at no W.
    pub none_lost_from: Option<u32>,
    /// What its documentation promises, and what `none_lost_from` rests on, in sentences.
    pub documented: String,
}
