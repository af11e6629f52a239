//! The faults of an experiment: what breaks, when, and whether it recovers.

mod fault;
mod kind;
mod moment;
mod overlap;
mod read;

pub use fault::Fault;
pub use kind::{CutFrom, FaultKind};
pub use moment::{Elapsed, Trigger};
