//! Parameters of distributions: what each accepts, said once for all formats.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A parameter that is one number.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// Its key in TOML and JSON; one in milliseconds is `ms` or ends in `_ms`.
    pub key: &'static str,
    /// What error messages call it.
    what: &'static str,
    unit: &'static str,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Number {
    /// A delay in milliseconds, at most an hour.
    pub const fn delay(key: &'static str) -> Self {
        Self { key, what: "a delay in ms", unit: " of milliseconds", min: 0.0, max: Millis::MAX }
    }

    /// A delay in milliseconds that sets a distribution's size, such as its mean: 0.001 to an hour.
    pub const fn scale(key: &'static str) -> Self {
        Self { what: "a positive delay in ms", min: 0.001, ..Self::delay(key) }
    }

    /// A number without a unit, called `what` in error messages; both bounds are accepted.
    pub const fn plain(key: &'static str, what: &'static str, min: f64, max: f64) -> Self {
        Self { key, what, unit: "", min, max }
    }

    /// What is accepted, in words that follow "must be".
    pub fn accepted(&self) -> String {
        format!("a number{} from {} to {}", self.unit, self.min, self.max)
    }

    /// The value, if it is accepted.
    ///
    /// # Errors
    /// If it is not a number or out of range; the message says what would be accepted.
    pub fn check(&self, value: f64) -> Result<f64, String> {
        // Comparisons with NaN are false, so this refuses NaN as well.
        if (self.min..=self.max).contains(&value) {
            // Adding zero turns -0 into 0.
            Ok(value + 0.0)
        } else {
            Err(format!("{} must be {} to {}, not {value}", self.what, self.min, self.max))
        }
    }
}

/// A delay in milliseconds, at most an hour.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Millis(f64);

impl Millis {
    /// The smallest accepted value.
    pub const MIN: f64 = 0.0;
    /// The largest accepted value, an hour.
    pub const MAX: f64 = 3_600_000.0;
    /// No delay.
    pub const ZERO: Self = Self(0.0);

    /// The plain number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The sum of both, at most an hour.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self((self.0 + other.0).min(Self::MAX))
    }

    /// In whole microseconds.
    pub fn micros(self) -> u32 {
        // At most 3.6e9, which 32 bits hold.
        libm::round(self.0 * 1_000.0) as u32
    }

    /// Whether it is no delay.
    pub fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl TryFrom<f64> for Millis {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        Number::delay("ms").check(value).map(Self)
    }
}

impl From<Millis> for f64 {
    fn from(value: Millis) -> Self {
        value.0
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
