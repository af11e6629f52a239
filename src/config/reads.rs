//! `[experiment.NAME.reads]`: the reads whose staleness is told. No run makes them: what they
//! would have returned follows from when each follower had each write.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::setting::settings;
use crate::model::{Distribution, Millis, ReadQuorum};

settings! {
    /// How reads are made, in the WARS model of PBS (Bailis et al., "Probabilistically Bounded
    /// Staleness for Practical Partial Quorums", VLDB 2012).
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Reads {
        /// Delay of a request on its way from a client to a follower, R in WARS. `None`: it takes no time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::delay"))]
        request_delay: Option<Distribution> = None;
        /// Delay of the answer on its way back, S in WARS. `None`: it takes no time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::delay"))]
        response_delay: Option<Distribution> = None;
        /// How many random followers a read asks; the newest answer counts.
        replicas: Vec<ReadQuorum> = vec![ReadQuorum::ONE];
        /// How long after a write's acknowledgement reads are made; empty: times that fit the network.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(test, schemars(schema_with = "crate::model::schema::list_of_millis"))]
        at_ms: Vec<Millis> = Vec::new();
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(", ");
        write!(f, "reads from R = {}", list(self.replicas.iter().map(ToString::to_string).collect()))?;
        for (what, delay) in [("requests", &self.request_delay), ("answers", &self.response_delay)] {
            if let Some(delay) = delay {
                write!(f, "; {what} {}", delay.in_words())?;
            }
        }
        if !self.at_ms.is_empty() {
            write!(f, "; {} ms after", list(self.at_ms.iter().map(ToString::to_string).collect()))?;
        }
        Ok(())
    }
}
