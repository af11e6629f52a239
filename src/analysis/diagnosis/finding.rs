//! What can be wrong with a leader, and what shows it.

use serde::Serialize;

/// What is wrong with the leader, or with how it was measured.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaderDefect {
    /// It waits for every follower, whatever W is.
    WaitsForAll,
    /// It waits for no follower, whatever W is.
    WaitsForNone,
    /// It answers with fewer than W acknowledgements.
    FewerThanW,
    /// Something it shares between writes is used up where writes are fast.
    SaturatedPool,
    /// The percentiles were not taken from sorted latencies.
    UnsortedPercentiles,
    /// It gives replication up once the quorum is reached.
    CancelsAtQuorum,
}

/// One figure that speaks for a [`LeaderDefect`].
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sign {
    /// W.
    pub quorum: u32,
    /// The figure.
    pub measured: f64,
    /// What it should be.
    pub expected: f64,
}

/// A recognised fault.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The fault.
    pub fault: LeaderDefect,
    /// What shows it, in a sentence or two.
    pub sentence: String,
    /// The figures by quorum: mean latencies in milliseconds; for [`LeaderDefect::UnsortedPercentiles`]
    /// p99 and the median; for [`LeaderDefect::CancelsAtQuorum`] shares from 0 to 1.
    pub readings: Vec<Sign>,
}
