//! What the raw facts of a run say. Every function here is pure: the same data give the
//! same figures, in the same order, on any machine.
//!
//! Times come in as integer microseconds and go out as milliseconds. A figure that the data
//! cannot give is `None`, never NaN and never a guess.

mod ks;
mod stats;
mod theory;

pub use ks::{KsTest, ks_one_sample};
pub use stats::{Interval, Mean, Quantile, Sample, quantile_ranks};
pub use theory::{NotPredicted, OrderStatistic, PredictedFigures, Prediction, UniformDelay};
