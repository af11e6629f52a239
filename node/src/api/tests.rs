//! The router by itself: no socket, virtual time, and followers that do what a script says.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cluster;
mod corpus;
mod forms;
mod quorums;
mod support;
