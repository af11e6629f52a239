//! Nodes as child processes, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod http;
mod ordered;
mod program;
mod soak;
mod support;
