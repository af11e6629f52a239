//! The parameters of distributions: numbers that hold only what makes sense.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares a number that accepts one inclusive range.
macro_rules! ranged_number {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The smallest accepted value.
            pub const MIN: f64 = $min;
            /// The largest accepted value.
            pub const MAX: f64 = $max;

            /// The plain number.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from(value: f64) -> Result<Self, String> {
                // Comparisons with NaN are false, so this also rules out what is not a number.
                if (Self::MIN..=Self::MAX).contains(&value) {
                    // Adding nothing turns a negative zero into zero.
                    Ok(Self(value + 0.0))
                } else {
                    Err(format!(concat!($what, " must be {} to {}, not {}"), Self::MIN, Self::MAX, value))
                }
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

ranged_number!(
    /// A delay in milliseconds, at most an hour.
    Millis, "a delay in ms", 0.0..=3_600_000.0
);
ranged_number!(
    /// What sets the size of a delay, in milliseconds: a mean, a median, a smallest value.
    Scale, "a positive delay in ms", 0.001..=3_600_000.0
);
ranged_number!(
    /// The standard deviation of a delay's natural logarithm.
    Sigma, "sigma", 0.001..=5.0
);
ranged_number!(
    /// The exponent of a Pareto distribution's tail; one that has a mean.
    Shape, "the shape of a Pareto distribution", 1.01..=1_000.0
);
ranged_number!(
    /// How often a part of a mixture is chosen, relative to the others.
    Weight, "a weight", 0.000_001..=1_000_000.0
);

impl Default for Millis {
    /// No delay.
    fn default() -> Self {
        Self::ZERO
    }
}

impl Millis {
    /// No delay.
    pub const ZERO: Self = Self(0.0);

    /// Both together, but for no more than an hour.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::MAX))
    }

    /// In whole microseconds.
    pub fn micros(self) -> u32 {
        // At most 3.6e9, which 32 bits hold.
        libm::round(self.0 * 1_000.0) as u32
    }

    /// Whether there is none.
    pub fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}
