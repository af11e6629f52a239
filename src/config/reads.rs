//! `[experiment.NAME.reads]`: the reads whose staleness is told, and whether followers are asked what they
//! have. What reads would have returned follows from when each follower had each write.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::probe::{ProbeInterval, Probing};
use super::setting::{is_default, settings};
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
        /// Whether followers are asked during a run which writes they have.
        #[serde(default, skip_serializing_if = "is_default")]
        probe: Probing = Probing::Auto;
        /// After how many milliseconds they are asked again; left out: a fiftieth of the longest delay, at least 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        probe_ms: Option<ProbeInterval> = None;
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
        match self.probe {
            Probing::Auto => {}
            Probing::On => f.write_str("; followers are probed")?,
            Probing::Off => f.write_str("; followers are not probed")?,
        }
        if let Some(interval) = self.probe_ms {
            write!(f, "; probed every {interval} ms")?;
        }
        Ok(())
    }
}
