//! How many nodes: the size of a cluster and of its quorums.

use super::ranged::ranged_integer;

ranged_integer!(
    /// W: how many followers must acknowledge a write before its client hears so.
    /// 0 is asynchronous replication.
    Quorum(u32), "a write quorum", 0..=99
);
ranged_integer!(
    /// N: how many followers replicate the leader.
    Followers(u32), "the number of followers", 1..=99
);
ranged_integer!(
    /// R: how many followers a read asks.
    ReadQuorum(u32), "a read quorum", 1..=99
);

impl Quorum {
    /// The number that a system is told for W: one more if it counts its leader.
    #[must_use]
    pub const fn as_counted(self, counts_leader: bool) -> u32 {
        self.0 + counts_leader as u32
    }
}

impl ReadQuorum {
    /// A read from one follower.
    pub const ONE: Self = Self(1);
}
