//! The two numbers of a write.

use serde::{Deserialize, Serialize};

use super::plain_number::plain_number;

/// A write's number in the plan, from 0: the client's own, sent along as `x-write-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriteId(u64);

/// The number the leader gave a write, from 1 and without gaps: of two writes, the one with
/// the higher version is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

plain_number!(WriteId, u64);
plain_number!(Version, u64);
