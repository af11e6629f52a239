//! Times of a run.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plain_number::plain_number;

/// The largest time in a run, ten years: past it a file is damaged, or a node lies.
pub const TIME_LIMIT: TimeSpan = TimeSpan(10 * 365 * 24 * 3600 * 1_000_000);

/// Signed microseconds: a moment, counted from the run's start on labctl's clock, or by how much
/// two times differ.
///
/// A moment may be negative, because the warm-up lies before the start. 64 bits hold 292,000
/// years, so sums of times of a run cannot overflow; a value from outside is checked where it is
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(i64);

/// A length of time in whole microseconds; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeSpan(u64);

plain_number!(Micros, i64);
plain_number!(TimeSpan, u64);

macro_rules! time {
    ($name:ident, $number:ty) => {
        impl $name {
            /// The run's start; no time at all.
            pub const ZERO: Self = Self(0);
            /// Later than any moment of a run, and longer than any run.
            pub const MAX: Self = Self(<$number>::MAX);

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
        }

        impl Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
                times.fold(Self::ZERO, Add::add)
            }
        }
    };
}

time!(Micros, i64);
time!(TimeSpan, u64);

impl Micros {
    /// Earlier than any moment of a run.
    pub const MIN: Self = Self(i64::MIN);

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> TimeSpan {
        let micros = self.0.saturating_sub(earlier.0);
        TimeSpan(if micros > 0 { micros.unsigned_abs() } else { 0 })
    }

    /// How far this is from zero.
    #[must_use]
    pub const fn abs(self) -> TimeSpan {
        TimeSpan(self.0.unsigned_abs())
    }
}

impl TimeSpan {
    /// This length of time as the standard library's type.
    #[must_use]
    pub const fn to_duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// What is left of it without `other`; zero if that is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<u32> for Micros {
    fn from(micros: u32) -> Self {
        Self(i64::from(micros))
    }
}

impl From<u32> for TimeSpan {
    fn from(micros: u32) -> Self {
        Self(u64::from(micros))
    }
}

impl From<u64> for Micros {
    /// What does not fit is [`Self::MAX`].
    fn from(micros: u64) -> Self {
        i64::try_from(micros).map_or(Self::MAX, Self)
    }
}

impl From<TimeSpan> for Micros {
    /// What does not fit is [`Self::MAX`].
    fn from(span: TimeSpan) -> Self {
        span.0.into()
    }
}

impl From<Duration> for TimeSpan {
    /// Whole microseconds; what does not fit is [`Self::MAX`].
    fn from(duration: Duration) -> Self {
        u64::try_from(duration.as_micros()).map_or(Self::MAX, Self)
    }
}

impl Sub for Micros {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<TimeSpan> for Micros {
    type Output = Self;

    fn add(self, span: TimeSpan) -> Self {
        self + Self::from(span)
    }
}

impl Sub<TimeSpan> for Micros {
    type Output = Self;

    fn sub(self, span: TimeSpan) -> Self {
        self - Self::from(span)
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
        assert_eq!(Micros::MIN - TimeSpan::MAX, Micros::MIN);
        assert_eq!([1, 2, 3].map(Micros::new).into_iter().sum::<Micros>(), Micros::new(6));
        assert_eq!([1, u64::MAX].map(TimeSpan::new).into_iter().sum::<TimeSpan>(), TimeSpan::MAX);
        assert_eq!(TimeSpan::new(5).saturating_sub(TimeSpan::new(7)), TimeSpan::ZERO);
    }

    #[test]
    fn a_length_of_time_lies_between_two_moments_and_is_never_negative() {
        let (early, late) = (Micros::new(-5), Micros::new(7));
        assert_eq!((late.since(early), early.since(late)), (TimeSpan::new(12), TimeSpan::ZERO));
        assert_eq!((early + TimeSpan::new(12), late - TimeSpan::new(12)), (late, early));
        assert_eq!((early.abs(), Micros::MIN.abs()), (TimeSpan::new(5), TimeSpan::new(1 << 63)));
        assert_eq!(Micros::MAX.since(Micros::MIN), TimeSpan::new(i64::MAX.unsigned_abs()));
    }

    #[test]
    fn conversions_keep_the_unit() {
        assert!((Micros::new(1_500).as_ms() - 1.5).abs() < f64::EPSILON);
        assert!((TimeSpan::new(2_500_000).as_secs() - 2.5).abs() < f64::EPSILON);
        assert_eq!(TimeSpan::from(Duration::from_millis(3)), TimeSpan::new(3_000));
        assert_eq!(TimeSpan::from(Duration::MAX), TimeSpan::MAX);
        assert_eq!([7, u64::MAX].map(TimeSpan::new).map(Micros::from), [Micros::new(7), Micros::MAX]);
        assert_eq!(TimeSpan::new(3_000).to_duration(), Duration::from_millis(3));
    }

    #[test]
    fn files_hold_the_plain_number() {
        assert_eq!(serde_json::to_string(&(Micros::new(-7), TimeSpan::new(7))).unwrap(), "[-7,7]");
        assert_eq!(
            serde_json::from_str::<(Micros, TimeSpan)>("[-12,12]").unwrap(),
            (Micros::new(-12), TimeSpan::new(12))
        );
        let error = serde_json::from_str::<TimeSpan>("-1").unwrap_err().to_string();
        assert!(error.contains("`-1`"), "{error}");
    }
}
