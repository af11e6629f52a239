//! Plays a run's acknowledgements and arrivals in order and counts copies.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::trace::TracedWrite;
use crate::data::{ArrivalRow, RunData, follower_name};

/// Acknowledged writes with one number of copies, over time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// How many there are now.
    pub(super) writes: u64,
    /// Their number times the time they lasted, within the load.
    pub(super) write_us: u128,
    /// The most there were at once within the load.
    pub(super) most: u64,
    /// When that was.
    pub(super) most_at_us: i64,
}

/// What a replay ends with.
pub(super) struct Tally {
    /// By number of copies, from 0 to N.
    pub(super) states: Vec<State>,
    pub(super) overwritten_writes: u64,
    pub(super) overwritten_copies: u64,
}

/// A write, as far as its copies go.
#[derive(Debug, Clone, Copy, Default)]
struct Copies {
    /// Followers that hold it or a newer write of its key.
    count: usize,
    acknowledged: bool,
    /// It will be acknowledged or has been.
    to_be_acknowledged: bool,
    overwritten: bool,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Arrival { follower: usize, key: usize, place: usize },
    Acknowledgement { key: usize, place: usize },
}

/// Everything about a run that copies depend on.
pub(super) struct Replay {
    events: Vec<(i64, Event)>,
    /// By key, then by the writes' order on the leader.
    writes: Vec<Vec<Copies>>,
    /// By follower and key: how many of the key's writes are no newer than what it holds.
    held: HashMap<(usize, usize), usize>,
    load_us: i64,
    tally: Tally,
}

impl Replay {
    pub(super) fn new(run: &RunData, traced: &[TracedWrite<'_>]) -> Self {
        let mut by_key: BTreeMap<&str, Vec<(u64, &TracedWrite<'_>)>> = BTreeMap::new();
        for write in traced {
            if let Some(version) = write.version {
                by_key.entry(&write.row.key).or_default().push((version, write));
            }
        }
        let mut events = Vec::with_capacity(run.arrivals.len() + traced.len());
        let mut writes = Vec::with_capacity(by_key.len());
        let mut places: HashMap<u64, (usize, usize)> = HashMap::with_capacity(traced.len());
        for (key, of_key) in by_key.values_mut().enumerate() {
            of_key.sort_unstable_by_key(|(version, _)| *version);
            for (place, (version, write)) in of_key.iter().enumerate() {
                places.insert(*version, (key, place));
                let event = Event::Acknowledgement { key, place };
                events.extend(write.acknowledged_us().map(|at_us| (at_us, event)));
            }
            let copies = |write: &TracedWrite<'_>| Copies {
                to_be_acknowledged: write.acknowledged_us().is_some(),
                ..Copies::default()
            };
            writes.push(of_key.iter().map(|(_, write)| copies(write)).collect());
        }
        events.extend(arrivals(run, &places));
        // Of one instant arrivals come first; they stay in their order.
        events.sort_by_key(|(at_us, event)| (*at_us, matches!(event, Event::Acknowledgement { .. })));
        let followers = run.manifest.config.followers.get() as usize;
        Self {
            events,
            writes,
            held: HashMap::new(),
            load_us: i64::try_from(run.manifest.load_us).unwrap_or(i64::MAX),
            tally: Tally {
                states: vec![State::default(); followers + 1],
                overwritten_writes: 0,
                overwritten_copies: 0,
            },
        }
    }

    pub(super) fn run(mut self) -> Tally {
        let mut now_us = 0;
        for (at_us, event) in std::mem::take(&mut self.events) {
            self.pass(now_us, at_us);
            now_us = now_us.max(at_us);
            match event {
                Event::Arrival { follower, key, place } => self.arrive(follower, key, place),
                Event::Acknowledgement { key, place } => self.acknowledge(key, place),
            }
        }
        self.pass(now_us, i64::MAX);
        self.tally
    }

    /// Lets time pass with the states as they are; only the load counts.
    fn pass(&mut self, from_us: i64, to_us: i64) {
        let lasted = u128::try_from(to_us.min(self.load_us) - from_us).unwrap_or(0);
        let seen = to_us > from_us && from_us <= self.load_us;
        for state in self.tally.states.iter_mut().filter(|_| seen) {
            state.write_us += u128::from(state.writes) * lasted;
            if state.writes > state.most {
                (state.most, state.most_at_us) = (state.writes, from_us);
            }
        }
    }

    fn acknowledge(&mut self, key: usize, place: usize) {
        let copies = &mut self.writes[key][place];
        copies.acknowledged = true;
        self.tally.states[copies.count].writes += 1;
    }

    /// A follower takes up the write at `place`, be it older or newer than what it held.
    fn arrive(&mut self, follower: usize, key: usize, place: usize) {
        let held = self.held.entry((follower, key)).or_insert(0);
        let before = std::mem::replace(held, place + 1);
        let writes = &mut self.writes[key];
        if let Some(replaced) = before.checked_sub(1).filter(|replaced| *replaced > place) {
            let copies = &mut writes[replaced];
            if copies.to_be_acknowledged {
                self.tally.overwritten_copies += 1;
                self.tally.overwritten_writes += u64::from(!copies.overwritten);
                copies.overwritten = true;
            }
        }
        let gained = place + 1 > before;
        for copies in &mut writes[before.min(place + 1)..before.max(place + 1)] {
            let count = if gained { copies.count + 1 } else { copies.count - 1 };
            if copies.acknowledged {
                self.tally.states[copies.count].writes -= 1;
                self.tally.states[count].writes += 1;
            }
            copies.count = count;
        }
    }
}

/// The arrivals that a follower applied, by their place among their key's writes. Rows of
/// followers there are not are left out.
fn arrivals(run: &RunData, places: &HashMap<u64, (usize, usize)>) -> Vec<(i64, Event)> {
    let followers = run.manifest.config.followers.get() as usize;
    let names: HashMap<String, usize> = (0..followers).map(|i| (follower_name(i), i)).collect();
    let event = |row: &ArrivalRow| {
        let (key, place) = *places.get(&row.version)?;
        Some((row.at_us, Event::Arrival { follower: *names.get(&row.follower)?, key, place }))
    };
    run.arrivals.iter().filter(|row| row.applied).filter_map(event).collect()
}
