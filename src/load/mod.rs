//! The load: what is written, when the next write starts, and what is kept of it.

mod driver;
mod faults;
mod gaps;
mod plan;
mod progress;
mod record;
mod settle;
mod watchdog;

pub use driver::drive;
pub use faults::{Injector, NoFaults};
pub use gaps::{Gaps, MIN_GAP};
pub use plan::Plan;
pub use progress::Progress;
pub use record::{RecordError, RunRecord, await_ready, observe, record};
