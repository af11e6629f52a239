//! Choices that a replicated store leaves open. Those of `labnode` are defined there, because
//! its nodes act on them.

pub use labnode::config::{CatchUp, ReplicationOrder};
use serde::{Deserialize, Serialize};

use super::accepted::{Accepted, one_of};

/// Whether a link keeps what it carries in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrder {
    /// Each copy has its own delay and may overtake others.
    Independent,
    /// Copies leave in the order in which they entered, as over one connection.
    Ordered,
}

impl Accepted for ReplicationOrder {
    fn accepted() -> String {
        one_of(&Self::ALL.map(Self::name))
    }
}

impl Accepted for CatchUp {
    fn accepted() -> String {
        one_of(&Self::ALL.map(Self::name))
    }
}
