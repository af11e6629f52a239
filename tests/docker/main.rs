//! The real Docker deployment. Without an engine every test says so and passes, unless
//! `LABCTL_REQUIRE=docker` is set.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/broken.rs"]
mod broken;
mod compose_driver;
mod engine;
#[path = "../support/engine_left.rs"]
mod engine_left;
mod faults;
mod foreign;
mod lab;
#[path = "../support/require.rs"]
mod require;
mod surroundings;
mod user_project;
