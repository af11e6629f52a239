//! The leader: numbers and applies writes, replicates them, and waits for a quorum.

mod catch_up;
mod quorum;
mod replication;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::{CatchUp, NodeConfig};
use crate::delay::{DelaySource, Delays};
use crate::store::Store;
use crate::trace::{Sending, Seq, Trace};
use crate::transport::Transport;
use crate::wire::{LeaderRecord, PutDone, Replicate};
use catch_up::Keeper;
pub use catch_up::{LOOK as CATCH_UP_LOOK, TRIES as CATCH_UP_TRIES};
pub use quorum::{QuorumError, QuorumFailure};
use replication::{InFlight, Replication};

/// A client's write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The client's number of this write; its version where there is none.
    pub id: Option<u64>,
}

/// A leader and everything it holds.
pub struct Leader {
    config: NodeConfig,
    clock: Clock,
    started_us: u64,
    store: Store,
    trace: Trace<Sending>,
    delays: DelaySource,
    transport: Arc<dyn Transport>,
    in_flight: AtomicU64,
    /// For each follower whether the last replication failed, so that only changes are logged.
    failing: Vec<AtomicBool>,
    /// Where followers are brought up to date: what they lack.
    keeper: Option<Keeper>,
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
            keeper: (config.catch_up == CatchUp::Snapshot).then(|| Keeper::new(config.followers.len())),
            started_us: clock.now_us(),
            config,
            clock,
        }
    }

    /// Applies and numbers a write, sends it to every follower, and waits for the quorum, but
    /// for no longer than what is left of the request timeout since `started_us` on the
    /// leader's clock.
    ///
    /// Replication does not depend on the caller: it goes on when the quorum is reached, is
    /// missed, or when this future is dropped.
    ///
    /// # Errors
    /// When the quorum is out of reach or late. The write is applied here, and replicated as
    /// far as possible, all the same.
    pub async fn put(self: &Arc<Self>, write: Write, started_us: u64) -> Result<PutDone, QuorumError> {
        let (version, results) = self.begin(&write);
        let required = self.config.write_quorum;
        let spent = Duration::from_micros(self.clock.now_us().saturating_sub(started_us));
        let left = self.config.request_timeout.saturating_sub(spent);
        let (acks, reached) = quorum::wait(&self.clock, left, results, required).await;
        match reached {
            Ok(()) => {
                Ok(PutDone { status: "ok".to_owned(), key: write.key, value: write.value, version, acks, required })
            }
            Err(failure) => Err(QuorumError { failure, acks, required, version }),
        }
    }

    /// Applies a write and starts its replications; returns its number and where each of them
    /// will tell whether it was acknowledged.
    fn begin(self: &Arc<Self>, write: &Write) -> (u64, mpsc::Receiver<bool>) {
        if let Some(keeper) = &self.keeper {
            // Before the first write there is nothing that a follower could lack.
            keeper.start(self);
        }
        let (version, sendings) = self.store.write(&write.key, &write.value, |key, version| {
            let id = write.id.unwrap_or(version);
            let begin = |follower| {
                let delays = self.delays.draw(id, u32::from(follower));
                let record = Sending::new(id, version, key, follower, delays);
                (follower, delays, self.trace.push(record))
            };
            let sendings: Vec<(u16, Delays, Seq)> = self.followers().map(begin).collect();
            (version, sendings)
        });
        let (results, receiver) = mpsc::channel(sendings.len().max(1));
        let key: Arc<str> = Arc::from(write.key.as_str());
        let body = Arc::new(Replicate { value: write.value.clone(), version: Some(version), catch_up: false });
        for (follower, delays, seq) in sendings {
            let replication = Replication {
                in_flight: InFlight::enter(Arc::clone(self)),
                follower: usize::from(follower),
                delays,
                seq,
                version,
                key: Arc::clone(&key),
                body: Arc::clone(&body),
                results: results.clone(),
            };
            tokio::spawn(replication.run());
        }
        (version, receiver)
    }

    fn followers(&self) -> std::ops::Range<u16> {
        // At most `MOST_FOLLOWERS`.
        0..u16::try_from(self.config.followers.len()).unwrap_or(u16::MAX)
    }

    /// What may still change a follower that can be reached: replications begun and not yet
    /// finished, and entries that bring followers up to date. An [unreachable](Self::unreachable)
    /// follower has no share in it, so this becomes 0 whatever fails: at most [`CATCH_UP_TRIES`]
    /// and one replication timeouts after the last write, or a little later.
    pub fn in_flight(&self) -> u64 {
        // In this order: what a replication leaves to be caught up with is noted before it ends.
        let replications = self.in_flight.load(Ordering::Acquire);
        replications + self.keeper.as_ref().map_or(0, Keeper::pending)
    }

    /// Followers that lack something and did not answer [`CATCH_UP_TRIES`] times in a row; tried
    /// again, and in flight again once they answer. Empty where followers are not brought up to
    /// date: then nothing is held back for them.
    pub fn unreachable(&self) -> Vec<String> {
        let indices = self.keeper.iter().flat_map(Keeper::unreachable);
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
