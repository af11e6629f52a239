//! Uniform delays.

use serde::{Deserialize, Serialize};

use super::parameter::Millis;

/// The bounds of a uniform delay, both included, in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct DelayRange {
    min_us: u32,
    max_us: u32,
}

/// A [`DelayRange`] as it is written down.
#[derive(Serialize, Deserialize)]
struct Bounds {
    min_ms: Millis,
    max_ms: Millis,
}

impl TryFrom<Bounds> for DelayRange {
    type Error = String;

    fn try_from(bounds: Bounds) -> Result<Self, String> {
        Self::from_ms(bounds.min_ms, bounds.max_ms)
    }
}

impl From<DelayRange> for Bounds {
    fn from(range: DelayRange) -> Self {
        // What came from milliseconds within the hour goes back there.
        let millis = |us: f64| Millis::try_from(us / 1_000.0).unwrap_or(Millis::ZERO);
        Self { min_ms: millis(range.min_us.into()), max_ms: millis(range.max_us.into()) }
    }
}

impl DelayRange {
    /// No delay at all.
    pub const ZERO: Self = Self { min_us: 0, max_us: 0 };

    /// The range from `min_us` to `max_us`, or none when they are the wrong way round.
    pub fn new(min_us: u32, max_us: u32) -> Option<Self> {
        (min_us <= max_us).then_some(Self { min_us, max_us })
    }

    /// The range between two delays.
    ///
    /// # Errors
    /// When they are the wrong way round.
    pub fn from_ms(min: Millis, max: Millis) -> Result<Self, String> {
        Self::new(min.micros(), max.micros())
            .ok_or_else(|| format!("a uniform delay's lower bound ({min} ms) must not exceed its upper one ({max} ms)"))
    }

    /// The lower bound in milliseconds.
    pub fn min_ms(self) -> f64 {
        f64::from(self.min_us) / 1_000.0
    }

    /// The upper bound in milliseconds.
    pub fn max_ms(self) -> f64 {
        f64::from(self.max_us) / 1_000.0
    }

    /// Maps 64 uniform random bits to a delay in microseconds.
    ///
    /// The widening multiplication of Lemire, "Fast random integer generation in an interval"
    /// (2019), without the rejection step: no delay's probability is off by more than one
    /// part in 2^31, and a draw takes exactly one word, whatever the range.
    pub fn pick(self, bits: u64) -> u32 {
        let width = u128::from(self.max_us - self.min_us) + 1;
        let offset = (u128::from(bits) * width) >> 64;
        // The offset is less than the width, so it fits and the sum is at most max_us.
        self.min_us + u32::try_from(offset).unwrap_or(0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_reached_and_kept() {
        let range = DelayRange::new(10, 12).unwrap();
        assert_eq!(range.pick(0), 10);
        assert_eq!(range.pick(u64::MAX), 12);
        let widest = DelayRange::new(0, u32::MAX).unwrap();
        assert_eq!(widest.pick(u64::MAX), u32::MAX);
        assert_eq!(DelayRange::new(2, 1), None);
    }
}
