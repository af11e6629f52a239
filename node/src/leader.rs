//! The leader: numbers and applies writes, replicates them, and waits for a quorum.

mod backlog;
mod catch_up;
mod ordered;
mod quorum;
mod replication;
mod state;
#[cfg(test)]
mod tests;
mod write;

pub use backlog::MAX_ATTEMPTS as CATCH_UP_ATTEMPTS;
pub use catch_up::POLL_INTERVAL as CATCH_UP_POLL_INTERVAL;
pub use quorum::{QuorumError, QuorumFailure};
pub use state::Leader;
pub use write::Write;
