//! `coherence_ms`: how long an ordered link stays as it is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::setting::optional_setting;
use crate::model::{Accepted, LinkOrder, refusal};

/// For how many milliseconds an ordered link has one delay: from a microsecond to an hour.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Coherence(f64);

optional_setting!(LinkOrder, Coherence);

impl Coherence {
    /// As a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0 / 1000.0)
    }
}

impl Accepted for Coherence {
    fn accepted() -> String {
        "a number of milliseconds from 0.001 to 3600000".to_owned()
    }
}

impl TryFrom<f64> for Coherence {
    type Error = String;

    fn try_from(ms: f64) -> Result<Self, String> {
        if (0.001..=3_600_000.0).contains(&ms) { Ok(Self(ms)) } else { Err(refusal::<Self>("a time", ms)) }
    }
}

impl From<Coherence> for f64 {
    fn from(coherence: Coherence) -> Self {
        coherence.0
    }
}

impl fmt::Display for Coherence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
