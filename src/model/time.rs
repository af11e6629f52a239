//! Times of a run.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The largest time in a run, ten years in microseconds: past it a file is damaged, or a node lies.
pub const TIME_LIMIT_US: u64 = 10 * 365 * 24 * 3600 * 1_000_000;

/// Whole microseconds: a moment, counted from the run's start on labctl's clock, or a length
/// of time.
///
/// Signed, because the warm-up lies before the start. 64 bits hold 292,000 years, so sums of
/// times of a run cannot overflow; a value from outside is checked where it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(i64);

impl Micros {
    /// The run's start; no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than any moment of a run.
    pub const MAX: Self = Self(i64::MAX);

    /// This many microseconds.
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// The plain number of microseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// This time in milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// This time in seconds.
    #[must_use]
    pub const fn as_secs(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// The number of microseconds of this length of time, or zero if it is negative.
    #[must_use]
    pub const fn length(self) -> u64 {
        if self.0 > 0 { self.0.unsigned_abs() } else { 0 }
    }

    /// This length of time, or zero if it is negative.
    #[must_use]
    pub const fn to_duration(self) -> Duration {
        Duration::from_micros(self.length())
    }
}

impl From<u32> for Micros {
    fn from(micros: u32) -> Self {
        Self(i64::from(micros))
    }
}

impl From<u64> for Micros {
    /// What does not fit is [`Self::MAX`].
    fn from(micros: u64) -> Self {
        i64::try_from(micros).map_or(Self::MAX, Self)
    }
}

impl From<Duration> for Micros {
    /// Whole microseconds; what does not fit is [`Self::MAX`].
    fn from(duration: Duration) -> Self {
        i64::try_from(duration.as_micros()).map_or(Self::MAX, Self)
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Micros {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Micros {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Micros {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Micros {
    /// The plain number, as the files of a run have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Micros::new(5) - Micros::new(7), Micros::new(-2));
        assert_eq!(Micros::MAX + Micros::new(1), Micros::MAX);
        assert_eq!(-Micros::new(i64::MIN), Micros::MAX);
        assert_eq!([1, 2, 3].map(Micros::new).into_iter().sum::<Micros>(), Micros::new(6));
    }

    #[test]
    fn conversions_keep_the_unit() {
        assert!((Micros::new(1_500).as_ms() - 1.5).abs() < f64::EPSILON);
        assert!((Micros::new(2_500_000).as_secs() - 2.5).abs() < f64::EPSILON);
        assert_eq!(Micros::from(Duration::from_millis(3)), Micros::new(3_000));
        assert_eq!(Micros::from(Duration::MAX), Micros::MAX);
        assert_eq!([Micros::from(7_u64), Micros::from(u64::MAX)], [Micros::new(7), Micros::MAX]);
        assert_eq!([Micros::new(7), Micros::new(-7)].map(Micros::length), [7, 0]);
        assert_eq!(Micros::new(3_000).to_duration(), Duration::from_millis(3));
        assert_eq!(Micros::new(-1).to_duration(), Duration::ZERO);
    }

    #[test]
    fn files_hold_the_plain_number() {
        assert_eq!(serde_json::to_string(&Micros::new(-7)).unwrap(), "-7");
        assert_eq!(serde_json::from_str::<Micros>("12").unwrap(), Micros::new(12));
    }
}
