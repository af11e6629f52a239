//! The load: what is written, when the next write starts, and what is kept of it.

mod driver;
mod faults;
mod plan;
mod record;
mod silence;
mod timeline;

pub use driver::drive;
pub use faults::{Injector, NoFaults};
pub use plan::{Plan, PlannedWrite};
pub use record::{Progress, RecordError, Recorded, await_ready, observe, record};
