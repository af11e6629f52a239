//! Delays evenly between two bounds.

use super::distribution::{Distribution, Family, Member, Parameters, Values};
use super::parameter::{Millis, Number};

pub(super) static FAMILY: Family = Family {
    name: "uniform",
    parameters: Parameters::Numbers {
        in_words: "two parameters, the bounds in ms",
        numbers: &[Number::delay("min_ms"), Number::delay("max_ms")],
        new: |values| {
            let [min, max] = [Millis::try_from(values[0])?, Millis::try_from(values[1])?];
            Ok(Uniform::new(min, max)?.into())
        },
    },
};

/// A uniform delay between two bounds, both included, in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uniform {
    min_us: u32,
    max_us: u32,
}

impl Uniform {
    /// No delay at all.
    pub const ZERO: Self = Self { min_us: 0, max_us: 0 };

    /// A uniform delay between two bounds.
    ///
    /// # Errors
    /// If `min` exceeds `max`.
    pub fn new(min: Millis, max: Millis) -> Result<Self, String> {
        Self::from_us(min.micros(), max.micros())
            .ok_or_else(|| format!("a uniform delay's lower bound ({min} ms) must not exceed its upper one ({max} ms)"))
    }

    /// A uniform delay between two bounds in microseconds, or `None` if `min_us` exceeds `max_us`.
    pub fn from_us(min_us: u32, max_us: u32) -> Option<Self> {
        (min_us <= max_us).then_some(Self { min_us, max_us })
    }

    fn min_ms(self) -> f64 {
        f64::from(self.min_us) / 1_000.0
    }

    fn max_ms(self) -> f64 {
        f64::from(self.max_us) / 1_000.0
    }
}

impl From<Uniform> for Distribution {
    fn from(uniform: Uniform) -> Self {
        Self::new(uniform)
    }
}

impl Member for Uniform {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn values(&self) -> Values<'_> {
        Values::Numbers(vec![self.min_ms(), self.max_ms()])
    }

    fn in_words(&self) -> String {
        if self.min_us == self.max_us {
            format!("always {} ms", self.min_ms())
        } else {
            format!("{} to {} ms", self.min_ms(), self.max_ms())
        }
    }

    fn cdf(&self, x_ms: f64) -> f64 {
        if self.min_us == self.max_us {
            f64::from(u8::from(x_ms >= self.min_ms()))
        } else {
            ((x_ms - self.min_ms()) / (self.max_ms() - self.min_ms())).clamp(0.0, 1.0)
        }
    }

    fn quantile_ms(&self, p: f64) -> f64 {
        self.min_ms() + (self.max_ms() - self.min_ms()) * p
    }

    fn upper_bound_ms(&self) -> Option<f64> {
        Some(self.max_ms())
    }

    fn has_point_masses(&self) -> bool {
        self.min_us == self.max_us
    }

    fn corners_ms(&self) -> Vec<f64> {
        vec![self.min_ms(), self.max_ms()]
    }

    fn as_uniform_ms(&self) -> Option<(f64, f64)> {
        Some((self.min_ms(), self.max_ms()))
    }

    /// The widening multiplication of Lemire, "Fast random integer generation in an interval"
    /// (2019), without the rejection step: no delay's probability is off by more than one
    /// part in 2^31, and a draw takes exactly one word, whatever the range.
    fn draw_us(&self, bits: u64) -> Option<u32> {
        let width = u128::from(self.max_us - self.min_us) + 1;
        // Less than the width, so it fits and the sum is at most `max_us`.
        let offset = (u128::from(bits) * width) >> 64;
        Some(self.min_us + offset as u32)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_reached_and_kept() {
        let range = Uniform::from_us(10, 12).unwrap();
        assert_eq!((range.draw_us(0), range.draw_us(u64::MAX)), (Some(10), Some(12)));
        let widest = Uniform::from_us(0, u32::MAX).unwrap();
        assert_eq!(widest.draw_us(u64::MAX), Some(u32::MAX));
        assert_eq!(Uniform::from_us(2, 1), None);
    }
}
