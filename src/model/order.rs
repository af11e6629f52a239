//! Choices that a replicated store leaves open. Those of `labnode` are defined there, because
//! its nodes act on them.

pub use labnode::config::{CatchUp, LinkOrder, ReplicationOrder};

use super::accepted::{Accepted, one_of};

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

impl Accepted for LinkOrder {
    fn accepted() -> String {
        one_of(&Self::ALL.map(Self::name))
    }
}
