//! Replays a run's arrivals and acknowledgements in order, from the followers' own traces.
//!
//! The figures are those of [`Lag`](crate::analysis::Lag) and
//! [`Durability`](crate::analysis::Durability), as a test checks. Those explain one
//! run from its files; this keeps a handful of numbers of each of thousands of runs, and replays
//! a million writes without making a row of each.

use std::iter::{Peekable, from_fn};
use std::sync::Arc;

use crate::data::{WriteOutcome, WriteRow};
use crate::model::{Micros, TimeSpan, Version};
use crate::sim::Follower;

/// Arrivals read from a trace at a time.
const ARRIVALS_AT_A_TIME: usize = 4_096;

/// Figures of a run from its followers' traces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReplayFigures {
    /// Time from the acknowledgement until the last follower had it, of each write that reached all.
    pub(super) lags_us: Vec<u32>,
    /// Time from the acknowledgement until a follower that lacked the write received it, of each such
    /// write and follower.
    pub(super) gaps_us: Vec<u32>,
    /// Arrivals of acknowledged writes before their acknowledgement.
    pub(super) copies_at_ack: u64,
    /// Acknowledged writes that no follower held, times how long, summed over the load.
    pub(super) lost_write_us: u128,
    /// How long there was such a write during the load.
    pub(super) losing_us: TimeSpan,
    /// Acknowledged writes, times the followers that did not hold them, times how long.
    pub(super) lacking_write_us: u128,
}

/// A run to replay.
#[derive(Debug, Clone, Copy)]
pub(super) struct TracedRun<'a> {
    pub(super) rows: &'a [WriteRow],
    pub(super) followers: &'a [Arc<Follower>],
    /// The number of the key of each write, by write.
    pub(super) keys: &'a [u32],
    /// When the load began, on the followers' clock.
    pub(super) start_us: Micros,
    /// How long the load lasted, until the last answer.
    pub(super) load_us: TimeSpan,
}

#[derive(Debug, Clone, Copy)]
enum TraceEvent {
    Arrival { follower: usize, version: Version, applied: bool },
    Acknowledgement { version: Version },
}

/// Events with their times.
type Stream = Box<dyn Iterator<Item = (Micros, TraceEvent)>>;

/// One write and its copies so far.
#[derive(Debug, Clone, Copy, Default)]
struct Tracked {
    key: u32,
    /// Its index among the writes of its key.
    position: u32,
    acknowledged_us: Option<Micros>,
    is_acknowledged: bool,
    /// Followers that hold it or a newer write of its key.
    copies: u32,
    arrivals: u32,
    last_arrival_us: Micros,
}

struct Replayer {
    followers: u32,
    /// By version; version 1 has index 0.
    writes: Vec<Tracked>,
    /// By key: the indices of its writes, in order of version.
    of_key: Vec<Vec<u32>>,
    /// By follower, then key: how many of the key's writes are no newer than what it holds.
    held: Vec<Vec<u32>>,
    /// Acknowledged writes that no follower holds now.
    lost: u64,
    /// Pairs of acknowledged write and follower that does not hold it now.
    lacking: u64,
    replay: ReplayFigures,
}

impl TracedRun<'_> {
    /// Replays the load.
    pub(super) fn replay(self) -> ReplayFigures {
        let mut replayer = Replayer::new(self);
        let (mut now_us, last_ack_us) = (Micros::ZERO, Micros::from(self.load_us));
        for (at_us, event) in self.events() {
            replayer.pass(at_us.min(last_ack_us).since(now_us));
            now_us = now_us.max(at_us);
            match event {
                TraceEvent::Arrival { follower, version, applied } => {
                    replayer.arrive(follower, version, applied, at_us)
                }
                TraceEvent::Acknowledgement { version } => replayer.acknowledge(version),
            }
        }
        replayer.pass(last_ack_us.since(now_us));
        replayer.finish()
    }

    /// Every arrival and acknowledgement by time. At the same instant arrivals come first, in each
    /// follower's order.
    fn events(&self) -> impl Iterator<Item = (Micros, TraceEvent)> {
        let arrivals = self.followers.iter().enumerate().map(|(index, node)| self.arrivals(index, node));
        let mut acknowledged: Vec<(Micros, Version)> =
            self.rows.iter().filter_map(|row| Some((acknowledged_us(row)?, row.version?))).collect();
        acknowledged.sort_unstable();
        let acknowledgements: Stream =
            Box::new(acknowledged.into_iter().map(|(at_us, version)| (at_us, TraceEvent::Acknowledgement { version })));
        let mut streams: Vec<Peekable<Stream>> = arrivals.chain([acknowledgements]).map(Iterator::peekable).collect();
        from_fn(move || {
            let next = streams.iter_mut().enumerate().filter_map(|(index, stream)| Some((stream.peek()?.0, index)));
            let (_, index) = next.min()?;
            streams.get_mut(index)?.next()
        })
    }

    fn arrivals(&self, follower: usize, node: &Arc<Follower>) -> Stream {
        let (node, start_us, mut next) = (Arc::clone(node), self.start_us, 0);
        let chunks = from_fn(move || {
            let (first, chunk) = node.trace().read(next, u64::MAX, ARRIVALS_AT_A_TIME);
            next = first + chunk.len() as u64;
            (!chunk.is_empty()).then_some(chunk)
        });
        Box::new(chunks.flatten().map(move |arrived| {
            let event =
                TraceEvent::Arrival { follower, version: Version::new(arrived.version), applied: arrived.applied };
            (Micros::from(arrived.at_us) - start_us, event)
        }))
    }
}

fn acknowledged_us(row: &WriteRow) -> Option<Micros> {
    (row.outcome == WriteOutcome::Ok).then(|| row.end())
}

impl Replayer {
    fn new(load: TracedRun<'_>) -> Self {
        let keys = load.keys.iter().max().map_or(0, |last| *last as usize + 1);
        let mut writes = vec![Tracked::default(); load.rows.len()];
        for row in load.rows {
            if let Some(write) = row.version.and_then(|version| writes.get_mut(index_of(version))) {
                write.key =
                    usize::try_from(row.write.get()).ok().and_then(|index| load.keys.get(index)).copied().unwrap_or(0);
                write.acknowledged_us = acknowledged_us(row);
            }
        }
        let mut of_key = vec![Vec::new(); keys];
        for (index, write) in (0_u32..).zip(&mut writes) {
            let of_key: &mut Vec<u32> = &mut of_key[write.key as usize];
            write.position = to_u32(of_key.len());
            of_key.push(index);
        }
        Self {
            followers: to_u32(load.followers.len()),
            writes,
            held: vec![vec![0; keys]; load.followers.len()],
            of_key,
            lost: 0,
            lacking: 0,
            replay: ReplayFigures::default(),
        }
    }

    /// Accounts for time that passes within the load.
    fn pass(&mut self, lasted_us: TimeSpan) {
        self.replay.lost_write_us += u128::from(self.lost) * u128::from(lasted_us.get());
        self.replay.lacking_write_us += u128::from(self.lacking) * u128::from(lasted_us.get());
        self.replay.losing_us += if self.lost > 0 { lasted_us } else { TimeSpan::ZERO };
    }

    fn acknowledge(&mut self, version: Version) {
        let Some(write) = self.writes.get_mut(index_of(version)) else { return };
        write.is_acknowledged = true;
        self.replay.copies_at_ack += u64::from(write.arrivals);
        self.lost += u64::from(write.copies == 0);
        self.lacking += u64::from(self.followers - write.copies);
    }

    /// A follower receives a write, and applies it or not.
    fn arrive(&mut self, follower: usize, version: Version, applied: bool, at_us: Micros) {
        let Some(write) = self.writes.get_mut(index_of(version)) else { return };
        write.arrivals += 1;
        if let Some(acknowledged_us) = write.acknowledged_us.filter(|_| write.is_acknowledged) {
            self.replay.gaps_us.push(to_u32(at_us.since(acknowledged_us).get()));
        }
        write.last_arrival_us = at_us;
        let (key, holds) = (write.key as usize, write.position + 1);
        if !applied {
            return;
        }
        let held = &mut self.held[follower][key];
        let before = std::mem::replace(held, holds);
        for position in before.min(holds)..before.max(holds) {
            self.copy(key, position, holds > before);
        }
    }

    /// A write gained or lost a copy.
    fn copy(&mut self, key: usize, position: u32, gained: bool) {
        let write = &mut self.writes[self.of_key[key][position as usize] as usize];
        let was_lost = write.copies == 0;
        write.copies = if gained { write.copies + 1 } else { write.copies - 1 };
        if write.is_acknowledged {
            self.lacking = if gained { self.lacking - 1 } else { self.lacking + 1 };
            self.lost = self.lost + u64::from(write.copies == 0) - u64::from(was_lost);
        }
    }

    fn finish(self) -> ReplayFigures {
        let lag = |write: &Tracked| {
            let everywhere = write.arrivals >= self.followers;
            let lag_us = write.last_arrival_us.since(write.acknowledged_us.filter(|_| everywhere)?);
            Some(to_u32(lag_us.get()))
        };
        ReplayFigures { lags_us: self.writes.iter().filter_map(lag).collect(), ..self.replay }
    }
}

/// The index of the write with this version; the first version is 1.
fn index_of(version: Version) -> usize {
    usize::try_from(version.get()).map_or(usize::MAX, |version| version.wrapping_sub(1))
}

/// A count or a time that fits; saturates otherwise. As microseconds the limit is more than an hour.
pub(super) fn to_u32(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or(u32::MAX)
}
