//! `[experiment.NAME.reads]`: the reads that staleness is told of. No run makes them: what they
//! would have seen follows from when each follower had each write.

use std::fmt;

use labnode::delay::{Distribution, Millis};
use serde::{Deserialize, Serialize};

use crate::model::ReadQuorum;

/// How reads are made, in the WARS model of PBS (Bailis et al., "Probabilistically Bounded
/// Staleness for Practical Partial Quorums", VLDB 2012).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reads {
    /// The request's way from a client to a follower, R in WARS; none takes no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_delay: Option<Distribution>,
    /// The answer's way back, S in WARS; none takes no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_delay: Option<Distribution>,
    /// How many followers, chosen at random, a read asks; it takes the newest answer.
    pub replicas: Vec<ReadQuorum>,
    /// How long after a write's acknowledgement reads are made; times that fit the network where
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_ms: Vec<Millis>,
}

impl Reads {
    /// Whether nothing was said of them.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(", ");
        write!(f, "reads from R = {}", list(self.replicas.iter().map(ToString::to_string).collect()))?;
        for (way, delay) in [("requests", &self.request_delay), ("answers", &self.response_delay)] {
            if let Some(delay) = delay {
                write!(f, "; {way} {}", delay.in_words())?;
            }
        }
        if !self.at_ms.is_empty() {
            write!(f, "; {} ms after", list(self.at_ms.iter().map(ToString::to_string).collect()))?;
        }
        Ok(())
    }
}

impl Default for Reads {
    /// From one follower, at once.
    fn default() -> Self {
        Self { request_delay: None, response_delay: None, replicas: vec![ReadQuorum::ONE], at_ms: Vec::new() }
    }
}
