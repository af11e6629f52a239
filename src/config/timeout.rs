//! Time limits.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Accepted, TimeSpan, refusal};

/// A time limit in seconds, from a millisecond to an hour.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Timeout(f64);

impl Timeout {
    /// The longest.
    pub const MAX: Self = Self(3_600.0);

    /// The limit with this number of seconds, for constants in the code.
    ///
    /// # Panics
    /// When it is out of range.
    pub(crate) const fn constant(secs: f64) -> Self {
        assert!(0.001 <= secs && secs <= Self::MAX.0);
        Self(secs)
    }

    /// The limit as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    /// The limit in whole microseconds.
    #[must_use]
    pub fn span(self) -> TimeSpan {
        self.duration().into()
    }

    /// The limit in seconds.
    #[must_use]
    pub const fn secs(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Timeout {
    type Error = String;

    fn try_from(secs: f64) -> Result<Self, String> {
        if (0.001..=Self::MAX.0).contains(&secs) { Ok(Self(secs)) } else { Err(refusal::<Self>("a time limit", secs)) }
    }
}

impl Accepted for Timeout {
    fn accepted() -> String {
        "a number of seconds from 0.001 to 3600".to_owned()
    }
}

impl From<Timeout> for f64 {
    fn from(limit: Timeout) -> Self {
        limit.0
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
