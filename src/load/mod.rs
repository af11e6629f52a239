//! The load: what is written, when the next write starts, and what is kept of it.

mod cost;
mod driver;
mod failover;
mod faults;
mod gaps;
mod plan;
mod progress;
mod read_back;
mod readers;
mod record;
mod settle;
mod snapshot;
mod traces;
mod watchdog;

pub use cost::Metered;
pub use faults::{Injector, NoFaults};
pub use gaps::{Gaps, MIN_GAP};
pub use plan::{Plan, Schedule};
pub use progress::Progress;
pub use record::{RecordError, RunRecord, await_ready, observe, record};
