//! Waiting for enough acknowledgements.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Clock;

/// Why a write's quorum was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuorumFailure {
    /// Too few replications are left that could still succeed.
    Unreachable,
    /// The request timeout passed first.
    Timeout,
}

/// A write that did not get its quorum. It stays applied on the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write {version} has {acks} of {required} acknowledgements, {}", match .failure {
    QuorumFailure::Unreachable => "and too few followers are left for the rest",
    QuorumFailure::Timeout => "and the request timeout has passed",
})]
pub struct QuorumError {
    /// What happened.
    pub failure: QuorumFailure,
    /// Acknowledgements so far.
    pub acks: u32,
    /// Acknowledgements needed.
    pub required: u32,
    /// The write's number.
    pub version: u64,
}

/// Counts acknowledgements out of `results`, which yields one item for each replication (true:
/// acknowledged) and has as much capacity as there are replications, until there are `required`
/// of them, or cannot be, or `limit` has passed. The count comes with every outcome.
pub(super) async fn wait(
    clock: &Clock,
    limit: Duration,
    mut results: mpsc::Receiver<bool>,
    required: u32,
) -> (u32, Result<(), QuorumFailure>) {
    let mut running = results.max_capacity();
    let mut acks = 0_u32;
    let count = async {
        while acks < required {
            if running < (required - acks) as usize {
                return Err(QuorumFailure::Unreachable);
            }
            match results.recv().await {
                Some(acked) => {
                    running = running.saturating_sub(1);
                    acks += u32::from(acked);
                }
                None => running = 0,
            }
        }
        Ok(())
    };
    let reached = clock.timeout(limit, count).await.unwrap_or(Err(QuorumFailure::Timeout));
    (acks, reached)
}
