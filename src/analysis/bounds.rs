//! A figure that the data give exactly, or only between two ends.

use serde::Serialize;

/// The ends between which a figure lies; equal where the data give it exactly.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Bounds_of_{T}"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Bounds<T> {
    /// It is at least this.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub lower: T,
    /// It is at most this.
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub upper: T,
}

impl<T: Copy + PartialEq> Bounds<T> {
    /// A figure that is known exactly.
    #[must_use]
    pub const fn exactly(value: T) -> Self {
        Self { lower: value, upper: value }
    }

    /// The figure, if the data give it exactly.
    #[must_use]
    pub fn exact(self) -> Option<T> {
        (self.lower == self.upper).then_some(self.lower)
    }

    /// Both ends changed alike, by a function that never falls.
    #[must_use]
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Bounds<U> {
        Bounds { lower: change(self.lower), upper: change(self.upper) }
    }
}
