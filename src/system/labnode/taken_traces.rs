//! What was taken of the nodes' traces during a load that makes more records than a node keeps.

use std::collections::BTreeMap;
use std::sync::Mutex;

use labnode::wire::{FollowerRecord, LeaderRecord, TraceDump, TraceQuery};

use super::client::Client;
use crate::model::{NodeId, ignore_poison};
use crate::system::session::SessionError;

/// The beginnings of the traces of a cluster's nodes.
#[derive(Debug, Default)]
pub(super) struct TakenTraces {
    leader: Mutex<TakenTrace<LeaderRecord>>,
    followers: Mutex<BTreeMap<NodeId, TakenTrace<FollowerRecord>>>,
}

/// The beginning of one trace.
#[derive(Debug)]
struct TakenTrace<R> {
    /// The number of the first record that was not taken.
    next: u64,
    /// How many records were forgotten before they could be taken.
    dropped: u64,
    records: Vec<R>,
}

// Not derived: that would ask for a record that can be left out.
impl<R> Default for TakenTrace<R> {
    fn default() -> Self {
        Self { next: 0, dropped: 0, records: Vec::new() }
    }
}

impl<R> TakenTrace<R> {
    /// Adds what a node has answered.
    fn add(&mut self, answer: TraceDump<R>) {
        self.next = answer.next;
        self.dropped += answer.dropped;
        self.records.extend(answer.records);
    }

    /// The whole trace, of which `rest` is what follows.
    fn whole(mut self, rest: TraceDump<R>) -> TraceDump<R> {
        self.records.extend(rest.records);
        TraceDump { dropped: self.dropped + rest.dropped, records: self.records, ..rest }
    }
}

impl TakenTraces {
    /// Takes what has ended of a node's trace.
    ///
    /// # Errors
    /// When the node does not answer; it can be asked again.
    pub(super) async fn take<C: Client>(&self, client: &C, node: NodeId) -> Result<(), SessionError> {
        let ended = |from| TraceQuery { from, ended: true };
        if node.is_leader() {
            let from = ignore_poison(self.leader.lock()).next;
            let answer = client.leader_trace(ended(from)).await?;
            ignore_poison(self.leader.lock()).add(answer);
        } else {
            let from = ignore_poison(self.followers.lock()).entry(node).or_default().next;
            let answer = client.follower_trace(node, ended(from)).await?;
            ignore_poison(self.followers.lock()).entry(node).or_default().add(answer);
        }
        Ok(())
    }

    /// The leader's whole trace.
    ///
    /// # Errors
    /// When it does not answer; what was taken of its trace is gone then.
    pub(super) async fn leader<C: Client>(&self, client: &C) -> Result<TraceDump<LeaderRecord>, SessionError> {
        let taken = std::mem::take(&mut *ignore_poison(self.leader.lock()));
        let rest = client.leader_trace(TraceQuery { from: taken.next, ended: false }).await?;
        Ok(taken.whole(rest))
    }

    /// A follower's whole trace.
    ///
    /// # Errors
    /// When it does not answer; what was taken of its trace is gone then.
    pub(super) async fn follower<C: Client>(
        &self,
        client: &C,
        node: NodeId,
    ) -> Result<TraceDump<FollowerRecord>, SessionError> {
        let taken = ignore_poison(self.followers.lock()).remove(&node).unwrap_or_default();
        let rest = client.follower_trace(node, TraceQuery { from: taken.next, ended: false }).await?;
        Ok(taken.whole(rest))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use labnode::clock::Clock;
    use labnode::config::NodeConfig;
    use labnode::follower::Follower;
    use labnode::leader::Leader;
    use labnode::node::Node;
    use labnode::transport::DirectTransport;

    use super::super::DirectClient;
    use super::*;
    use crate::model::WriteId;
    use crate::system::PlannedWrite;

    /// A node of two followers and a leader without delays whose traces keep ten records.
    fn config(role: &str) -> NodeConfig {
        NodeConfig::from_vars(|name| {
            let value = match name {
                "ROLE" => role,
                "FOLLOWERS" if role == "leader" => "http://f1:1,http://f2:1",
                "WRITE_QUORUM" => "2",
                "MIN_DELAY_MS" | "MAX_DELAY_MS" => "0",
                "TRACE_CAPACITY" => "10",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_trace_that_is_taken_in_time_is_whole_though_its_node_keeps_less() {
        let clock = Clock::at_zero();
        let followers = [0, 1].map(|_| Arc::new(Follower::new(config("follower"), clock)));
        let transport = Arc::new(DirectTransport::new(followers.to_vec()));
        let leader = Arc::new(Leader::new(config("leader"), clock, transport));
        let named =
            followers.into_iter().zip(0..).map(|(follower, index)| (NodeId::Follower(index), Node::Follower(follower)));
        let nodes = named.chain([(NodeId::Leader, Node::Leader(leader))]).collect();
        let client = DirectClient::new(nodes, clock, Duration::from_secs(5));
        let taken = TakenTraces::default();
        for number in 0..20 {
            let write = PlannedWrite { id: WriteId::new(number), key: "k".into(), value: "v".into() };
            assert_eq!(client.put(&write).await.acks, Some(2));
            if number < 15 && number % 5 == 4 {
                taken.take(&client, NodeId::Leader).await.unwrap();
            }
            if number == 8 {
                taken.take(&client, NodeId::Follower(0)).await.unwrap();
            }
        }
        let trace = taken.leader(&client).await.unwrap();
        let versions: Vec<u64> = trace.records.iter().map(|record| record.version).collect();
        assert_eq!((trace.dropped, versions), (0, (1..=20).flat_map(|version| [version; 2]).collect()));
        // Nine were taken, and ten of the other eleven are kept.
        let trace = taken.follower(&client, NodeId::Follower(0)).await.unwrap();
        assert_eq!((trace.dropped, trace.records.len()), (1, 19));
        let trace = taken.follower(&client, NodeId::Follower(1)).await.unwrap();
        assert_eq!((trace.dropped, trace.records.len()), (10, 10));
    }
}
