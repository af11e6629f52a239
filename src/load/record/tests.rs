use labnode::wire::{FollowerRecord, Health, LeaderRecord, StoreDump, TraceDump};

use super::*;
use crate::load::PlannedWrite;
use crate::system::labnode::Answer;

/// A client of nodes that never answer.
#[derive(Clone)]
struct Nobody;

fn silence<T>(node: &str) -> Result<T, ClientError> {
    Err(ClientError { node: node.parse().unwrap(), path: "/".to_owned(), reason: "connection refused".to_owned() })
}

impl Client for Nobody {
    async fn put(&self, _: &PlannedWrite) -> Answer {
        Answer::none("connection refused")
    }

    async fn health(&self, node: &str) -> Result<Health, ClientError> {
        silence(node)
    }

    async fn store(&self, node: &str) -> Result<StoreDump, ClientError> {
        silence(node)
    }

    async fn leader_trace(&self) -> Result<TraceDump<LeaderRecord>, ClientError> {
        silence(LEADER)
    }

    async fn follower_trace(&self, node: &str) -> Result<TraceDump<FollowerRecord>, ClientError> {
        silence(node)
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_answers_is_given_up() {
    let clock = Clock::at_zero();
    let error = await_ready(&Nobody, 3, &clock).await.unwrap_err();
    assert_eq!(error.node, LEADER);
    let waited = Duration::from_micros(clock.now_us());
    assert!((READY_LIMIT..2 * READY_LIMIT).contains(&waited), "{waited:?}");
}
