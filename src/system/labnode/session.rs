//! Sessions with the lab's nodes.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use labnode::clock::Clock;
use labnode::leader::{CATCH_UP_ATTEMPTS, CATCH_UP_POLL_INTERVAL};
use labnode::wire::Health;

use super::client::Client;
use super::taken_traces::TakenTraces;
use super::timeline::Timeline;
use crate::config::Experiment;
use crate::model::{CatchUp, Endpoints, Followers, LinkOrder, Micros, NodeId, StoreDump, Version};
use crate::system::session::{
    Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace, WriteAnswer,
};

/// The version of the lab's node: the crates of the workspace share one.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A session through a client.
#[derive(Debug)]
pub struct LabSession<C> {
    client: C,
    clock: Clock,
    followers: Followers,
    settle_limits: SettleLimits,
    taken: TakenTraces,
}

impl<C: Client> LabSession<C> {
    /// A session with the nodes of an experiment; `clock` is the load's.
    pub fn new(client: C, experiment: &Experiment, clock: Clock) -> Self {
        Self {
            client,
            clock,
            followers: experiment.followers,
            settle_limits: settle_limits(experiment),
            taken: TakenTraces::default(),
        }
    }
}

/// How long a leader may take: a replication ends within its timeout, and a follower is given up
/// after [`CATCH_UP_ATTEMPTS`] more. A follower that is back is noticed because it is asked every
/// [`CATCH_UP_POLL_INTERVAL`]; a question from before may hang for a replication timeout.
fn settle_limits(experiment: &Experiment) -> SettleLimits {
    let network = &experiment.network;
    let timeout = match experiment.link_order() {
        LinkOrder::Independent => network.replication_timeout_s.duration(),
        // What has left cannot be taken back, and may be answered one more timeout later.
        LinkOrder::Ordered => 2 * network.replication_timeout_s.duration(),
    };
    match network.catch_up {
        CatchUp::Off => SettleLimits { step: timeout, notice: None },
        CatchUp::Snapshot => SettleLimits {
            step: (CATCH_UP_ATTEMPTS + 1) * (timeout + 2 * CATCH_UP_POLL_INTERVAL),
            notice: Some(timeout + 3 * CATCH_UP_POLL_INTERVAL),
        },
    }
}

/// What a leader says is in flight, its followers by their own names.
fn in_flight(health: &Health) -> PendingCopies {
    let name = |url: &String| match (0..).zip(&health.followers).find(|(_, follower)| *follower == url) {
        Some((index, _)) => NodeId::Follower(index).to_string(),
        None => url.clone(),
    };
    PendingCopies { copies: health.in_flight, unreachable: health.unreachable.iter().map(name).collect() }
}

impl<C: Client> Session for LabSession<C> {
    fn write<'a>(&'a self, write: &'a PlannedWrite) -> BoxFuture<'a, WriteAnswer> {
        self.client.put(write).boxed()
    }

    fn read<'a>(&'a self, node: NodeId, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, SessionError>> {
        let found = async move {
            let value = self.client.value(node, key).await?;
            Ok(value.map(|found| Found { value: found.value, version: Some(Version::new(found.version)) }))
        };
        found.boxed()
    }

    fn dump(&self, node: NodeId) -> BoxFuture<'_, Result<StoreDump, SessionError>> {
        self.client.store(node).boxed()
    }

    fn ready(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        async move { self.client.health(node).await.map(drop) }.boxed()
    }

    fn warm_up(&self, connections: usize) -> BoxFuture<'_, Result<(), SessionError>> {
        self.client.open_for_writes(connections).boxed()
    }

    fn in_flight(&self) -> BoxFuture<'_, Result<PendingCopies, SessionError>> {
        async move { Ok(in_flight(&self.client.health(NodeId::Leader).await?)) }.boxed()
    }

    fn settle_limits(&self) -> SettleLimits {
        self.settle_limits
    }

    fn take_trace(&self, node: NodeId) -> BoxFuture<'_, Result<(), SessionError>> {
        self.taken.take(&self.client, node).boxed()
    }

    fn trace(&self, node: NodeId, start_us: Micros) -> BoxFuture<'_, Result<Option<Trace>, SessionError>> {
        let timeline = Timeline { clock: &self.clock, start_us, followers: self.followers };
        async move { timeline.trace(&self.client, node, &self.taken).await.map(Some) }.boxed()
    }

    fn redirect(&self, endpoints: &Endpoints) {
        self.client.redirect(endpoints);
    }

    fn version(&self) -> BoxFuture<'_, Result<String, SessionError>> {
        async { Ok(VERSION.to_owned()) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Network;

    #[test]
    fn a_leader_that_catches_up_has_the_time_that_it_promises() {
        let limits = |catch_up| {
            let network = Network { catch_up, ..Network::default() };
            settle_limits(&Experiment { network, ..Experiment::default() })
        };
        // Replications time out after 2 s.
        assert_eq!(limits(CatchUp::Off), SettleLimits { step: Duration::from_secs(2), notice: None });
        let snapshot = limits(CatchUp::Snapshot);
        assert!((Duration::from_secs(9)..Duration::from_secs(10)).contains(&snapshot.step), "{snapshot:?}");
        assert!(snapshot.notice.is_some_and(|notice| notice > Duration::from_secs(2)));
    }
}
