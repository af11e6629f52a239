//! The faults of an experiment: what breaks, when, and whether it recovers.
//!
//! A kind of fault is one file in `kinds/` and one line of the list there. It says what it does in acts
//! ([`Act`](crate::model::Act)), which every cluster and the simulation can do, so that nothing else has to know it.

mod event;
mod fault;
mod kind;
mod kinds;
mod macros;
mod moment;
mod overlap;
mod read;
mod settings;

pub use fault::{Fault, FaultAction};
pub use kinds::{CutFrom, FaultEvent, FaultKind, Kill, Partition, Pause, Slow, Stop};
pub use moment::{Elapsed, Trigger};
