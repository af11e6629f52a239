//! A run's arrivals and acknowledgements, played in order from the followers' own traces.
//!
//! The figures are those of [`Lag`](crate::analysis::Lag) and
//! [`Durability`](crate::analysis::Durability), which a test holds this to. Those explain one
//! run from its files; this keeps a handful of numbers of each of thousands, and plays a
//! million writes without their rows.

use std::iter::{Peekable, from_fn};
use std::sync::Arc;

use crate::data::{WriteOutcome, WriteRow};
use crate::sim::Follower;

/// Arrivals read from a trace at a time.
const PIECE: usize = 4_096;

/// What the followers' traces say of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Replay {
    /// From the acknowledgement until the last follower had it, of each write that got there.
    pub(super) lags_us: Vec<u32>,
    /// From the acknowledgement until a follower that lacked the write then had it, of each such
    /// write and follower.
    pub(super) gaps_us: Vec<u32>,
    /// Copies that acknowledged writes had when they were acknowledged, together.
    pub(super) copies_at_ack: u64,
    /// Acknowledged writes that no follower held, each times how long that was so in the load.
    pub(super) lost_write_us: u128,
    /// How much of the load there was such a write.
    pub(super) losing_us: u64,
    /// Acknowledged writes, each times the followers that did not hold it and how long.
    pub(super) lacking_write_us: u128,
}

/// A run as the player sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) rows: &'a [WriteRow],
    pub(super) followers: &'a [Arc<Follower>],
    /// How many keys the writes went round.
    pub(super) keys: u64,
    /// When the load began, on the followers' clock.
    pub(super) start_us: u64,
    /// From then to the last answer.
    pub(super) load_us: u64,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Arrival { follower: usize, version: u64, applied: bool },
    Acknowledgement { version: u64 },
}

/// Events with their times.
type Stream = Box<dyn Iterator<Item = (u64, Event)>>;

/// One write on its way.
#[derive(Debug, Clone, Copy, Default)]
struct Tracked {
    key: u32,
    /// Its place among the writes of its key.
    place: u32,
    acknowledged_us: Option<u64>,
    is_acknowledged: bool,
    /// Followers that hold it or a newer write of its key.
    copies: u32,
    arrivals: u32,
    last_arrival_us: u64,
}

struct Player {
    followers: u32,
    /// By version, from 1.
    writes: Vec<Tracked>,
    /// By key: the indices of its writes, by version.
    of_key: Vec<Vec<u32>>,
    /// By follower, then key: how many of the key's writes are no newer than what it holds.
    held: Vec<Vec<u32>>,
    /// Acknowledged writes without a copy now.
    lost: u64,
    /// Followers that acknowledged writes are missing on now, together.
    lacking: u64,
    replay: Replay,
}

impl Load<'_> {
    /// Plays the load.
    pub(super) fn replay(self) -> Replay {
        let mut player = Player::new(self);
        let mut now_us = 0;
        for (at_us, event) in self.events() {
            player.pass(at_us.min(self.load_us).saturating_sub(now_us));
            now_us = now_us.max(at_us);
            match event {
                Event::Arrival { follower, version, applied } => player.arrive(follower, version, applied, at_us),
                Event::Acknowledgement { version } => player.acknowledge(version),
            }
        }
        player.pass(self.load_us.saturating_sub(now_us));
        player.finish()
    }

    /// Every arrival and acknowledgement by time; of one instant arrivals come first, each
    /// follower's in their order.
    fn events(&self) -> impl Iterator<Item = (u64, Event)> {
        let arrivals = self.followers.iter().enumerate().map(|(index, node)| self.arrivals(index, node));
        let mut acknowledged: Vec<(u64, u64)> =
            self.rows.iter().filter_map(|row| Some((acknowledged_us(row)?, row.version?))).collect();
        acknowledged.sort_unstable();
        let acknowledgements: Stream =
            Box::new(acknowledged.into_iter().map(|(at_us, version)| (at_us, Event::Acknowledgement { version })));
        let mut streams: Vec<Peekable<Stream>> = arrivals.chain([acknowledgements]).map(Iterator::peekable).collect();
        from_fn(move || {
            let next = streams.iter_mut().enumerate().filter_map(|(index, stream)| Some((stream.peek()?.0, index)));
            let (_, index) = next.min()?;
            streams.get_mut(index)?.next()
        })
    }

    fn arrivals(&self, follower: usize, node: &Arc<Follower>) -> Stream {
        let (node, start_us, mut next) = (Arc::clone(node), self.start_us, 0);
        let pieces = from_fn(move || {
            let (first, piece) = node.trace().read(next, u64::MAX, PIECE);
            next = first + piece.len() as u64;
            (!piece.is_empty()).then_some(piece)
        });
        Box::new(pieces.flatten().map(move |arrived| {
            let event = Event::Arrival { follower, version: arrived.version, applied: arrived.applied };
            (arrived.at_us.saturating_sub(start_us), event)
        }))
    }
}

fn acknowledged_us(row: &WriteRow) -> Option<u64> {
    (row.outcome == WriteOutcome::Ok).then_some(row.start_us + row.latency_us)
}

impl Player {
    fn new(load: Load<'_>) -> Self {
        let keys = usize::try_from(load.keys).unwrap_or(usize::MAX).min(load.rows.len());
        let mut writes = vec![Tracked::default(); load.rows.len()];
        for row in load.rows {
            if let Some(write) = row.version.and_then(|version| writes.get_mut(place_of(version))) {
                write.key = u32::try_from(row.write % load.keys).unwrap_or(u32::MAX);
                write.acknowledged_us = acknowledged_us(row);
            }
        }
        let mut of_key = vec![Vec::new(); keys];
        for (index, write) in (0_u32..).zip(&mut writes) {
            let of_key: &mut Vec<u32> = &mut of_key[write.key as usize];
            write.place = u32::try_from(of_key.len()).unwrap_or(u32::MAX);
            of_key.push(index);
        }
        Self {
            followers: u32::try_from(load.followers.len()).unwrap_or(u32::MAX),
            writes,
            held: vec![vec![0; keys]; load.followers.len()],
            of_key,
            lost: 0,
            lacking: 0,
            replay: Replay::default(),
        }
    }

    /// Lets time within the load pass.
    fn pass(&mut self, lasted_us: u64) {
        self.replay.lost_write_us += u128::from(self.lost) * u128::from(lasted_us);
        self.replay.lacking_write_us += u128::from(self.lacking) * u128::from(lasted_us);
        self.replay.losing_us += if self.lost > 0 { lasted_us } else { 0 };
    }

    fn acknowledge(&mut self, version: u64) {
        let Some(write) = self.writes.get_mut(place_of(version)) else { return };
        write.is_acknowledged = true;
        self.replay.copies_at_ack += u64::from(write.arrivals);
        self.lost += u64::from(write.copies == 0);
        self.lacking += u64::from(self.followers - write.copies);
    }

    /// A follower receives a write, older or newer than what it holds, and may take it up.
    fn arrive(&mut self, follower: usize, version: u64, applied: bool, at_us: u64) {
        let Some(write) = self.writes.get_mut(place_of(version)) else { return };
        write.arrivals += 1;
        if let Some(acknowledged_us) = write.acknowledged_us.filter(|_| write.is_acknowledged) {
            self.replay.gaps_us.push(u32::try_from(at_us.saturating_sub(acknowledged_us)).unwrap_or(u32::MAX));
        }
        write.last_arrival_us = at_us;
        let (key, holds) = (write.key as usize, write.place + 1);
        if !applied {
            return;
        }
        let held = &mut self.held[follower][key];
        let before = std::mem::replace(held, holds);
        for place in before.min(holds)..before.max(holds) {
            self.copy(key, place, holds > before);
        }
    }

    /// A write gained or lost a copy.
    fn copy(&mut self, key: usize, place: u32, gained: bool) {
        let write = &mut self.writes[self.of_key[key][place as usize] as usize];
        let was_lost = write.copies == 0;
        write.copies = if gained { write.copies + 1 } else { write.copies - 1 };
        if write.is_acknowledged {
            self.lacking = if gained { self.lacking - 1 } else { self.lacking + 1 };
            self.lost = self.lost + u64::from(write.copies == 0) - u64::from(was_lost);
        }
    }

    fn finish(self) -> Replay {
        let lag = |write: &Tracked| {
            let everywhere = write.arrivals >= self.followers;
            let lag_us = write.last_arrival_us.saturating_sub(write.acknowledged_us.filter(|_| everywhere)?);
            Some(u32::try_from(lag_us).unwrap_or(u32::MAX))
        };
        Replay { lags_us: self.writes.iter().filter_map(lag).collect(), ..self.replay }
    }
}

/// The index of the write with this number; the first has number 1.
fn place_of(version: u64) -> usize {
    usize::try_from(version).map_or(usize::MAX, |version| version.wrapping_sub(1))
}
