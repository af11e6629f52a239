//! The follower: applies what the leader sends.

use crate::clock::Clock;
use crate::config::{NodeConfig, ReplicationOrder};
use crate::store::Store;
use crate::trace::{Arrived, Trace};
use crate::wire::{FollowerRecord, Replicate, Replicated};

/// A follower and everything it holds.
#[derive(Debug)]
pub struct Follower {
    config: NodeConfig,
    clock: Clock,
    started_us: u64,
    store: Store,
    trace: Trace<Arrived>,
}

impl Follower {
    /// A follower with nothing in its store.
    pub fn new(config: NodeConfig, clock: Clock) -> Self {
        Self {
            started_us: clock.now_us(),
            trace: Trace::new(config.trace_capacity),
            store: Store::default(),
            config,
            clock,
        }
    }

    /// Applies a write, or keeps what is held, as the replication order says, or, when the
    /// leader brings this follower up to date, if it is newer. Arrivals stand in the trace in
    /// the order in which they took effect.
    pub fn replicate(&self, key: &str, body: &Replicate) -> Replicated {
        let order = if body.catch_up { ReplicationOrder::Version } else { self.config.order };
        let arrival = self.store.replicate(key, &body.value, body.version, order, |arrival| {
            self.trace.push(Arrived {
                version: arrival.version,
                key: arrival.key,
                applied: arrival.applied,
                catch_up: body.catch_up,
                at_us: self.clock.now_us(),
            });
        });
        Replicated { applied: arrival.applied, version: arrival.held, started_us: Some(self.started_us) }
    }

    /// Up to `limit` records of the trace from number `from` to before `end`, and the number
    /// of the first, see [`Trace::read`].
    pub fn records(&self, from: u64, end: u64, limit: usize) -> (u64, Vec<FollowerRecord>) {
        let (first, records) = self.trace.read(from, end, limit);
        let keys = self.store.keys(records.iter().map(|record| record.key));
        let records = records.iter().zip(keys).map(|(record, key)| FollowerRecord {
            version: record.version,
            key: key.as_ref().to_owned(),
            applied: record.applied,
            catch_up: record.catch_up,
            at_us: record.at_us,
        });
        (first, records.collect())
    }

    /// What the follower was started with.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// When the follower was made, on its clock.
    pub fn started_us(&self) -> u64 {
        self.started_us
    }

    /// The follower's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the follower holds.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Every arrival.
    pub fn trace(&self) -> &Trace<Arrived> {
        &self.trace
    }
}
