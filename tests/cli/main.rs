//! labctl end to end, as its user runs it, on local processes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod checking;
mod comparing;
mod configuration;
mod exploring;
mod faults;
mod interruption;
mod lab;
mod running;
mod staleness;
