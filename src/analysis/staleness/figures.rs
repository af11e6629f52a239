//! What is told of staleness at one write quorum.

use serde::Serialize;

use super::reading::Reader;
use super::visibility::Visibility;
use crate::analysis::bounds::Bounds;
use crate::analysis::chance::Chance;
use crate::analysis::series::Dependence;

/// Staleness at one write quorum.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Staleness {
    /// W.
    pub quorum: u32,
    /// Acknowledged writes: what the figures from the trace are made of.
    pub n: u64,
    /// Acknowledged writes of which it is not known of some follower when they arrived there, or
    /// whether: of these the figures are told for the earliest and for the latest that may have been.
    pub not_exact: u64,
    /// What predictions come from; absent where every write must fail.
    pub basis: Option<Basis>,
    /// What writes take by the model; absent where reads take no time.
    pub write_latency: Option<ModelLatency>,
    /// The reads of the experiment: each number of followers, each way to choose them.
    pub reads: Vec<ReadStaleness>,
    /// The chance at the acknowledgement for reads from 1, 2, ... random followers.
    pub at_ack: Vec<StaleAtAck>,
    /// The chance over time for the first of `reads`.
    pub curve: Curve,
}

/// What a prediction comes from.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Basis {
    /// A formula.
    ClosedForm,
    /// A seeded simulation of the WARS model.
    MonteCarlo {
        /// Writes that were drawn.
        #[cfg_attr(test, schemars(range(min = 1)))]
        trials: u32,
    },
}

/// Staleness of one kind of read.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadStaleness {
    /// R: how many answers the reader waits for.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub replicas: u32,
    /// How it chooses them.
    pub reader: Reader,
    /// Whether neighbouring writes depend on each other in when a read finds them; absent without data.
    pub dependence: Option<Dependence>,
    /// From the trace; of copies that are not exactly known, as if they had come as early as possible.
    pub from_trace: Option<Visibility>,
    /// As if they had come as late as possible; absent where all are exactly known.
    pub at_latest: Option<Visibility>,
    /// From the distributions of delays alone.
    pub predicted: Option<Visibility>,
    /// At the times that the experiment names.
    pub at: Vec<SeenAt>,
    /// What reads take, by the model; absent where they take no time.
    pub latency: Option<ModelLatency>,
}

/// The chance that a read from R random followers, begun at the acknowledgement, is stale.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StaleAtAck {
    /// R.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub replicas: u32,
    /// That the write has not arrived at any of them, from the trace: the write alone.
    pub misses_write: Option<Bounds<f64>>,
    /// That each of them holds something older, or nothing: deaths of followers, newer writes of the
    /// key that came sooner and older ones that came later are all counted. Of followers that can be
    /// asked at that instant. Absent where reads take time.
    pub returns_older: Option<Bounds<f64>>,
    /// From the distributions of delays alone.
    pub predicted: Option<Chance>,
}

/// The chance that a read returns a write some time after its acknowledgement.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeenAt {
    /// Milliseconds after the acknowledgement at which the read begins.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub at_ms: f64,
    /// From the trace, as in [`ReadStaleness`].
    pub from_trace: Option<Chance>,
    /// At the latest; absent where all is exactly known.
    pub at_latest: Option<Chance>,
    /// From the distributions of delays alone.
    pub predicted: Option<Chance>,
}

/// What reads or writes take by the model.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ModelLatency {
    /// The median.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub median_ms: Option<f64>,
    /// The 99th percentile.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub p99_ms: Option<f64>,
    /// The 99.9th percentile.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub p999_ms: Option<f64>,
}

/// The chance that a read returns a write, against the time since its acknowledgement.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// From the trace, as in [`ReadStaleness`]; empty without data.
    pub from_trace: Vec<CurvePoint>,
    /// At the latest; empty where all is exactly known.
    pub at_latest: Vec<CurvePoint>,
    /// From the distributions of delays alone; empty without a prediction.
    pub predicted: Vec<CurvePoint>,
}

/// A point of a [`Curve`].
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Milliseconds after the acknowledgement.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub ms: f64,
    /// The chance.
    #[cfg_attr(test, schemars(range(min = 0.0, max = 1.0)))]
    pub seen: f64,
}
