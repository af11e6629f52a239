//! The load: what is written, when the next write starts, and what is kept of it.

mod driver;
mod plan;
mod record;

pub use driver::drive;
pub use plan::{Plan, PlannedWrite};
pub use record::{Progress, Recorded, await_ready, observe, record};
