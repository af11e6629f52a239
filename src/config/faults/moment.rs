//! When faults begin and end.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of a run.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// When the write of this number has been started, from 0; write 0 is before the load.
    Write(u64),
    /// So long after the start of the load; `0s` is before the load.
    After(Elapsed),
}

/// A time since the start of the load, in whole milliseconds, at most an hour; written `"3.5s"`
/// or `"250ms"`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Elapsed(u32);

impl Trigger {
    /// Whether it is before the first write.
    #[must_use]
    pub fn is_before_load(self) -> bool {
        matches!(self, Self::Write(0) | Self::After(Elapsed(0)))
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(write) => write!(f, "write {write}"),
            Self::After(elapsed) => elapsed.fmt(f),
        }
    }
}

impl Elapsed {
    /// The longest accepted time, an hour in milliseconds.
    pub const LIMIT_MS: u32 = 3_600_000;

    /// The time as a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl FromStr for Elapsed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1.0),
            (None, Some(number)) => (number, 1000.0),
            (None, None) => ("", 1.0),
        };
        let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
        let ms = number.trim().parse::<f64>().ok().filter(|_| plain).map(|number| number * scale);
        match ms {
            Some(ms) if (0.0..=f64::from(Self::LIMIT_MS)).contains(&ms) => {
                // In range, as just tested.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to an hour")]
                let ms = ms.round() as u32;
                Ok(Self(ms))
            }
            _ => Err(format!("a time must be up to an hour, such as \"3.5s\" or \"250ms\", not `{text}`")),
        }
    }
}

impl TryFrom<String> for Elapsed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Elapsed> for String {
    fn from(elapsed: Elapsed) -> Self {
        elapsed.to_string()
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", f64::from(self.0) / 1000.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_milliseconds_up_to_an_hour() {
        for (text, ms, shown) in
            [("3.5s", 3500, "3.5s"), ("250ms", 250, "0.25s"), ("0s", 0, "0s"), ("3600s", 3_600_000, "3600s")]
        {
            let elapsed: Elapsed = text.parse().unwrap();
            assert_eq!((elapsed.duration().as_millis(), elapsed.to_string().as_str()), (ms, shown));
        }
        for bad in ["", "s", "3", "3 min", "-1s", "+1s", "1e3s", "nans", "3601s", "1.2.3s", "ms"] {
            assert!(bad.parse::<Elapsed>().is_err(), "{bad}");
        }
    }
}
