//! What a leader holds.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once, OnceLock};

use rand::Rng;

use super::backlog::Backlogs;
use super::ordered::{LinkSetup, OrderedLinks};
use crate::clock::Clock;
use crate::config::{CatchUp, LinkOrder, NodeConfig};
use crate::delay::{DelaySource, OrderedLink};
use crate::store::Store;
use crate::trace::{Sending, Trace};
use crate::transport::Transport;
use crate::wire::LeaderRecord;

/// A leader and everything it holds.
pub struct Leader {
    pub(super) config: NodeConfig,
    pub(super) clock: Clock,
    started_us: u64,
    pub(super) store: Store,
    pub(super) trace: Trace<Sending>,
    pub(super) delays: DelaySource,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) in_flight: AtomicU64,
    /// For each follower whether the last replication failed, so that only changes are logged.
    pub(super) failing: Vec<AtomicBool>,
    /// What followers lack, or `None` if they are not brought up to date.
    pub(super) backlogs: Option<Backlogs>,
    /// Lets the first write start the tasks that bring followers up to date.
    pub(super) first_write: Once,
    /// The links to followers if they are ordered; they begin with the first write.
    pub(super) ordered: OnceLock<OrderedLinks>,
}

impl Leader {
    /// A leader with nothing in its store, whose followers, as many as `config` names, are
    /// reached through `transport`.
    pub fn new(config: NodeConfig, clock: Clock, transport: Arc<dyn Transport>) -> Self {
        Self {
            store: Store::default(),
            trace: Trace::new(config.trace_capacity),
            delays: DelaySource::new(config.links.clone(), config.delay_seed),
            transport,
            in_flight: AtomicU64::new(0),
            failing: config.followers.iter().map(|_| AtomicBool::new(false)).collect(),
            backlogs: (config.catch_up == CatchUp::Snapshot).then(|| Backlogs::new(config.followers.len())),
            first_write: Once::new(),
            ordered: OnceLock::new(),
            started_us: clock.now_us(),
            config,
            clock,
        }
    }

    /// The links if they are ordered. They begin, and their slots count, with the first write.
    pub(super) fn ordered_links(&self) -> Option<&OrderedLinks> {
        let config = &self.config;
        let start = || {
            let seed = config.delay_seed.unwrap_or_else(|| rand::rng().next_u64());
            let link = |(follower, delays)| OrderedLink::new(delays, follower, seed, config.coherence);
            OrderedLinks::start(LinkSetup {
                links: (0..).zip(&config.links).map(link).collect(),
                limit: config.replication_timeout,
                transport: Arc::clone(&self.transport),
                clock: self.clock,
            })
        };
        (config.link_order == LinkOrder::Ordered).then(|| self.ordered.get_or_init(start))
    }

    /// What may still change a follower that can be reached: replications begun and not yet
    /// finished, and entries that bring followers up to date. An [unreachable](Self::unreachable)
    /// follower does not count, so this becomes 0 whatever fails: at most `CATCH_UP_ATTEMPTS` + 1
    /// replication timeouts after the last write, or a little later. On an ordered link a copy that
    /// has left counts until it is answered, at most for one more timeout.
    pub fn in_flight(&self) -> u64 {
        // In this order: what a replication leaves to be caught up with is noted before it ends.
        let replications = self.in_flight.load(Ordering::Acquire);
        replications + self.backlogs.as_ref().map_or(0, Backlogs::pending)
    }

    /// Followers that lack something and did not answer `CATCH_UP_ATTEMPTS` times in a row. They
    /// are tried again, and count as in flight again once they answer. Empty if followers are not
    /// brought up to date: then nothing is held back for them.
    pub fn unreachable(&self) -> Vec<String> {
        let indices = self.backlogs.iter().flat_map(Backlogs::unreachable);
        indices.filter_map(|index| self.config.followers.get(index)).map(ToString::to_string).collect()
    }

    /// Up to `limit` records of the trace from number `from` to before `end`, and the number
    /// of the first, see [`Trace::read`].
    pub fn records(&self, from: u64, end: u64, limit: usize) -> (u64, Vec<LeaderRecord>) {
        let (first, records) = self.trace.read(from, end, limit);
        let keys = self.store.keys(records.iter().map(|record| record.key));
        let records = records.iter().zip(keys).map(|(record, key)| LeaderRecord {
            write: record.write,
            version: record.version,
            key: key.as_ref().to_owned(),
            follower: u32::from(record.follower),
            delay_us: u64::from(record.delay_us),
            ack_delay_us: u64::from(record.ack_delay_us),
            sent_us: record.sent_us(),
            acked_us: record.acked_us(),
            outcome: record.outcome,
        });
        (first, records.collect())
    }

    /// What the leader was started with.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// When the leader was made, on its clock.
    pub fn started_us(&self) -> u64 {
        self.started_us
    }

    /// The leader's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the leader holds.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Every replication.
    pub fn trace(&self) -> &Trace<Sending> {
        &self.trace
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("config", &self.config)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}
