//! Real databases as systems under test, as labctl's user runs them. Where a server is not installed
//! its tests say so and pass, unless `LABCTL_REQUIRE` names it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod compose;
mod faults;
mod kills;
#[path = "../cli/lab.rs"]
#[allow(dead_code, reason = "the other user of the folder needs more of it")]
mod lab;
mod redis;
mod refusals;
#[path = "../support/require.rs"]
mod require;
