//! The report, from whole runs to whole files.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod browser;
mod edge;
mod golden;
mod networks;
#[path = "../support/require.rs"]
mod require;
mod sample;
mod schema;
mod untraced;
