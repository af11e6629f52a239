//! The account of where each copy of each write was when, from a run's files alone. Lag, staleness,
//! durability and loss are all computed from it.
//!
//! What proves an arrival, where there are traces: the follower's trace, exactly; or else the leader's record of the
//! acknowledgement, which bounds it (after the copy was sent, before the acknowledgement was back).
//! A kill or a stop empties its node, and takes the trace of that life with it. A life whose
//! trace was fetched received exactly the copies in that trace. A life whose trace is lost may have
//! received any copy that was sent to it and not acknowledged.
//!
//! Without traces the answers to reads bound it, see [`looks`].

use std::cell::OnceCell;
use std::sync::LazyLock;

use hashbrown::HashMap;

use self::lives::FollowerRecord;
use self::outside::Seen;
pub(crate) use self::outside::Sightings;
pub(crate) use self::replay::{Event, Replay};
use self::seen::SeenFollower;
pub(crate) use self::tally::{AtAck, CountOverTime, Tally};
use self::terms::{ByKey, Terms, place};
pub(crate) use self::write::{Arrival, WriteCopies};
use crate::data::{RunData, WriteOutcome, WriteRow};
use crate::model::{Key, Micros, NodeId, ReplicationOrder, TimeSpan, Version, WriteId};

mod events;
mod lives;
mod looks;
mod order;
mod outside;
mod replay;
mod seen;
mod tally;
mod terms;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
mod write;

/// Stands for the client's record of a write that arrived somewhere and has none.
static UNANSWERED: LazyLock<WriteRow> = LazyLock::new(|| WriteRow {
    write: WriteId::new(u64::MAX),
    key: Key::from(""),
    value: String::new(),
    start_us: Micros::ZERO,
    latency_us: TimeSpan::ZERO,
    outcome: WriteOutcome::Unknown,
    http_status: None,
    version: None,
    acks: None,
    error: None,
    sent_us: None,
});

/// Where an account comes from.
enum Source<'a> {
    /// The nodes' own traces.
    Traces(Vec<FollowerRecord<'a>>),
    /// What clients saw of each follower.
    Reads(Vec<SeenFollower>),
}

/// The account of one run.
pub(crate) struct Copies<'a> {
    run: &'a RunData,
    /// By number in the plan, then those of which arrivals alone tell.
    pub(crate) writes: Vec<WriteCopies<'a>>,
    /// By key number, then by place: indices into `writes`.
    of_key: Vec<Vec<usize>>,
    source: Source<'a>,
    tally: OnceCell<Tally>,
}

impl<'a> Copies<'a> {
    /// By the nodes' traces, or by what clients saw if the system keeps none.
    pub(crate) fn of(run: &'a RunData) -> Self {
        if run.manifest.capabilities().trace { Self::by_traces(run) } else { Self::by_reads(run) }
    }

    /// By the nodes' traces.
    fn by_traces(run: &'a RunData) -> Self {
        let traced: HashMap<WriteId, Version> = run.replication.iter().map(|row| (row.write, row.version)).collect();
        let terms = Terms::of(run);
        let mut by_key = ByKey::new();
        let mut by_version: HashMap<(u32, Version, &str), usize> = HashMap::with_capacity(run.writes.len());
        let mut writes: Vec<WriteCopies<'a>> = Vec::with_capacity(run.writes.len());
        for (index, row) in run.writes.iter().enumerate() {
            let version = row.version.or_else(|| traced.get(&row.write).copied());
            if let Some(version) = version {
                let term = if row.version.is_some() { terms.at(row.end()) } else { terms.last() };
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
        let of_key = place(&mut writes, by_key);
        let find = |version: Version, key: &str, at_us: Micros| {
            let mut terms = (0..=terms.at(at_us)).rev();
            terms.find_map(|term| by_version.get(&(term, version, key)).copied())
        };
        let followers: Vec<FollowerRecord<'a>> = NodeId::followers(run.manifest.config.followers)
            .map(|follower| FollowerRecord::of(run, follower, &find))
            .collect();
        for (index, write) in writes.iter_mut().enumerate() {
            write.arrivals = followers.iter().map(|follower| follower.arrival(index, write.row)).collect();
        }
        Self { run, writes, of_key, source: Source::Traces(followers), tally: OnceCell::new() }
    }

    /// By what clients saw, whatever traces there are.
    pub(crate) fn by_reads(run: &'a RunData) -> Self {
        let Seen { writes, of_key, followers } = Seen::of(run);
        Self { run, writes, of_key, source: Source::Reads(followers), tally: OnceCell::new() }
    }

    /// How many copies were seen; `None` of an account by traces.
    pub(crate) fn sightings(&self) -> Option<Sightings> {
        match &self.source {
            Source::Traces(_) => None,
            Source::Reads(followers) => Some(Sightings::of(followers, &self.writes)),
        }
    }

    /// Everything that changes what followers hold or what clients know, in order.
    pub(crate) fn events(&self) -> Vec<(Micros, Event)> {
        let mut events = Vec::with_capacity(self.run.arrivals.len() + self.writes.len());
        match &self.source {
            Source::Traces(followers) => {
                let followers = followers.iter().enumerate();
                followers.for_each(|(index, follower)| follower.add_events(index, &self.writes, &mut events));
            }
            Source::Reads(followers) => {
                let followers = followers.iter().enumerate();
                followers.for_each(|(index, follower)| {
                    follower.add_events(index, &self.writes, &self.of_key, &mut events);
                });
            }
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
            self.run.manifest.config.followers.get() as usize,
            self.of_key.iter().map(|of_key| of_key.iter().map(write).collect()).collect(),
            self.run.manifest.config.network.order == ReplicationOrder::Version,
            self.run.manifest.last_ack_us(),
        )
    }

    /// The run played to its end, which is done once.
    pub(crate) fn tally(&self) -> &Tally {
        self.tally.get_or_init(|| {
            let mut replay = self.replay();
            self.events().into_iter().for_each(|(at_us, event)| replay.play(at_us, event));
            replay.finish()
        })
    }

    /// The write at a place among the writes of a key.
    pub(crate) fn write(&self, key: usize, place: usize) -> Option<&WriteCopies<'a>> {
        self.writes.get(*self.of_key.get(key)?.get(place)?)
    }
}
