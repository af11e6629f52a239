//! The account of where each copy of each write was when, from a run's files alone. Lag, staleness,
//! durability and loss are all computed from it.
//!
//! What proves an arrival: the follower's trace, exactly; or else the leader's record of the
//! acknowledgement, which bounds it (after the copy was sent, before the acknowledgement was back).
//! A kill or a stop empties its node, and takes the trace of that life with it. A life whose
//! trace was fetched received exactly the copies in that trace. A life whose trace is lost may have
//! received any copy that was sent to it and not acknowledged.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use self::lives::FollowerRecord;
pub(crate) use self::replay::{AtAck, CountOverTime, Event, Replay, Tally};
pub(crate) use self::write::{Arrival, PlaceInOrder, WriteCopies};
use crate::config::Order;
use crate::data::{FaultEvent, RunData, WriteOutcome, WriteRow};
use crate::model::{Micros, NodeId, Version, WriteId};

mod events;
mod lives;
mod replay;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
mod write;

/// Stands for the client's record of a write that arrived somewhere and has none.
static UNANSWERED: LazyLock<WriteRow> = LazyLock::new(|| WriteRow {
    write: WriteId::new(u64::MAX),
    key: String::new(),
    value: String::new(),
    start_us: 0,
    latency_us: 0,
    outcome: WriteOutcome::Unknown,
    http_status: None,
    version: None,
    acks: None,
    error: None,
});

/// The account of one run.
pub(crate) struct Copies<'a> {
    run: &'a RunData,
    /// By number in the plan, then those of which arrivals alone tell.
    pub(crate) writes: Vec<WriteCopies<'a>>,
    /// By key number, then by place: indices into `writes`.
    of_key: Vec<Vec<usize>>,
    followers: Vec<FollowerRecord<'a>>,
}

impl<'a> Copies<'a> {
    pub(crate) fn of(run: &'a RunData) -> Self {
        let traced: HashMap<WriteId, Version> = run.replication.iter().map(|row| (row.write, row.version)).collect();
        let terms = Terms::of(run);
        let mut by_key: BTreeMap<&str, Vec<(u32, Version, usize)>> = BTreeMap::new();
        let mut by_version: HashMap<(u32, Version, &str), usize> = HashMap::with_capacity(run.writes.len());
        let mut writes: Vec<WriteCopies<'a>> = Vec::with_capacity(run.writes.len());
        for (index, row) in run.writes.iter().enumerate() {
            let version = row.version.or_else(|| traced.get(&row.write).copied());
            if let Some(version) = version {
                let term = if row.version.is_some() { terms.at(row.end().get()) } else { terms.last() };
                by_version.insert((term, version, &row.key), index);
                by_key.entry(&row.key).or_default().push((term, version, index));
            }
            writes.push(WriteCopies { row, version, place: None, arrivals: Vec::new() });
        }
        // The leader may die with its trace before it answers a client. Its followers then tell of
        // a write that has no number in the plan, but a place in the leader's order all the same.
        for row in &run.arrivals {
            let (key, term, index) = (row.key.as_str(), terms.at(row.at_us), writes.len());
            if !(0..=term).any(|term| by_version.contains_key(&(term, row.version, key))) {
                by_version.insert((term, row.version, key), index);
                by_key.entry(key).or_default().push((term, row.version, index));
                let version = Some(row.version);
                writes.push(WriteCopies { row: &UNANSWERED, version, place: None, arrivals: Vec::new() });
            }
        }
        let mut order: Vec<(u32, Version, usize)> = by_key.values().flatten().copied().collect();
        order.sort_unstable();
        let overall: HashMap<usize, usize> =
            order.iter().enumerate().map(|(place, (_, _, index))| (*index, place)).collect();
        let mut of_key = Vec::with_capacity(by_key.len());
        for (key, mut of_one) in by_key.into_values().enumerate() {
            of_one.sort_unstable();
            for (place, (_, _, index)) in of_one.iter().enumerate() {
                let overall = overall.get(index).copied().unwrap_or_default();
                writes[*index].place = Some(PlaceInOrder { key, place, overall });
            }
            of_key.push(of_one.into_iter().map(|(_, _, index)| index).collect());
        }
        let find = |version: Version, key: &str, at_us: i64| {
            let mut terms = (0..=terms.at(at_us)).rev();
            terms.find_map(|term| by_version.get(&(term, version, key)).copied())
        };
        let followers: Vec<FollowerRecord<'a>> = NodeId::followers(run.manifest.config.followers)
            .map(|follower| FollowerRecord::of(run, follower, &find))
            .collect();
        for (index, write) in writes.iter_mut().enumerate() {
            write.arrivals = followers.iter().map(|follower| follower.arrival(index, write.row)).collect();
        }
        Self { run, writes, of_key, followers }
    }

    /// Everything that changes what followers hold or what clients know, in order.
    pub(crate) fn events(&self) -> Vec<(i64, Event)> {
        let mut events = Vec::with_capacity(self.run.arrivals.len() + self.writes.len());
        for (index, follower) in self.followers.iter().enumerate() {
            follower.add_events(index, &self.writes, &mut events);
        }
        for write in &self.writes {
            if let Some((at_us, place)) = write.acknowledged_us().zip(write.place) {
                events.push((at_us, Event::Acknowledge { key: place.key, place: place.place }));
            }
        }
        // Stable: arrivals of one follower at one instant stay in their order.
        events.sort_by_key(|(at_us, event)| (*at_us, event.rank()));
        events
    }

    /// A replay of the run from its beginning.
    pub(crate) fn replay(&self) -> Replay {
        let write = |index: &usize| {
            let write = &self.writes[*index];
            (write.place.map_or(0, |place| place.overall), write.acknowledged_us().is_some())
        };
        Replay::new(
            self.followers.len(),
            self.of_key.iter().map(|of_key| of_key.iter().map(write).collect()).collect(),
            self.run.manifest.config.network.order == Order::Version,
            Micros::from(self.run.manifest.load_us).get(),
        )
    }

    /// The run played to its end.
    pub(crate) fn tally(&self) -> Tally {
        let mut replay = self.replay();
        self.events().into_iter().for_each(|(at_us, event)| replay.play(at_us, event));
        replay.finish()
    }

    /// The write at a place among the writes of a key.
    pub(crate) fn write(&self, key: usize, place: usize) -> Option<&WriteCopies<'a>> {
        self.writes.get(*self.of_key.get(key)?.get(place)?)
    }
}

/// When which leader was in office: one that was restarted counts its versions from 1 again.
struct Terms(Vec<i64>);

impl Terms {
    fn of(run: &RunData) -> Self {
        let restarts = run.faults.iter().filter(|row| row.node.is_leader() && row.kind == FaultEvent::Restart);
        Self(restarts.map(|row| row.begun_us).collect())
    }

    fn at(&self, at_us: i64) -> u32 {
        self.0.iter().filter(|begun_us| **begun_us <= at_us).map(|_| 1).sum()
    }

    fn last(&self) -> u32 {
        self.at(i64::MAX)
    }
}
